package source

import (
	"bufio"
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
)

// mainCategories are those of which the first start has to know at least 60 names.
var mainCategories = []string{
	"adult.porn", "adult.mixed", "adult.services", "adult.dating",
	"harm.gore", "harm.hate", "harm.weapons", "harm.drugs", "harm.alcohol", "harm.tobacco", "harm.crime",
	"money.gambling", "money.crypto", "money.shopping", "piracy",
	"social.networks", "social.chat", "social.ugc", "fun.games", "fun.video", "fun.ai",
	"bypass.vpn", "bypass.dns", "bypass.remote", "ads.trackers", "misinfo",
}

// hostName is a host name in A-label form of at least two labels (RFC 1123 2.1, RFC 5890 2.3.2.1).
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// readStarter returns the names of every starter file, of the table of help and of the table of services by category,
// read by the plain rules of the files alone: one name a line, `#` starts a comment; the table of help has the name in
// the first column and core in the sixth; that of services has them behind the word names. It uses no parser of the
// packages, so that the two check each other.
func readStarter(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("starter", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no starter files: %v", err)
	}
	lists := make(map[string][]string, len(paths))
	for _, path := range paths {
		lists[strings.TrimSuffix(filepath.Base(path), ".txt")] = readNames(t, path)
	}
	for _, line := range readNames(t, filepath.Join("..", "help", "help.tsv")) {
		if cells := strings.Split(line, "\t"); cells[0] != "" && cells[0] != "name" {
			category := strings.TrimSuffix("ok.help."+cells[5], ".")
			lists[category] = append(lists[category], cells[0])
		}
	}
	service := ""
	for _, line := range readNames(t, filepath.Join("..", "services.txt")) {
		if id, ok := strings.CutPrefix(line, "service "); ok {
			service = "service." + id
		}
		if names, ok := strings.CutPrefix(line, "names "); ok {
			lists[service] = append(lists[service], strings.Fields(names)...)
		}
	}
	return lists
}

