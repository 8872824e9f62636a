package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
)

const encryptedFamily = family + `
tls: {name: dns.hearth-house.example, addresses: [203.0.113.5]}
listen:
  - {addresses: ["127.0.0.1:0"], protocol: dns}
  - {addresses: ["127.0.0.1:853"], protocol: tls}
  - {addresses: ["127.0.0.1:8853", "127.0.0.1:853"], protocol: quic}
  - {addresses: ["127.0.0.1:8443"], protocol: https, path: /ask}
  - {addresses: ["127.0.0.1:443"], protocol: https}
`

const tabletID = "5qq6yoioa4nzco7a4b3diiql66"

// TestEnrolNew: each id is another, is one that the configuration takes, and stands in the line to write.
func TestEnrolNew(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		r := hearth(t, "enrol", "--new")
		id, _, _ := strings.Cut(r.out, "\n")
		if r.code != 0 || !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(id) || policy.CheckDeviceID(id) != nil || seen[id] || !strings.Contains(r.out, "id: "+id) {
			t.Fatalf("hearth enrol --new: code %d\n%s%s", r.code, r.out, r.err)
		}
		seen[id] = true
	}
	var said map[string]string
	if r := hearth(t, "enrol", "--new", "--json"); json.Unmarshal([]byte(r.out), &said) != nil || policy.CheckDeviceID(said["id"]) != nil {
		t.Errorf("with --json: %s", r.out)
	}
}

// TestEnrolOffline: with --config the command reads what there is, and makes nothing.
func TestEnrolOffline(t *testing.T) {
	text := strings.Replace(withBandOf(encryptedFamily), "addresses: [10.0.0.2]", "addresses: [10.0.0.2], id: "+tabletID, 1)
	file := writeConfig(t, text)
	state := t.TempDir()
	run := func(args ...string) ran {
		return hearthWith(t, []string{"HEARTH__STATE=" + state}, append(args, "--config", file)...)
	}
	if r := run("enrol", "--ca"); r.code != exitRefused || !strings.Contains(r.err, "hearth serve makes one at its first start") {
		t.Errorf("before the first start: code %d, %s", r.code, r.err)
	}
	if _, err := os.Stat(filepath.Join(state, "certificates")); err == nil {
		t.Error("the command made a certificate")
	}
	l, err := load(file, []string{"HEARTH__STATE=" + state})
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeeper(&l.Config, state, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := run("enrol", "home/tablet")
	for _, want := range []string{
		"home/tablet", "https://dns.hearth-house.example/dns-query/" + tabletID, "DNS over TLS       " + tabletID + ".dns.hearth-house.example\n",
		"DNS over QUIC      " + tabletID + ".dns.hearth-house.example\n", "203.0.113.5", k.Authority().Fingerprint(), k.Authority().Pin(),
		"no: its private DNS trusts no authority", "http://ask.hearth.home.arpa/enrol", "Keep this to yourself",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("hearth enrol home/tablet does not say %q: %s%s", want, r.out, r.err)
		}
	}
	if strings.Contains(r.out, "at home only") || strings.ContainsAny(r.out, "█▀▄\x1b") {
		t.Errorf("a public address is called one of the home, or a picture goes to what is no terminal: %s", r.out)
	}
	r = run("enrol", "--ca")
	if block, _ := pem.Decode([]byte(r.out)); block == nil || !bytes.Equal(block.Bytes, k.Authority().Certificate.Raw) {
		t.Errorf("hearth enrol --ca: %s%s", r.out, r.err)
	}
	var said map[string]any
	if r = run("enrol", "--json"); json.Unmarshal([]byte(r.out), &said) != nil || said["https"] != "https://dns.hearth-house.example/dns-query" || strings.Contains(r.out, tabletID) {
		t.Errorf("what holds for all devices: %s%s", r.out, r.err)
	}
	ca := filepath.Join(state, "certificates", "dns.hearth-house.example.pem")
	if err := os.WriteFile(ca, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r = run("enrol", "tablet"); r.code != exitRefused || !strings.Contains(r.err, "from a backup") {
		t.Errorf("with a damaged authority: code %d, %s%s", r.code, r.out, r.err)
	}
	if r = run("explain", "example.com"); r.code != exitDone {
		t.Errorf("explain needs the authority: %s", r.err)
	}
}

func withBandOf(text string) string { return strings.Replace(text, "BAND", "child", 1) }

func TestEnrolRefuses(t *testing.T) {
	plainDNS := writeConfig(t, withBand("child"))
	secret := writeConfig(t, withBandOf(encryptedFamily))
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"enrol", "--new", "--ca"}, exitUsage, "one of DEVICE, --new and --ca"},
		{[]string{"enrol", "a", "b"}, exitUsage, "one of DEVICE, --new and --ca"},
		{[]string{"enrol", "tablet", "--new"}, exitUsage, "one of DEVICE, --new and --ca"},
		{[]string{"enrol", "--config", plainDNS}, exitRefused, "protocol: tls"},
		{[]string{"enrol", "tablet", "--config", secret}, exitUsage, "hearth enrol --new"},
		{[]string{"enrol", "nobody", "--config", secret}, exitRefused, "household/device"},
	} {
		if r := hearth(t, tt.args...); r.code != tt.code || !strings.Contains(r.err, tt.want) {
			t.Errorf("%v: code %d, want %d: %s", tt.args, r.code, tt.code, r.err)
		}
	}
}

// TestEnrolPage: the page and the profile are there on a running server, and the command on its socket says the same.
func TestEnrolPage(t *testing.T) {
	text := strings.Replace(withBandOf(encryptedFamily), "addresses: [10.0.0.2]", "addresses: [10.0.0.2], id: "+tabletID, 1)
	s, _, _ := testServer(t, text)
	if s.portal == nil || s.keeper == nil {
		t.Fatal("the server has no pages or no certificates")
	}
	c := within(s.api.Local(), "test")
	var said map[string]any
	if err := c.call(t.Context(), request{method: "GET", path: "/v1/settings"}, &said); err != nil || said["authority_fingerprint"] != s.keeper.Authority().Fingerprint() {
		t.Errorf("the control API says %v (%v)", said, err)
	}
	if said["android_problem"] != "authority" {
		t.Errorf("Android and the local authority: %v", said["android_problem"])
	}
}

// TestPicture: the picture is as many columns as the code has squares with its margin, and begins and ends light.
func TestPicture(t *testing.T) {
	var out bytes.Buffer
	drawQR(&out, "https://dns.hearth-house.example/dns-query/"+tabletID)
	plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(out.String(), "")
	rows := strings.Split(strings.TrimRight(plain, "\n"), "\n")
	first := []rune(rows[0])
	for _, row := range rows {
		if runes := []rune(row); len(runes) != len(first) || string(runes[:4]) != "████" || string(runes[len(runes)-4:]) != "████" {
			t.Fatalf("a row without its margin: %q", row)
		}
	}
	if got, want := strings.Trim(rows[0]+rows[1], "█"), ""; got != want || 2*len(rows) < len(first) {
		t.Errorf("%d rows of %d columns, the first light: %t", len(rows), len(first), got == want)
	}
	// The finder pattern's upper edge is seven dark squares, beneath which stand dark, five light and dark.
	if got := string([]rune(rows[2])[4:12]); got != " ▄▄▄▄▄ █" {
		t.Errorf("the corner is %q", got)
	}
}
