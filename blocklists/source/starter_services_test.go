package source

import (
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
)

// TestServiceNamesAreInTheirSource compares the services with the part of their main source that the shared data has:
// where a service was read in nothing else, each of its names is a line there.
func TestServiceNamesAreInTheirSource(t *testing.T) {
	file, err := os.Open(shared(t, "services-v2fly.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]map[string]bool{}
	for line := range strings.Lines(string(text)) {
		service, rule, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if rules[service] == nil {
			rules[service] = map[string]bool{}
		}
		rules[service][strings.TrimPrefix(rule, "full:")] = true
	}
	services, err := blocklists.Services()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, s := range services {
		read := strings.Fields(s.Sources[0].Text) // repository, file, commit
		known := rules[strings.TrimPrefix(read[1], "data/")]
		if len(s.Sources) > 1 || read[0] != "v2fly/domain-list-community" || known == nil {
			continue
		}
		compared++
		for _, name := range s.Names {
			if !known[name] {
				t.Errorf("%s: %s is not in %s", s.ID, name, s.Sources[0].Text)
			}
		}
	}
	if compared < 40 {
		t.Errorf("%d services compared", compared)
	}
}