func readNames(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	names := []string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if name := strings.TrimRight(text, " "); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// covering returns the entry of list that name is or lies beneath, or "".
func covering(list map[string]bool, name string) string {
	for suffix := name; suffix != ""; {
		if list[suffix] {
			return suffix
		}
		_, suffix, _ = strings.Cut(suffix, ".")
	}
	return ""
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

func TestStarterKnowsEachMainCategory(t *testing.T) {
	lists := readStarter(t)
	for _, id := range mainCategories {
		if got := len(lists[id]); got < 60 {
			t.Errorf("starter/%s.txt has %d names, want at least 60", id, got)
		}
	}
}

func TestStarterFilesAreCategories(t *testing.T) {
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	lists := readStarter(t)
	for id := range lists {
		if _, ok := taxonomy.Lookup(id); !ok {
			t.Errorf("starter/%s.txt: no such category; nearest is %q", id, taxonomy.Nearest(id))
		}
		if strings.HasPrefix(id, "illegal.") {
			t.Errorf("starter/%s.txt: such names come from a contracted list or an order, never from the program", id)
		}
	}
	for _, definition := range blocklists.Builtin() {
		if definition.Service && len(lists[definition.ID]) == 0 {
			t.Errorf("%s has no names in services.txt", definition.ID)
		}
	}
}

// pageProxy is a public suffix because browsers have to keep apart the sites that Google shows beneath it, translated. No
// stranger lives there: it is a proxy, and nothing else.
const pageProxy = "translate.goog"

func TestStarterNamesAreWellFormed(t *testing.T) {
	for id, names := range readStarter(t) {
		if !slices.IsSorted(names) {
			t.Errorf("starter/%s.txt is not sorted", id)
		}
		set := setOf(names)
		if len(set) != len(names) {
			t.Errorf("starter/%s.txt has a name twice", id)
		}
		for _, name := range names {
			if !hostName.MatchString(name) || len(name) > 253 {
				t.Errorf("starter/%s.txt: %q is not a lower-case host name", id, name)
			}
			if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name && name != pageProxy {
				t.Errorf("starter/%s.txt: %q is a public suffix: strangers live beneath it", id, name)
			}
			if _, parent, _ := strings.Cut(name, "."); covering(set, parent) != "" {
				t.Errorf("starter/%s.txt: %q is implied by %q", id, name, covering(set, parent))
			}
		}
	}
}

// TestStarterNeverBlocksWhatItAllows holds that no name of an ok.* file is an entry of a blocking file
// or lies beneath one: two lists of the same author must not contradict each other.
func TestStarterNeverBlocksWhatItAllows(t *testing.T) {
	lists := readStarter(t)
	for id, names := range lists {
		if strings.HasPrefix(id, "ok.") {
			continue
		}
		blocked := setOf(names)
		for allow, allowed := range lists {
			if !strings.HasPrefix(allow, "ok.") {
				continue
			}
			for _, name := range allowed {
				if entry := covering(blocked, name); entry != "" {
					t.Errorf("%s of %s is blocked by %s of %s", name, allow, entry, id)
				}
			}
		}
	}
}

// TestStarterServicesLieInTheirCategory holds that what a service's switch turns on is what its category blocks: in
// the compiled lists every name of the service is of both.
func TestStarterServicesLieInTheirCategory(t *testing.T) {
	ix, err := Starter(taxonomy(t))
	if err != nil {
		t.Fatal(err)
	}
	lists := readStarter(t)
	for _, definition := range blocklists.Builtin() {
		if !definition.Service {
			continue
		}
		for _, name := range lists[definition.ID] {
			found := categoriesOf(t, ix, "www."+name)
			if !slices.Contains(found, definition.ID) || !slices.Contains(found, definition.Parent) {
				t.Errorf("%s is %v, want %s and %s", name, found, definition.ID, definition.Parent)
			}
		}
	}
}

// TestStarterVerdicts fixes names that the issue, the policy or plain sense settle.
func TestStarterVerdicts(t *testing.T) {
	lists := readStarter(t)
	parents := map[string]string{}
	for _, definition := range blocklists.Builtin() {
		parents[definition.ID] = definition.Parent
	}
	for _, tc := range []struct {
		name string
		want []string // every blocking category that covers the name, that of its service too
	}{
		{"pornhub.com", []string{"adult.porn"}},
		{"www.pornhub.com", []string{"adult.porn"}},
		{"notpornhub.com", nil},
		{"google.com", nil},
		{"www.google.com", nil},
		{"wikipedia.org", nil},
		{"archive.org", nil},
		{"github.com", nil},
		{"cloudfront.net", nil},
		{"amazonaws.com", nil},
		{"akamai.net", nil},
		{"icloud.com", nil},
		{"microsoft.com", nil},
		{"use-application-dns.net", nil}, // a canary is answered by the resolver, not by a list
		{"mask.icloud.com", nil},
		{"mask-h2.icloud.com", nil},
		{"dns-tunnel-check.googlezip.net", nil},
		{"resolver.arpa", nil},
		{"en-m-wikipedia-org.translate.goog", []string{"bypass.vpn"}},
		{"translate.google.com", nil}, // words are translated there; its pages come from beneath translate.goog
		{"deepl.com", nil},
		{"bridges.torproject.org", []string{"bypass.vpn"}},
		{"snowflake-broker.torproject.net", []string{"bypass.vpn"}},
		{"vpn.mozilla.org", []string{"bypass.vpn"}},
		{"www.mozilla.org", nil},
		{"mozilla.cloudflare-dns.com", []string{"bypass.dns"}},
		{"www.cloudflare.com", nil},
		{"203-0-113-9.sslip.io", []string{"bypass.dns"}},
		{"remotedesktop.google.com", []string{"bypass.remote"}},
		{"bet365.com", []string{"money.gambling"}},
		{"www.tiktok.com", []string{"social.networks"}},
		{"dns.google", []string{"bypass.dns"}},
		// Defenders answer this name to stop the WannaCry worm: a block would start it again.
		{"www.iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com", nil},
	} {
		var got []string
		for id, names := range lists {
			if !strings.HasPrefix(id, "ok.") && covering(setOf(names), tc.name) != "" {
				got = append(got, cmp.Or(parents[id], id))
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, tc.want) {
			t.Errorf("%s is in %v, want %v", tc.name, got, tc.want)
		}
	}
}
