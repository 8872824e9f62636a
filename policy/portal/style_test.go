package portal

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// palette is the colours of one tone in one light.
type palette map[string]string

var declared = regexp.MustCompile(`--([a-z]+):(#[0-9a-f]{3,6})`)

func (p palette) with(css string) palette {
	out := palette{}
	for k, v := range p {
		out[k] = v
	}
	for _, m := range declared.FindAllStringSubmatch(css, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("%q is not a colour of six digits", colour)
	}
	part := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	l, m := luminance(t, a), luminance(t, b)
	return (max(l, m) + 0.05) / (min(l, m) + 0.05)
}

// darkFrom begins the dark half of the style sheet.
const darkFrom = "-scheme:dark)"

// Every text stands out by at least 4.5 to 1 (WCAG 2.2, 1.4.3), in each tone and light.
func TestContrast(t *testing.T) {
	r, err := newRenderer()
	if err != nil {
		t.Fatal(err)
	}
	css := r.style
	light, dark, ok := strings.Cut(string(css), darkFrom)
	if !ok {
		t.Fatal("there is no dark style")
	}
	dark, _, _ = strings.Cut(dark, "*{")
	rule := func(css, selector string) string {
		block, _ := between(css, selector+"{", "}")
		return block
	}
	for _, tone := range []string{"", ".night", ".care", ".safe", ".plain"} {
		base := palette{}.with(rule(light, ":root"))
		day := base.with(rule(light, tone))
		for name, p := range map[string]palette{"light": day, "dark": day.with(rule(dark, ":root")).with(rule(dark, tone))} {
			for _, pair := range [][2]string{{"ink", "bg"}, {"ink", "card"}, {"ink", "sky"}, {"soft", "bg"}, {"soft", "card"}, {"accent", "bg"}, {"accent", "card"}} {
				if c := contrast(t, p[pair[0]], p[pair[1]]); c < 4.5 {
					t.Errorf("%s%s: %s on %s has a contrast of %.2f, want 4.5", name, tone, pair[0], pair[1], c)
				}
			}
		}
	}
}

// A page that is read from right to left needs another dir and nothing else.
func TestStyleKnowsNoLeftAndRight(t *testing.T) {
	r, err := newRenderer()
	if err != nil {
		t.Fatal(err)
	}
	css := r.style
	if found := regexp.MustCompile(`(?i)(left|right)`).FindString(string(css)); found != "" {
		t.Errorf("the style sheet says %q; write start or end", found)
	}
	if strings.Contains(string(css), "url(") || strings.Contains(string(css), "@import") {
		t.Error("the style sheet loads something")
	}
}

// TestNoSides: the style sheets say where a line begins and ends, not left and right, so that a page in Arabic is mirrored.
func TestNoSides(t *testing.T) {
	side := regexp.MustCompile(`(?i)(margin|padding|border|inset|text-align|float|clear)[a-z-]*(-|:\s*)(left|right)|[;{\s](left|right):|border-(top|bottom)-(left|right)-radius`)
	for _, file := range []string{"pages/style.css", "console/pages/style.css"} {
		css, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := side.FindAllString(string(css), -1); len(found) > 0 {
			t.Errorf("%s: %q", file, found)
		}
	}
	if !side.MatchString("p{margin-left:1rem}") || !side.MatchString("td{text-align: right}") || side.MatchString("p{margin-inline-start:1rem}") {
		t.Error("the test finds nothing")
	}
}
