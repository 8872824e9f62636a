package help_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists/help"
	"github.com/hearthdns/hearth/blocklists/source"
)

// goodNames and goodCountries are the goal that the issue on lists sets. Fewer true rows would beat more.
const (
	goodNames     = 600
	goodCountries = 30
)

func load(t *testing.T) help.Table {
	t.Helper()
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestTable: every name is one that lists are read into as it stands, none covers strangers, and none stands beneath
// another: of two suspensions one would else do nothing. It prints the counts that the documents quote.
func TestTable(t *testing.T) {
	table := load(t)
	names, countries, verified, sourced := map[string]bool{}, map[string]bool{}, 0, 0
	for _, row := range table {
		if row.Verified() {
			verified++
		}
		if row.Source != "" {
			sourced++
		}
		for _, c := range row.Countries {
			countries[c] = true
		}
		if row.Name == "" {
			continue
		}
		names[row.Name] = true
		normal, why := source.Normalise(row.Name)
		if why != "" || normal.String() != row.Name {
			t.Errorf("%s: read into a list it is %q (%s)", row.Name, normal.String(), why)
		}
		if suffix, _ := publicsuffix.PublicSuffix(row.Name); suffix == row.Name {
			t.Errorf("%s is a public suffix", row.Name)
		}
		for _, above := range table {
			if row.Name != "" && above.Name != "" && strings.HasSuffix(row.Name, "."+above.Name) {
				t.Errorf("%s lies beneath %s", row.Name, above.Name)
			}
		}
	}
	if !slices.IsSortedFunc(table, func(a, b help.Row) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted by name")
	}
	delete(countries, help.World)
	if len(names)+1 < len(table) {
		t.Errorf("%d rows, but %d names", len(table), len(names))
	}
	t.Logf("%d names, %d of them core, in %d countries; %d rows with a source, %d verified; goal %d names, %d countries",
		len(names), len(table.Names(true)), len(countries), sourced, verified, goodNames, goodCountries)
	t.Logf("countries: %s", strings.Join(slices.Sorted(maps.Keys(countries)), " "))
}

// TestHarmonisedNumber: 116 111 is for children in many countries and in others not at all, so that only rows of one
// country, with a source of that country, have it.
func TestHarmonisedNumber(t *testing.T) {
	for _, row := range load(t) {
		if row.Call() == "116 111" && (len(row.Countries) != 1 || !row.Verified()) {
			t.Errorf("%s gives 116 111 for %v", row.Name, row.Countries)
		}
	}
}

const head = "name\torganisation\tcountry\tlanguage\tkind\tcore\tnumbers\tsource\tsource_date\tverified_on\n"

func row(cells string) string { return head + strings.ReplaceAll(cells, "|", "\t") + "\n" }

func TestParse(t *testing.T) {
	got, err := help.Parse(strings.NewReader(row(
		"line.example|Somebody to Listen|AT,LI|de,en|child-helpline,abuse-hotline|core|call 116 111; text 85258; chat|https://press.example/1|2024-09-15|2024-09-15")))
	if err != nil {
		t.Fatal(err)
	}
	r := got[0]
	if !r.Verified() || !r.Serves("at") || !r.Serves("LI") || r.Serves("DE") || r.Call() != "116 111" || !r.Core ||
		!r.Is(help.AbuseHotline) || r.Is(help.Crisis) || len(r.Numbers) != 3 || !r.VerifiedOn.Equal(time.Date(2024, 9, 15, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", r)
	}
}

// TestParseRefuses: a row without what it has to have, or that claims more than its source can bear, is refused, and
// the error says what to write.
func TestParseRefuses(t *testing.T) {
	const bare, source = "a.example|A|AT|de|crisis||", "https://press.example/1"
	for cells, want := range map[string]string{
		"|A|AT|de|crisis|||||":                                      "no name",
		"|A|AT|de|emergency|core||||":                               "no name",
		"A.example|A|AT|de|crisis|||||":                             "lower case",
		"bücher.example|A|AT|de|crisis|||||":                        "A-label",
		"a.example.|A|AT|de|crisis|||||":                            "dot at the end",
		"co.uk|A|AT|de|crisis|||||":                                 "public suffix",
		"a.example||AT|de|crisis|||||":                              "no organisation",
		"a.example|A||de|crisis|||||":                               "no country",
		"a.example|A|UK|de|crisis|||||":                             "ISO 3166",
		"a.example|A|Austria|de|crisis|||||":                        "ISO 3166",
		"a.example|A|world,AT|de|crisis|||||":                       "world alone",
		"a.example|A|AT||crisis|||||":                               "no language",
		"a.example|A|AT|german!|crisis|||||":                        "BCP 47",
		"a.example|A|AT|de||||||":                                   "no kind",
		"a.example|A|AT|de|shop|||||":                               "no kind of help",
		"a.example|A|AT|de|crisis|core||||":                         "not core",
		"a.example|A|AT|de|crisis|yes||||":                          "write core, or nothing",
		bare + "|||2024-01-01":                                      "verified_on without a source",
		bare + "||2024-01-01|":                                      "go together",
		bare + "|" + source + "||":                                  "go together",
		bare + "|" + source + "||2024-01-01":                        "go together",
		bare + "|" + source + "|2024-01-01|2024-02-01":              "not source_date",
		bare + "|" + source + "|yesterday|":                         "is no day",
		bare + "|a leaflet|2024-01-01|":                             "is no URL",
		bare + "call 147|||":                                        "without verified_on",
		bare + "call 147|" + source + "|2024-01-01|":                "without verified_on",
		bare + "call|" + source + "|2024-01-01|2024-01-01":          "is no number",
		bare + "call me|" + source + "|2024-01-01|2024-01-01":       "is no number",
		bare + "fax 147|" + source + "|2024-01-01|2024-01-01":       "is no number",
		bare + "call 147 chat|" + source + "|2024-01-01|2024-01-01": "is no number",
	} {
		if _, err := help.Parse(strings.NewReader(row(cells))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", cells, err, want)
		}
	}
	twice := row(bare + "|||\n" + bare + "|||")
	if _, err := help.Parse(strings.NewReader(twice)); err == nil || !strings.Contains(err.Error(), "line 3, a.example") || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a name that stands there twice: %v", err)
	}
	if _, err := help.Parse(strings.NewReader("a.example\tA\n")); err == nil {
		t.Error("a table without a head is read")
	}
}

// stale is how old the knowledge of a row may be before somebody should look again.
const stale = 18 * 30 * 24 * time.Hour

// TestStaleness only reports: `make lint` shows it. The calendar never makes a build red.
func TestStaleness(t *testing.T) {
	var old, never []string
	for _, r := range load(t) {
		switch what := cmp.Or(r.Name, r.Call()); {
		case !r.Verified():
			never = append(never, what)
		case time.Since(r.VerifiedOn) > stale:
			old = append(old, fmt.Sprintf("%s (%s)", what, r.VerifiedOn.Format(time.DateOnly)))
		}
	}
	report := func(what string, rows []string) {
		if len(rows) > 0 {
			t.Logf("warning: %d rows of blocklists/help/help.tsv are %s: %s ...", len(rows), what, strings.Join(rows[:min(5, len(rows))], ", "))
		}
	}
	report("verified by a source older than 18 months; read a newer one", old)
	report("not verified; they are protected and not shown", never)
}
