package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const house = "hearth.home.arpa"

func openHouse(t *testing.T, state string, at *clock, addresses ...string) (*Keeper, string) {
	t.Helper()
	c := Default()
	c.Name = house
	for _, a := range addresses {
		c.Addresses = append(c.Addresses, netip.MustParseAddr(a))
	}
	log, out := logged()
	k, err := open(c, state, []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, log, at.now)
	if err != nil {
		t.Fatal(err)
	}
	return k, out.String()
}

// TestLocalIsTrusted: Go's verifier accepts the certificate for all its names and addresses, with the authority alone.
func TestLocalIsTrusted(t *testing.T) {
	k, said := openHouse(t, t.TempDir(), &clock{today}, "192.168.1.2", "203.0.113.7", "2001:db8::7")
	if !strings.Contains(said, k.Authority().Fingerprint()) {
		t.Errorf("the log does not name the authority that was made: %s", said)
	}
	roots := x509.NewCertPool()
	roots.AddCert(k.Authority().Certificate)
	for _, name := range []string{house, "a1b2c3d4e5f6g7h8." + house, "192.168.1.2", "203.0.113.7", "[2001:db8::7]", "127.0.0.1", "[::1]"} {
		if _, err := shake(k, &tls.Config{RootCAs: roots, ServerName: name, Time: func() time.Time { return today }}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"home.arpa", "example.org", "192.168.1.3", "a.b." + house} {
		if _, err := shake(k, &tls.Config{RootCAs: roots, ServerName: name, Time: func() time.Time { return today }}); err == nil {
			t.Errorf("the certificate is good for %s", name)
		}
	}
	leaf := shown(t, k, house)[0]
	if days := leaf.NotAfter.Sub(today).Hours() / 24; days > 398 || days < 30 || leaf.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("the certificate is good for %.0f days with %s", days, leaf.PublicKeyAlgorithm)
	}
	if !k.Covers(house) || !k.Covers("some-device."+house) || k.Covers("example.org") {
		t.Error("Covers does not tell which names the certificate has")
	}
}

// TestAuthorityIsLimited: whoever steals the key cannot vouch for another name, another public address or mail with it.
func TestAuthorityIsLimited(t *testing.T) {
	state := t.TempDir()
	k, _ := openHouse(t, state, &clock{today})
	thief, _, err := openAuthority(state, house, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(k.Authority().Certificate)
	verify := func(edit func(*x509.Certificate), usage x509.ExtKeyUsage) error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(0, 0, 9), ExtKeyUsage: []x509.ExtKeyUsage{usage}}
		edit(template)
		raw, err := x509.CreateCertificate(rand.Reader, template, thief.Certificate, &key.PublicKey, thief.key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: today, KeyUsages: []x509.ExtKeyUsage{usage}})
		return err
	}
	server := x509.ExtKeyUsageServerAuth
	named := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = []string{name} }
	}
	at := func(ip string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(ip)} }
	}
	for _, good := range []func(*x509.Certificate){named(house), named("x." + house), at("192.168.178.1"), at("fd00::1")} {
		if err := verify(good, server); err != nil {
			t.Errorf("what belongs to the house is refused: %v", err)
		}
	}
	for _, bad := range []func(*x509.Certificate){named("bank.example"), named("home.arpa"), named("x" + house), at("192.0.2.1"), at("2001:db8::1")} {
		if err := verify(bad, server); err == nil {
			t.Error("the authority vouches for what is not of the house")
		}
	}
	if err := verify(func(c *x509.Certificate) { c.EmailAddresses = []string{"anna@" + house} }, x509.ExtKeyUsageEmailProtection); err == nil {
		t.Error("the authority vouches for mail")
	}
	if err := verify(named(house), x509.ExtKeyUsageCodeSigning); err == nil {
		t.Error("the authority vouches for programs")
	}
	ca := k.Authority().Certificate
	if !ca.PermittedDNSDomainsCritical || !ca.MaxPathLenZero || ca.NotAfter.Sub(today).Hours() < 9*365*24 {
		t.Error("the limits are not critical, the authority can make others, or it ends within years")
	}
}

