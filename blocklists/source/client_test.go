package source

import (
	"net/http"
	"testing"
)

// TestGuard: where a download may connect, one address after the other on its way.
func TestGuard(t *testing.T) {
	tests := []struct {
		why  string
		way  []string
		last bool // whether the last may be contacted; the ones before may
	}{
		{"a server on the internet", []string{"192.0.2.1:443"}, true},
		{"a server in the house", []string{"192.168.1.10:80"}, true},
		{"this machine", []string{"[::1]:8080"}, true},
		{"from the house to the internet", []string{"192.168.1.10:80", "192.0.2.1:443"}, true},
		{"from the internet into the house", []string{"192.0.2.1:443", "192.168.1.1:80"}, false},
		{"from the internet to this machine", []string{"192.0.2.1:443", "127.0.0.1:9353"}, false},
		{"the same in IPv6 spelling", []string{"192.0.2.1:443", "[::ffff:127.0.0.1]:9353"}, false},
		{"unique local address", []string{"[2001:db8::1]:443", "[fd00::1]:80"}, false},
		{"cloud metadata", []string{"169.254.169.254:80"}, false},
		{"link-local", []string{"[fe80::1]:80"}, false},
		{"no address", []string{"0.0.0.0:80"}, false},
		{"multicast", []string{"224.0.0.1:80"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			ctx := withJourney(t.Context())
			for i, address := range tt.way {
				err := guard(ctx, "tcp", address, nil)
				if want := i < len(tt.way)-1 || tt.last; (err == nil) != want {
					t.Errorf("%s: %v, want allowed %t", address, err, want)
				}
			}
		})
	}
}

// TestRedirectKeepsTLS: a list that is asked for over TLS never comes without.
func TestRedirectKeepsTLS(t *testing.T) {
	request := func(url string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	via := []*http.Request{request("https://lists.example/")}
	if err := checkRedirect(request("http://lists.example/"), via); err == nil {
		t.Error("redirect from https to http is followed")
	}
	if err := checkRedirect(request("https://mirror.example/"), via); err != nil {
		t.Error(err)
	}
}
