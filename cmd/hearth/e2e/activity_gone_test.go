package e2e

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/miekg/dns"
)

// TestEraseWhoIsGone: what is kept of a name that the household no longer has, and of a household that is gone, goes by a
// command, and the audit says so.
func TestEraseWhoIsGone(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	s.ask("udp", "127.0.0.3", "page.example", dns.TypeA)
	s.must("grant", "time", "--member", "example-home/Toni", "--for", "1h")
	s.eventually("remembers Toni", func() bool {
		return strings.Contains(s.must("activity", "example-home/Toni"), "allowed       1")
	})
	s.refused(2, "of one that is configured write HOUSEHOLD/MEMBER", "activity", "erase", "example-home", "--all")
	s.write(strings.NewReplacer("name: Toni,", "name: Tina,", "member: Toni", "member: Tina").Replace(s.read()))
	if out, code := s.reload(); code != 0 {
		t.Fatal(out)
	}
	if out := s.must("activity", "example-home"); !strings.Contains(out, "Toni") {
		t.Errorf("nobody learns that something is kept of who is gone: %s", out)
	}
	if out := s.must("activity", "erase", "example-home/Toni"); !strings.Contains(out, "1 day of example-home/Toni erased") || !strings.Contains(out, "grant 1") {
		t.Errorf("erasing says %q", out)
	}
	if out := s.must("activity", "example-home"); strings.Contains(out, "Toni") {
		t.Errorf("after the erasure: %s", out)
	}
	if out := s.must("household", "audit"); !strings.Contains(out, "gone erased, 1 days, 0 records, audit 1, grant 1") || strings.Contains(out, "Toni") {
		t.Errorf("the audit: %s", out)
	}
	s.refused(1, "nothing is kept of example-home/Toni", "activity", "erase", "example-home/Toni")
	s.ask("udp", "127.0.0.3", "page.example", dns.TypeA)
	s.eventually("remembers Tina", func() bool {
		return strings.Contains(s.must("activity", "example-home/Tina"), "allowed       1")
	})
	s.write(strings.Replace(s.read(), "id: example-home", "id: next-home", 1))
	if out, code := s.reload(); code != 0 {
		t.Fatal(out)
	}
	if out := s.must("activity", "erase", "example-home", "--all"); !strings.Contains(out, "2 days of example-home erased") || !strings.Contains(out, "audit 1") {
		t.Errorf("erasing the household says %q", out)
	}
	if out := s.must("household", "audit", "example-home"); strings.Count(out, "\n") != 1 || !strings.Contains(out, "all of the household erased") {
		t.Errorf("the audit: %s", out)
	}
}

// TestSheetTellsCountries: where a database says in which country addresses lie, the sheet of a toy does; times are those
// of RFC 3339.
func TestSheetTellsCountries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "country.mmdb")
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", Description: map[string]string{"en": "for tests"}, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, network, _ := net.ParseCIDR("192.0.2.0/24") // the upstream's answers
	if err := w.Insert(network, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("AQ")}}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	s := watched(t, "\n  country: \"\"", "\n  country: "+path)
	s.must("device", "learn", "example-home/bear", "--for", "3d")
	s.ask("udp", "127.0.0.5", "cloud.example", dns.TypeA)
	s.eventually("says where the cloud is", func() bool {
		return strings.Contains(s.must("device", "sheet", "example-home/bear"), "cloud.example AQ")
	})
	var sheet struct {
		Learned struct{ Since, Until time.Time }
		Names   []struct {
			Name, State string
			Countries   []string
			Last        time.Time
		}
	}
	out := s.must("device", "sheet", "example-home/bear", "--json")
	if err := json.Unmarshal([]byte(out), &sheet); err != nil || sheet.Learned.Until.Sub(sheet.Learned.Since) != 72*time.Hour ||
		len(sheet.Names) != 1 || sheet.Names[0].State != "waits" || strings.Join(sheet.Names[0].Countries, " ") != "AQ" || sheet.Names[0].Last.IsZero() {
		t.Errorf("%v: %s", err, out)
	}
	var changes struct {
		Changes []struct{ At, Until time.Time }
	}
	if out = s.must("household", "audit", "--json"); json.Unmarshal([]byte(out), &changes) != nil || len(changes.Changes) != 1 || time.Since(changes.Changes[0].At) > time.Hour {
		t.Errorf("the audit: %s", out)
	}
}