// TestAuthorityIsKept: a second start has the same authority, its key is for the owner alone, and another name has another.
func TestAuthorityIsKept(t *testing.T) {
	state := t.TempDir()
	first, _ := openHouse(t, state, &clock{today})
	second, said := openHouse(t, state, &clock{today.AddDate(1, 0, 0)})
	if !first.Authority().Certificate.Equal(second.Authority().Certificate) || said != "" {
		t.Errorf("the second start has another authority, or speaks of one: %s", said)
	}
	err := filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != state && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.Name = "Other.Home.arpa."
	other, err := New(c, state, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Authority().Certificate.Equal(first.Authority().Certificate) {
		t.Error("two names share an authority")
	}
	if read, err := ReadAuthority(state, house); err != nil || !read.Certificate.Equal(first.Authority().Certificate) {
		t.Errorf("the authority that is read from the state folder is another: %v", err)
	}
	if _, err := ReadAuthority(state, "none.example"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "hearth serve") {
		t.Errorf("an authority that was never made: %v", err)
	}
}

// TestTornAuthority: what is not whole is refused and left as it is, at every length.
func TestTornAuthority(t *testing.T) {
	state := t.TempDir()
	openHouse(t, state, &clock{today})
	file := authorityFile(state, house)
	whole := read(t, file)
	c := Default()
	c.Name = house
	refused := func(what string, text []byte) {
		write(t, file, text)
		_, err := New(c, state, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "from a backup, or remove it") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", what, err)
		}
		if string(read(t, file)) != string(text) {
			t.Errorf("%s: the file was changed", what)
		}
	}
	for n := 0; n < len(whole)-30; n += 40 {
		refused("torn", whole[:n])
	}
	other := t.TempDir()
	openHouse(t, other, &clock{today})
	cert, _, _ := strings.Cut(string(whole), "-----BEGIN PRIVATE KEY")
	_, key, _ := strings.Cut(string(read(t, authorityFile(other, house))), "-----BEGIN PRIVATE KEY")
	refused("the key of another", []byte(cert+"-----BEGIN PRIVATE KEY"+key))
	write(t, file, whole)
	if _, err := New(c, state, nil, nil); err != nil {
		t.Errorf("the file was put back: %v", err)
	}
}

// TestLocalRenewal: a new certificate comes with a third of the life left, when the clock jumps, and for a new address.
func TestLocalRenewal(t *testing.T) {
	at := &clock{time.Date(1970, time.January, 1, 0, 0, 9, 0, time.UTC)} // a board without a battery
	k, _ := openHouse(t, t.TempDir(), at)
	renewed := func(what string, want bool) {
		t.Helper()
		before := k.local.leaf.Load().Leaf
		if err := k.local.tend(); err != nil {
			t.Fatal(err)
		}
		leaf := k.local.leaf.Load().Leaf
		if got := !leaf.Equal(before); got != want {
			t.Errorf("%s: renewed %t, want %t", what, got, want)
		}
		roots := x509.NewCertPool()
		roots.AddCert(k.Authority().Certificate)
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at.at, DNSName: house}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	at.at = today
	renewed("the clock was set", true)
	renewed("nothing happened", false)
	at.at = today.AddDate(0, 0, 59)
	renewed("after 59 days", false)
	at.at = today.AddDate(0, 0, 61)
	renewed("after 61 days", true)
	at.at = today.AddDate(0, 0, 30)
	renewed("the clock was set back", true)
	k.local.bound = append(k.local.bound, netip.MustParseAddr("192.168.7.7"))
	renewed("a new address", true)
	k.local.bound = append(k.local.bound, netip.MustParseAddr("192.0.2.9"))
	renewed("an address that the authority may not vouch for", false)
}

// TestAuthorityIsShown: the fingerprint and the pin are those that other programs compute.
func TestAuthorityIsShown(t *testing.T) {
	k, _ := openHouse(t, t.TempDir(), &clock{time.Now()})
	a := k.Authority()
	spki, err := x509.MarshalPKIXPublicKey(a.Certificate.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(spki)
	if a.Pin() != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("the pin is %s", a.Pin())
	}
	chain := shown(t, k, house)
	if len(chain) != 2 || !chain[1].Equal(a.Certificate) {
		t.Error("the authority is not in the chain, so its key cannot be pinned")
	}
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on this machine")
	}
	dir := t.TempDir()
	ca, leaf := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "leaf.pem")
	write(t, ca, a.PEM())
	write(t, leaf, (&Authority{chain[0]}).PEM())
	out, err := exec.Command(openssl, "x509", "-in", ca, "-noout", "-fingerprint", "-sha256").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "="+a.Fingerprint()+"\n") {
		t.Errorf("openssl says %s (%v), want %s", out, err, a.Fingerprint())
	}
	for _, args := range [][]string{{"-verify_hostname", house}, {"-verify_hostname", "some-device." + house}, {"-verify_ip", "127.0.0.1"}} {
		out, err := exec.Command(openssl, append(append([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca}, args...), leaf)...).CombinedOutput()
		if err != nil {
			t.Errorf("openssl verify %v: %s", args, out)
		}
	}
	if out, err := exec.Command(openssl, "verify", "-CAfile", ca, "-verify_hostname", "bank.example", leaf).CombinedOutput(); err == nil {
		t.Errorf("openssl verify bank.example: %s", out)
	}
}
