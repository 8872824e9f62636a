package register

import (
	"strings"
	"testing"
)

const goodList = `
documents:
  readme: {text: "publisher/lists README.md 0123abc", date: "2026-01-31"}
lists:
  - name: a-list
    title: A list
    publisher: A Publisher
    family: publisher
    url: https://lists.example/hosts
    format: hosts
    categories: [ads.trackers]
    licence: MIT
    homepage: https://lists.example/
    names: 1500
    size: small
    ages: [little, child]
    refresh: 24h
    note: "Nothing to say."
    sources: [readme]
`

const goodPreset = `
presets:
  - name: few
    title: for one
    why: It is a test.
    choice:
      - {list: a-list, why: "The only one."}
`

// TestRowsThatAreNotWhole holds that a list without a licence, a source or that source's date, and any other row
// with a hole or a contradiction, keeps the whole catalogue from being read.
func TestRowsThatAreNotWhole(t *testing.T) {
	if _, err := parse([]byte(goodList), []byte(goodPreset)); err != nil {
		t.Fatalf("a whole row: %v", err)
	}
	for _, tc := range []struct{ old, new, says string }{
		{"    licence: MIT\n", "", "licence"},
		{"    sources: [readme]\n", "", "no sources"},
		{"sources: [readme]", "sources: []", "no sources"},
		{"sources: [readme]", "sources: [letter]", `"letter" is not among the documents`},
		{`, date: "2026-01-31"`, "", "its own date"},
		{`"2026-01-31"`, `"January 2026"`, "YYYY-MM-DD"},
		{`"2026-01-31"`, `"2026-02-31"`, "YYYY-MM-DD"},
		{`text: "publisher/lists README.md 0123abc"`, `text: ""`, "write its text"},
		{"name: a-list", "name: A List", `joined by "-"`},
		{"    title: A list\n", "", "title"},
		{"    publisher: A Publisher\n", "", "publisher"},
		{"    family: publisher\n", "", "family"},
		{"https://lists.example/hosts", "lists.example/hosts", "https://host/path"},
		{"https://lists.example/hosts", "http://lists.example/hosts", "write https"},
		{"https://lists.example/hosts", "https://user:word@lists.example/hosts", "https://host/path"},
		{"    homepage: https://lists.example/\n", "", "https://host/path"},
		{"format: hosts", "format: csv", "write one of hosts"},
		{"format: hosts", "format: ut1", "belongs to the format ut1"},
		{"    categories: [ads.trackers]\n", "", "categories"},
		{"size: small", "size: large", "1500 names are small"},
		{"size: small", "size: middling", "write one of"},
		{"ages: [little, child]", "ages: []", "no ages"},
		{"ages: [little, child]", "ages: [child, little]", "in this order"},
		{"ages: [little, child]", "ages: [toddler]", "in this order"},
		{"refresh: 24h", "refresh: 10m", "at least 1h"},
		{"    refresh: 24h\n", "", "at least 1h"},
		{"    note:", "    remark:", "remark"},
	} {
		text := strings.Replace(goodList, tc.old, tc.new, 1)
		if text == goodList {
			t.Fatalf("%q is not in the row", tc.old)
		}
		if _, err := parse([]byte(text), []byte(goodPreset)); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q instead of %q: got %v, want an error that says %q", tc.new, tc.old, err, tc.says)
		}
	}
	_, again, _ := strings.Cut(goodList, "lists:\n")
	if _, err := parse([]byte(goodList+again), []byte(goodPreset)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same list again: %v", err)
	}
}

func TestPresetsThatAreNotWhole(t *testing.T) {
	for _, tc := range []struct{ old, new, says string }{
		{"list: a-list", "list: no-list", `"no-list"`},
		{`, why: "The only one."`, "", "and why"},
		{"    why: It is a test.\n", "", "why"},
		{"    title: for one\n", "", "title"},
	} {
		text := strings.Replace(goodPreset, tc.old, tc.new, 1)
		if _, err := parse([]byte(goodList), []byte(text)); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q instead of %q: got %v, want an error that says %q", tc.new, tc.old, err, tc.says)
		}
	}
	line := "      - {list: a-list, why: \"The only one.\"}\n"
	if _, err := parse([]byte(goodList), []byte(goodPreset+line)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a list twice in a preset: %v", err)
	}
	if _, err := parse([]byte(goodList), []byte(goodPreset+strings.TrimPrefix(goodPreset, "\npresets:\n"))); err == nil ||
		!strings.Contains(err.Error(), "preset few is there twice") {
		t.Errorf("a preset twice: %v", err)
	}
}
