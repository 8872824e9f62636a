package atlas

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/prometheus/client_golang/prometheus"
)

// record is what a database says of a network.
type record struct {
	network string
	data    mmdbtype.Map
}

func country(network, code string) record {
	return record{network, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code), "names": mmdbtype.Map{"en": mmdbtype.String("of " + code)}}}}
}

func system(network string, number uint32) record {
	return record{network, mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(number), "autonomous_system_organization": mmdbtype.String("Example")}}
}

// made gives the octets of a database.
func made(t testing.TB, records ...record) []byte {
	t.Helper()
	return madeWith(t, mmdbwriter.Options{}, records...)
}

func madeWith(t testing.TB, o mmdbwriter.Options, records ...record) []byte {
	t.Helper()
	o.DatabaseType, o.Description, o.IncludeReservedNetworks = "Test", map[string]string{"en": "for tests"}, true
	o.BuildEpoch = 1_780_000_000
	w, err := mmdbwriter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		_, network, err := net.ParseCIDR(r.network)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, r.data); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func code(t testing.TB, text string) policy.Country {
	t.Helper()
	c, ok := policy.ParseCountry(text)
	if !ok && text != "" {
		t.Fatal(text)
	}
	return c
}

var (
	polar = []record{country("203.0.113.0/24", "AQ"), country("203.0.113.128/25", "NO"), country("2001:db8::/32", "AQ")}
	nets  = []record{system("203.0.113.0/25", 64500), system("2001:db8:1::/48", 4200000000)}
)

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	c := Config{Country: put(t, dir, "country.mmdb", made(t, polar...)), System: put(t, dir, "system.mmdb", made(t, nets...))}
	a := NewKeeper(slog.New(slog.DiscardHandler)).Follow(c)
	for _, tt := range []struct {
		addr, country string
		system        uint32
	}{
		{"203.0.113.7", "AQ", 64500},
		{"203.0.113.200", "NO", 0},
		{"::ffff:203.0.113.7", "AQ", 64500},
		{"2001:db8::1", "AQ", 0},
		{"2001:db8:1::1%eth0", "AQ", 4200000000},
		{"192.0.2.1", "", 0},
		{"2001:db9::1", "", 0},
	} {
		if got, want := a.Locate(netip.MustParseAddr(tt.addr)), (policy.Whereabouts{Country: code(t, tt.country), System: tt.system}); got != want {
			t.Errorf("%s lies in %v AS%d, want %v AS%d", tt.addr, got.Country, got.System, want.Country, want.System)
		}
	}
	if n := a.failed.Load(); n != 0 {
		t.Errorf("%d look-ups failed", n)
	}
}

// TestOfIPv4Alone: a database may know nothing of IPv6.
func TestOfIPv4Alone(t *testing.T) {
	d, err := parse(countries, madeWith(t, mmdbwriter.Options{IPVersion: 4}, country("203.0.113.0/24", "AQ")))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"203.0.113.9": "AQ", "2001:db8::1": ""} {
		var w policy.Whereabouts
		if err := d.locate(netip.MustParseAddr(addr), &w); err != nil || w.Country.String() != want {
			t.Errorf("%s: %q %v, want %q", addr, w.Country, err, want)
		}
	}
}

