package source

import (
	"net/http"
	"strings"
	"testing"
)

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

// TestRedirectKeepsSecrets: only the host that a token is for gets it, and once it was left behind it stays so. Where
// the download came from is told to nobody.
func TestRedirectKeepsSecrets(t *testing.T) {
	for _, tt := range []struct {
		way  []string
		want bool
	}{
		{[]string{"https://lists.example/a", "https://lists.example/b"}, true},
		{[]string{"https://lists.example/a", "https://mirror.example/b"}, false},
		{[]string{"https://lists.example/a", "https://sub.lists.example/b"}, false}, // net/http itself would send it there
		{[]string{"https://lists.example/a", "https://lists.example:8443/b"}, false},
		{[]string{"https://lists.example/a", "https://mirror.example/b", "https://lists.example/c"}, false},
	} {
		var via []*http.Request
		for i, url := range tt.way {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer geheim")
			r.Header.Set("Referer", tt.way[0])
			if i > 0 {
				if err := checkRedirect(r, via); err != nil {
					t.Fatal(err)
				}
				if r.Header.Get("Referer") != "" {
					t.Errorf("%v: tells where it came from", tt.way)
				}
			}
			via = append(via, r)
		}
		if got := via[len(via)-1].Header.Get("Authorization") != ""; got != tt.want {
			t.Errorf("%v: token sent %t, want %t", tt.way, got, tt.want)
		}
	}
	ctx := withJourney(t.Context(), Source{CertFile: "cert.pem"})
	via, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://lists.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	next, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://mirror.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkRedirect(next, []*http.Request{via}); err == nil || !strings.Contains(err.Error(), "mirror.example") {
		t.Errorf("another host may ask for the client certificate: %v", err)
	}
}
