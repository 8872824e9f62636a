package certificate

import (
	"bytes"
	"crypto/tls"
	"os"
	"strings"
	"testing"
)

func openPairs(t *testing.T, at *clock, pairs ...Pair) (*Keeper, *files, *bytes.Buffer) {
	t.Helper()
	log, out := logged()
	k, err := open(Config{Source: Files, Name: "dns.example.org", Files: pairs}, t.TempDir(), nil, log, at.now)
	if err != nil {
		t.Fatal(err)
	}
	return k, k.source.(*files), out
}

func TestFilesAreChosenByName(t *testing.T) {
	dir, at := t.TempDir(), &clock{today}
	k, _, _ := openPairs(t, at,
		issued(t, dir, "first", today, 30, "dns.example.org"),
		issued(t, dir, "second", today, 30, "*.dns.example.org"),
		issued(t, dir, "third", today, 30, "other.example.net", "more.example.net"))
	for name, want := range map[string]string{
		"dns.example.org": "dns.example.org", "id-of-a-device.dns.example.org": "*.dns.example.org",
		"MORE.example.net": "other.example.net", "a.b.dns.example.org": "dns.example.org",
		"unknown.example": "dns.example.org", "": "dns.example.org",
	} {
		if got := shown(t, k, name)[0].DNSNames[0]; got != want {
			t.Errorf("a client of %q is shown %s, want %s", name, got, want)
		}
	}
	if !k.Covers("dns.example.org") || !k.Covers("some-device.dns.example.org") || k.Covers("unknown.example") {
		t.Error("Covers does not tell which names the certificates have")
	}
	if k.Authority() != nil {
		t.Error("the authority of somebody else's files is offered")
	}
}

// TestFilesReload: what is good takes over, what is not changes nothing and is logged once.
func TestFilesReload(t *testing.T) {
	dir, at := t.TempDir(), &clock{today}
	p := issued(t, dir, "own", today, 30, "dns.example.org")
	k, f, out := openPairs(t, at, p)
	first := shown(t, k, "dns.example.org")[0]
	serves := func(what string, want bool) {
		t.Helper()
		f.tend()
		f.tend() // a second look changes nothing and says nothing more
		if same := shown(t, k, "dns.example.org")[0].Equal(first); same != want {
			t.Errorf("%s: the first certificate serves: %t, want %t", what, same, want)
		}
		lines := 0
		if strings.TrimSpace(out.String()) != "" {
			lines = strings.Count(out.String(), "\n")
		}
		out.Reset()
		if lines != 1 {
			t.Errorf("%s: %d lines of log, want 1", what, lines)
		}
		good := 1.0
		if want {
			good = 0
		}
		if got := gauges(t, k)["hearth_certificate_last_renewal_success"]; got != good {
			t.Errorf("%s: last renewal success is %v, want %v", what, got, good)
		}
	}
	f.tend()
	if out.Len() > 0 {
		t.Errorf("nothing changed, and the log says %s", out)
	}
	cert, key := read(t, p.CertFile), read(t, p.KeyFile)
	write(t, p.CertFile, cert[:len(cert)/2])
	serves("half a certificate", true)
	issued(t, dir, "next", today, 60, "dns.example.org")
	next := Pair{CertFile: dir + "/next.crt", KeyFile: dir + "/next.key"}
	write(t, p.CertFile, read(t, next.CertFile))
	serves("a certificate whose key has not come yet", true)
	if err := os.Remove(p.KeyFile); err != nil {
		t.Fatal(err)
	}
	serves("no key", true)
	gone := issued(t, dir, "gone", today.AddDate(0, -6, 0), 30, "dns.example.org")
	write(t, p.CertFile, read(t, gone.CertFile))
	write(t, p.KeyFile, read(t, gone.KeyFile))
	serves("a certificate that has run out", true)
	write(t, p.CertFile, read(t, next.CertFile))
	write(t, p.KeyFile, read(t, next.KeyFile))
	serves("a good pair", false)
	second := shown(t, k, "dns.example.org")[0]
	write(t, p.CertFile, cert)
	write(t, p.KeyFile, key)
	f.tend()
	if got := shown(t, k, "dns.example.org")[0]; !got.Equal(first) || got.Equal(second) {
		t.Error("the pair that was put back does not serve")
	}
}

// TestFilesAtStart: what cannot be read or does not fit stops the start and says what to write; what has run
// out serves, and the log tells.
func TestFilesAtStart(t *testing.T) {
	dir := t.TempDir()
	one, two := issued(t, dir, "one", today, 30, "a.example.org"), issued(t, dir, "two", today, 30, "b.example.org")
	for what, p := range map[string]Pair{
		"write its path":           {CertFile: dir + "/none.crt", KeyFile: one.KeyFile},
		"a chain and its own key":  {CertFile: one.CertFile, KeyFile: two.KeyFile},
		"a chain and its own key,": {CertFile: one.KeyFile, KeyFile: one.KeyFile},
	} {
		_, err := New(Config{Source: Files, Name: "a.example.org", Files: []Pair{p}}, t.TempDir(), nil, nil)
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: error %v, want one that says %q", p, err, what)
		}
	}
	k, _, out := openPairs(t, &clock{today.AddDate(1, 0, 0)}, one)
	if got := shown(t, k, "a.example.org")[0].DNSNames[0]; got != "a.example.org" || !strings.Contains(out.String(), "renew it") {
		t.Errorf("a certificate that has run out: shown %s, log %s", got, out)
	}
}

func TestFilesExpiry(t *testing.T) {
	dir := t.TempDir()
	k, _, _ := openPairs(t, &clock{today}, issued(t, dir, "long", today, 60, "a.example.org"), issued(t, dir, "short", today, 9, "b.example.org"))
	got, want := gauges(t, k)["hearth_certificate_expiry_timestamp_seconds files"], float64(today.AddDate(0, 0, 9).Unix())
	if got != want {
		t.Errorf("the first certificate runs out at %v, want %v", got, want)
	}
}

func TestProtocol(t *testing.T) {
	k, _, _ := openPairs(t, &clock{today}, issued(t, t.TempDir(), "own", today, 30, "dns.example.org"))
	shown(t, k, "dns.example.org", tls.VersionTLS12)
	if _, err := shake(k, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if c := k.TLS(); c.SessionTicketsDisabled || c == k.TLS() {
		t.Error("sessions cannot be resumed, or two listeners share one configuration")
	}
}