func put(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLastGoodServesOn follows a file through everything that can happen to it.
func TestLastGoodServesOn(t *testing.T) {
	var log bytes.Buffer
	dir, at := t.TempDir(), time.Now().Add(-time.Hour)
	good := made(t, polar...)
	path := filepath.Join(dir, "country.mmdb")
	k := NewKeeper(slog.New(slog.NewTextHandler(&log, nil)))
	where := func() string { return k.current.Locate(netip.MustParseAddr("203.0.113.7")).Country.String() }
	for _, step := range []struct {
		name    string
		content []byte // nil: the file is taken away
		want    string
		refused string // what the log says, "" for nothing
		same    bool   // nothing has changed, and nobody need look again at what is cached
	}{
		{"not there yet", nil, "", "no such file", true},
		{"still not there", nil, "", "", true},
		{"the first", good, "AQ", "", false},
		{"the same", good, "AQ", "", true},
		{"torn", good[:len(good)-40], "AQ", "no database", true},
		{"torn at the front", good[20:], "AQ", "torn or damaged", true},
		{"a page of a hotel", []byte("<html>Log in</html>"), "AQ", "no database", true},
		{"empty", []byte{}, "AQ", "no database", true},
		{"mended, and another", made(t, country("203.0.113.0/24", "NO")), "NO", "", false},
		{"of another kind", made(t, system("0.0.0.0/1", 64500)), "NO", "no country.iso_code", true},
		{"taken away", nil, "NO", "no such file", true},
	} {
		log.Reset()
		if step.name != "the same" {
			_ = os.Remove(path)
			if step.content != nil {
				put(t, dir, "country.mmdb", step.content)
				at = at.Add(time.Minute)
				if err := os.Chtimes(path, at, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		before := k.current
		after := k.Follow(Config{Country: path})
		if got := where(); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
		if (after == before) != step.same {
			t.Errorf("%s: a new Atlas %v, want %v", step.name, after != before, !step.same)
		}
		said := log.String()
		if strings.Contains(said, "refused") != (step.refused != "") || !strings.Contains(said, step.refused) {
			t.Errorf("%s: the log says %q, want %q", step.name, said, step.refused)
		}
	}
	got := map[string]float64{}
	registry := prometheus.NewRegistry()
	registry.MustRegister(k)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == "country" {
				got[f.GetName()] = m.GetGauge().GetValue()
			}
		}
	}
	if got["hearth_geo_built_timestamp_seconds"] != 1_780_000_000 || got["hearth_geo_refused"] != 1 || got["hearth_geo_bytes"] == 0 {
		t.Errorf("the metrics say %v", got)
	}
	if k.Follow(Config{}).Locate(netip.MustParseAddr("203.0.113.7")) != (policy.Whereabouts{}) {
		t.Error("a database that is not configured any more serves on")
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	c := Config{Country: put(t, dir, "country.mmdb", made(t, polar...)), System: put(t, dir, "system.mmdb", made(t, nets...))}
	if country, system := c.Check(); country != nil || system != nil {
		t.Errorf("sound: %v, %v", country, system)
	}
	if country, system := (Config{}).Check(); country != nil || system != nil {
		t.Errorf("none: %v, %v", country, system)
	}
	country, system := Config{Country: dir, System: filepath.Join(dir, "none.mmdb")}.Check()
	if country == nil || !strings.Contains(country.Error(), "is no file") || system == nil || !strings.Contains(system.Error(), "none.mmdb") {
		t.Errorf("a folder: %v; nothing: %v", country, system)
	}
	large := filepath.Join(dir, "large.mmdb")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxBytes+1); err != nil {
		t.Fatal(err)
	}
	if country, _ := (Config{Country: large}).Check(); country == nil || !strings.Contains(country.Error(), "more than") {
		t.Errorf("a file without end: %v", country)
	}
}

func BenchmarkParse(b *testing.B) {
	records := make([]record, 0, 200_000)
	for i := range 200_000 {
		n := netip.AddrFrom4([4]byte{byte(1 + i>>16), byte(i >> 8), byte(i), 0}) //nolint:gosec // octets of a number
		records = append(records, country(n.String()+"/24", string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26)})))
	}
	raw := made(b, records...)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := parse(countries, raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	d, err := parse(countries, made(b, polar...))
	if err != nil {
		b.Fatal(err)
	}
	a := &Atlas{country: d}
	addr := netip.MustParseAddr("203.0.113.7")
	b.ReportAllocs()
	for b.Loop() {
		a.Locate(addr)
	}
}
