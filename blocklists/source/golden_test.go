package source

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// go test -run Golden -update writes the golden files anew; read the difference before you commit it.
var update = flag.Bool("update", false, "write the golden files of testdata")

// TestGolden reads a whole file of each format. The golden file has every entry with its line, and of every reason the
// count and the first line.
func TestGolden(t *testing.T) {
	for file, format := range map[string]Format{
		"hosts": Hosts, "hosts-crlf-bom": Hosts, "domains": Domains, "wildcard": Wildcard,
		"adblock": Adblock, "dnsmasq": Dnsmasq, "unbound": Unbound, "rpz": RPZ,
	} {
		t.Run(file, func(t *testing.T) {
			golden(t, file, format, filepath.Join("testdata", file+".txt"))
		})
	}
	t.Run("v2fly", func(t *testing.T) {
		golden(t, "v2fly", V2fly, filepath.Join("testdata", "v2fly", "casino"))
	})
	t.Run("ut1", func(t *testing.T) {
		golden(t, "ut1", UT1, filepath.Join("testdata", "ut1"))
	})
}

func golden(t *testing.T, name string, format Format, path string) {
	t.Helper()
	var got strings.Builder
	report, err := ParsePath(path, format, Options{}, func(i Item) error {
		fmt.Fprintf(&got, "%s%d %s\n", prefix(i.File), i.Line, spell(i))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&got, "\n%d lines, %d names, %d patterns, %d networks\n", report.Lines, report.Names, report.Patterns, report.Prefixes)
	for _, why := range slices.Sorted(maps.Keys(report.Rejected)) {
		first := report.Examples[why]
		fmt.Fprintf(&got, "%d %s: %s%d %s\n", report.Rejected[why], why, prefix(first.File), first.Line, first.Text)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func prefix(file string) string {
	if file == "" {
		return ""
	}
	return file + ":"
}
