package portal

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/hearthdns/hearth/policy/words"
)

var update = flag.Bool("update", false, "write the measured tables of docs/pages.md")

const measured = "../../docs/pages.md"

// table is what stands in docs/pages.md between the marks of a name; with -update it is written first. What was measured
// may differ a little from it, or every new word would change the document.
func table(t *testing.T, name, now string) string {
	t.Helper()
	text, err := os.ReadFile(measured)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), "<!-- "+name+" -->\n")
	listed, after, ends := strings.Cut(rest, "<!-- end -->")
	if !begins || !ends {
		t.Fatalf("%s has no place for %q", measured, name)
	}
	if !*update {
		return listed
	}
	if err := os.WriteFile(measured, []byte(before+"<!-- "+name+" -->\n"+now+"<!-- end -->"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	return now
}

// rows are those of a table by their first cell.
func rows(text string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) > 1 && !strings.HasPrefix(cells[0], "---") {
			all[cells[0]] = cells[1:]
		}
	}
	return all
}

// near holds a listed number to a measured one.
func near(t *testing.T, what, listed string, is, slack float64) {
	t.Helper()
	if n, err := strconv.ParseFloat(listed, 64); err != nil || math.Abs(n-is) > slack {
		t.Errorf("%s: docs/pages.md lists %q, and it is %.1f; write it anew: go test ./policy/portal -run %s -update", what, listed, is, t.Name())
	}
}

func packed(t *testing.T, text []byte) int {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// TestSizesAreListed: no page is larger than it may be in any language, and docs/pages.md says how large each is.
func TestSizesAreListed(t *testing.T) {
	g := newGallery(t)
	type size struct {
		language    string
		octets, zip int
	}
	text, all := "| Page | kB | compressed | largest in |\n|---|---|---|---|\n", map[string]size{}
	for _, s := range g.sheets {
		var largest size
		for _, language := range words.Languages() {
			if body := s.show(language).Body.Bytes(); len(body) > largest.octets {
				largest = size{language, len(body), packed(t, body)}
			}
		}
		if all[s.name] = largest; largest.octets > maxPage {
			t.Errorf("%s has %d octets in %s, at most %d are allowed", s.name, largest.octets, largest.language, maxPage)
		}
		text += fmt.Sprintf("| %s | %.1f | %.1f | %s |\n", s.name, float64(largest.octets)/1000, float64(largest.zip)/1000, largest.language)
	}
	listed := rows(table(t, "sizes", text))
	for name, is := range all {
		if cells := listed[name]; len(cells) == 3 {
			near(t, name, cells[0], float64(is.octets)/1000, 1)
			near(t, name+", compressed", cells[1], float64(is.zip)/1000, 0.5)
		} else {
			t.Errorf("docs/pages.md does not list %q", name)
		}
	}
}

// told are the sentences that a page tells its reader: heading, lead, what is next. Buttons, names and numbers are none.
func told(t *testing.T, body string) (all []string) {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var text func(n *html.Node) string
	text = func(n *html.Node) string {
		if n.Type == html.TextNode {
			return n.Data
		}
		var out strings.Builder
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			out.WriteString(text(c))
		}
		return out.String()
	}
	for n := range tree.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "h1", n.Data == "p" && n.Parent != nil && slices.ContainsFunc(n.Parent.Attr, func(a html.Attribute) bool {
			return a.Key == "class" && (a.Val == "lead" || a.Val == "next")
		}):
			all = append(all, strings.TrimSpace(text(n)))
		}
	}
	return all
}

var stops = regexp.MustCompile(`[.!?:;؟]+(\s|$)|[。！？]`)

// reading is how hard a text is to read.
type reading struct {
	words, sentences, long, longest int
}

func (r *reading) add(text string) {
	for _, sentence := range stops.Split(text, -1) {
		all := strings.FieldsFunc(sentence, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsMark(c) && !unicode.IsDigit(c) && c != '\'' && c != '’' && c != '-'
		})
		if len(all) == 0 {
			continue
		}
		r.sentences++
		r.words += len(all)
		r.longest = max(r.longest, len(all))
		for _, word := range all {
			if len([]rune(word)) > 6 {
				r.long++
			}
		}
	}
}

// lix is the readability index of C. H. Björnsson (Läsbarhet, 1968): words of a sentence, and the percentage of words with
// more than six letters. Below 25 are books for children, 25 to 30 simple texts; what it says differs by language, because
// words do, and of Chinese, which sets no spaces, it says nothing.
func (r *reading) lix() float64 {
	return float64(r.words)/float64(r.sentences) + 100*float64(r.long)/float64(r.words)
}

// TestReadability: docs/pages.md says how hard the texts are that a child reads, in every language; in English, in which
// the measure has its scale, they are as a book for children.
func TestReadability(t *testing.T) {
	text, all := "| Language | sentences | words in one | longest | LIX |\n|---|---|---|---|---|\n", map[string]reading{}
	for _, language := range words.Languages() {
		var r reading
		seen := map[string]bool{}
		for _, s := range newGallery(t).sheets {
			if !strings.HasSuffix(s.name, "child") {
				continue
			}
			for _, line := range told(t, s.show(language).Body.String()) {
				if !seen[line] {
					seen[line] = true
					r.add(line)
				}
			}
		}
		if r.sentences < 30 {
			t.Fatalf("%s: only %d sentences were found", language, r.sentences)
		}
		all[language] = r
		lix := fmt.Sprintf("%.0f", r.lix())
		if language == "zh" {
			lix = "–"
		}
		text += fmt.Sprintf("| %s | %d | %.1f | %d | %s |\n", language, r.sentences, float64(r.words)/float64(r.sentences), r.longest, lix)
	}
	listed := rows(table(t, "readability", text))
	for language, r := range all {
		cells := listed[language]
		if len(cells) != 4 {
			t.Errorf("docs/pages.md does not list %s", language)
			continue
		}
		near(t, language+", words of a sentence", cells[1], float64(r.words)/float64(r.sentences), 0.5)
		if language != "zh" {
			near(t, language+", LIX", cells[3], r.lix(), 2)
		}
	}
	if en := all["en"]; en.lix() >= 25 {
		t.Errorf("the English texts of children have a LIX of %.1f, and books for children less than 25", en.lix())
	}
}
