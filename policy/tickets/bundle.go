package tickets

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Maintainer is who makes a list, as far as is known.
type Maintainer struct {
	Title    string `json:"title,omitempty"`    // what people call the list
	Homepage string `json:"homepage,omitempty"` // where its maker writes about it
	Tracker  string `json:"tracker,omitempty"`  // where issues are opened
}

// bundleSchema is the form of a Bundle (JSON Schema 2020-12).
//
//go:embed bundle.schema.json
var bundleSchema []byte

// BundleSchema is the JSON Schema of a Bundle.
func BundleSchema() []byte { return slices.Clone(bundleSchema) }

// bundleVersion names the form of a Bundle.
const bundleVersion = "hearth-list-report/1"

// Bundle is what the maker of one list is told: names that may be listed wrongly, and names that may be missing. Nothing in
// it is of a household: no count, no words of theirs, no time but the day on which the operator decided.
type Bundle struct {
	Schema string `json:"schema"`
	List   string `json:"list"` // as the operator calls it
	Maintainer
	Made  string `json:"made"` // YYYY-MM-DD
	Items []Item `json:"items"`
	Issue Issue  `json:"issue"`
}

// Item is one name of a Bundle.
type Item struct {
	Change   string   `json:"change"` // remove or add
	Name     string   `json:"name"`
	Category string   `json:"category,omitempty"`
	Entry    string   `json:"entry,omitempty"`   // by which the list has it
	Version  string   `json:"version,omitempty"` // of the list: first octets of its SHA-256
	Why      []string `json:"why,omitempty"`
	Note     string   `json:"note,omitempty"` // of the operator
	Decided  string   `json:"decided"`        // YYYY-MM-DD
}

// Issue is a text to paste where the maker takes reports, in English and Markdown.
type Issue struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Bundle gathers what the maker of a list is to be told: what was decided as sent, and upheld appeals, since a day
// (YYYY-MM-DD, "" = all that is kept). Unknown where there is nothing.
func (d *Desk) Bundle(list, since string) (Bundle, error) {
	if since != "" {
		if _, err := time.Parse(time.DateOnly, since); err != nil {
			return Bundle{}, refused("since", "%q is no day: write YYYY-MM-DD", cut(plain(since), 32))
		}
	}
	b := Bundle{Schema: bundleVersion, List: list, Made: d.Now().UTC().Format(time.DateOnly), Items: []Item{}}
	b.Maintainer, _ = d.Maintainer(list)
	d.mu.Lock()
	for _, t := range d.tickets {
		tell := t.Outcome == Sent || t.Outcome == Upheld && t.Kind == Appeal
		if tell && t.List == list && t.Decided.Format(time.DateOnly) >= since {
			b.Items = append(b.Items, itemOf(&t.Ticket))
		}
	}
	d.mu.Unlock()
	if len(b.Items) == 0 {
		return b, unknown("list", "nothing is to be told to the makers of %q: hearth reports decide NUMBER sent", cut(plain(list), maxList))
	}
	slices.SortFunc(b.Items, func(x, y Item) int { // what is to be removed first
		return cmp.Or(-strings.Compare(x.Change, y.Change), strings.Compare(x.Name, y.Name))
	})
	b.Issue = b.issue()
	return b, nil
}

// Letter is a Bundle of one appeal, for parents who pass on what their child told them: no ticket is made.
func (d *Desk) Letter(name, category string, why Why, c Claim) Bundle {
	now := d.Now().UTC()
	t := Ticket{Kind: Appeal, Name: name, Category: category, Version: c.Version, Entry: cut(plain(c.Entry), 512), Why: map[Why]int{why: 1}, Decided: now}
	b := Bundle{Schema: bundleVersion, List: c.List, Made: now.Format(time.DateOnly), Items: []Item{itemOf(&t)}}
	b.Maintainer, _ = d.Maintainer(c.List)
	b.Issue = b.issue()
	return b
}

// reasonTexts say in English why somebody wrote.
var reasonTexts = map[Why]string{
	WhyFine:     "it does no harm",
	WhyCategory: "it is of another category",
	WhyHelp:     "people find help there",
	WhyScary:    "something there was bad or frightening",
}

func itemOf(t *Ticket) Item {
	i := Item{Change: "remove", Name: t.Name, Category: t.Category, Entry: t.Entry, Version: t.Version, Note: t.Word, Decided: t.Decided.Format(time.DateOnly)}
	if t.Kind == Report {
		i.Change = "add"
	}
	for _, why := range slices.Sorted(maps.Keys(t.Why)) {
		if text := reasonTexts[why]; text != "" {
			i.Why = append(i.Why, text)
		}
	}
	return i
}

// issue writes the text.
func (b *Bundle) issue() Issue {
	var text strings.Builder
	fmt.Fprintf(&text, "People who use **%s** in Hearth, a DNS filter for families, told us of these names, and somebody has looked at each.\n", marked(b.title()))
	parts := []struct{ change, head, columns string }{
		{"remove", "Names that may not belong on the list", "| name | in the list as | version | category | why |\n|---|---|---|---|---|\n"},
		{"add", "Names that may be missing", "| name | category | why |\n|---|---|---|\n"},
	}
	counts := map[string]int{}
	for _, part := range parts {
		var rows strings.Builder
		for _, i := range b.Items {
			if i.Change != part.change {
				continue
			}
			counts[i.Change]++
			cells := []string{code(i.Name), code(i.Entry), code(i.Version), code(i.Category), marked(i.reasons())}
			if i.Change == "add" {
				cells = []string{cells[0], cells[3], cells[4]}
			}
			fmt.Fprintf(&rows, "| %s |\n", strings.Join(cells, " | "))
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&text, "\n### %s\n\n%s%s", part.head, part.columns, rows.String())
		}
	}
	text.WriteString("\nThe version is the beginning of the SHA-256 of the list as it was read. Thank you for the list.\n")
	return Issue{Title: heading(counts["remove"], counts["add"]), Text: text.String()}
}

func (b *Bundle) title() string {
	if b.Title != "" {
		return b.Title
	}
	return b.List
}

func (i *Item) reasons() string {
	reasons := slices.Clone(i.Why)
	if i.Note != "" {
		reasons = append(reasons, i.Note)
	}
	return strings.Join(reasons, "; ")
}

// heading is the title of an issue.
func heading(remove, add int) string {
	names := func(n int) string {
		if n == 1 {
			return "1 name"
		}
		return fmt.Sprintf("%d names", n)
	}
	switch {
	case add == 0:
		return names(remove) + " that may be listed by mistake"
	case remove == 0:
		return names(add) + " that may be missing"
	}
	return names(remove) + " that may be listed by mistake, " + names(add) + " that may be missing"
}

// marked makes a text safe in a table of Markdown, and a mention of nobody.
func marked(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'", "@", "@\u2060", "[", `\[`, "]", `\]`, "#", "#\u2060").Replace(text)
}

// code shows a text as it is.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(text) + "`"
}
