package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// judge decides whether a candidate may replace the last good list, counts it, and keeps it parsed beside the state in
// force, which may be nil. Errors: errRefused and ErrTooLarge for what is no good list, a *heldError for one that needs
// the operator's word.
func (l *Library) judge(ctx context.Context, s Source, old kept, before *state, c *candidate) error {
	hits, err := l.readCandidate(ctx, s, before, c)
	if err != nil {
		return err
	}
	for _, h := range hits {
		if h.kind == canaryPopular {
			c.record.Popular++
		}
	}
	return l.weigh(s, old, before, c, hits)
}

// readCandidate parses a candidate and looks which canaries it hits.
func (l *Library) readCandidate(ctx context.Context, s Source, before *state, c *candidate) ([]canary, error) {
	d, err := l.read(ctx, s, c.path(s), c.record.SHA256, before)
	if end := (*endError)(nil); errors.As(err, &end) {
		return nil, end.cause
	} else if errors.Is(err, errRefused) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	c.draft = d
	c.record.count(d.label.Report)
	version, err := l.open(state{label: d.label, path: d.temp.Name()})
	if err != nil {
		return nil, err
	}
	defer version.close()
	return l.hits(s, d.label.Directories, version.Parsed)
}

// weigh compares a candidate with the last good list.
func (l *Library) weigh(s Source, old kept, before *state, c *candidate, hits []canary) error {
	held := &heldError{source: s.Name}
	if c.doubt != "" {
		held.reasons = append(held.reasons, c.doubt)
	}
	known := old.SHA256 != "" && old.sameOrigin(s)
	if known {
		why := l.lists.Guards.drift(old.Names, c.draft.label.Report.Names)
		if before != nil && before.Content == old.SHA256 {
			why = l.lists.Guards.driftOf(c.draft.diff) // expressions and networks too
		}
		if why != "" {
			held.reasons = append(held.reasons, why)
		}
	}
	grave, err := l.newHits(s, known, before, hits)
	if err != nil {
		return err
	}
	if len(grave) > 0 {
		held.name(grave)
	}
	if len(held.reasons) > 0 {
		return held
	}
	return nil
}

// name notes the names that are newly hit, by kind.
func (e *heldError) name(hits []canary) {
	text := fmt.Sprintf("it newly hits %d names that lists are not to hit", len(hits))
	var kind canaryKind
	for i, h := range hits {
		switch {
		case i > shownHits:
			continue
		case i == shownHits:
			text += " and more"
			continue
		case h.kind != kind:
			text += fmt.Sprintf("; %s: %s", h.kind, h.text)
		default:
			text += ", " + h.text
		}
		kind, e.hits = h.kind, append(e.hits, h.text)
	}
	e.reasons = append(e.reasons, text)
}

// inspect looks at what came as a whole; of a folder there is nothing to see.
func (l *Library) inspect(s Source, c candidate) error {
	if c.record.Bytes == 0 {
		return fmt.Errorf("%w: the list is empty", errRefused)
	}
	file, err := os.Open(c.path(s)) //nolint:gosec // the operator's own path, or the library's
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return err
	}
	return l.refuseOther(file, c.contentType)
}

// refuseOther refuses what is no list of any format; contentType is what the server said, "" = nothing.
func (l *Library) refuseOther(content io.Reader, contentType string) error {
	left := l.lists.maxInflated()
	plain, err := inflate(content, &left)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if what := otherThanList(plain, contentType); what != "" {
		return fmt.Errorf("%w: %s came instead of a list; is the address right?", errRefused, what)
	}
	return nil
}

// otherThanList says what a server sent that is no list of any format: by the type that it gives, or because it begins
// so; "" where it may be one. What comes as text/plain or without a type is judged by its beginning alone.
func otherThanList(plain *bufio.Reader, contentType string) string {
	kind, sub, _ := strings.Cut(contentType, "/")
	switch {
	case contentType == "text/html", contentType == "application/xhtml+xml":
		return "a web page"
	case sub == "json" || strings.HasSuffix(sub, "+json"):
		return "a JSON document"
	case sub == "xml" || strings.HasSuffix(sub, "+xml"):
		return "an XML document"
	case slices.Contains([]string{"image", "audio", "video", "font"}, kind), sub == "pdf", strings.HasSuffix(sub, "javascript"):
		return "a file of type " + contentType
	}
	begin, _ := plain.Peek(beginning) // shorter ones are fine, and errors come again when the list is parsed
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(begin, []byte("\ufeff"))))
	switch {
	case bytes.HasPrefix(text, []byte("<?xml")):
		return "an XML document"
	case bytes.HasPrefix(text, []byte("<")), hasLine(text, "<!doctype", "<html", "<head", "<body"):
		return "a web page"
	case isJSON(text):
		return "a JSON document"
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return "a text in UTF-16"
	}
	return ""
}

// beginning is how much of a list is looked at for what it is, in bytes.
const beginning = 4 << 10

// hasLine reports whether a line of text begins with one of the words.
func hasLine(text []byte, words ...string) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if slices.ContainsFunc(words, func(w string) bool { return bytes.HasPrefix(line, []byte(w)) }) {
			return true
		}
	}
	return false
}

// isJSON reports whether a text begins like a JSON value. No list begins with a brace; adblock lists begin with
// "[Adblock".
func isJSON(text []byte) bool {
	rest, array := bytes.CutPrefix(text, []byte("["))
	rest = bytes.TrimSpace(rest)
	switch {
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte(`"`)):
		return true
	case !array || len(rest) == 0:
		return false
	}
	return bytes.IndexByte([]byte(`[{"]-0123456789`), rest[0]) >= 0
}

const (
	// Of the lines of good lists at most one in two hundred is no statement of the list's format; where more lines are
	// none than are one, it is another format, or a page that someone took for a list.
	mostNoise = 1 // for each name
	// Lists for browsers are mostly about the content of pages, and some directories of UT1 about single pages. What is left for
	// DNS of a list that has next to no names is nothing that its makers look at.
	fewest        = 100 // statements for each name
	fewestAdblock = 1000
)

// usable refuses a list that is mostly something else than the format says, or has hardly any name.
func usable(s Source, r Report) error {
	said := r.Statements()
	if said == 0 {
		return noNames(s, r)
	}
	noise, rejected := 0, 0
	for why, n := range r.Rejected {
		rejected += n
		if slices.Contains([]Reason{ReasonSyntax, ReasonBadLabel, ReasonBadIDN, ReasonTooLong, ReasonLongLine}, why) {
			noise += n
		}
	}
	limit := fewest
	if r.Format == Adblock {
		limit = fewestAdblock
	}
	if noise > mostNoise*said || said*limit < rejected {
		return fmt.Errorf("%w: only %d names in %d lines read as %s%s", errRefused, said, r.Lines, r.Format, mostRejected(r))
	}
	return nil
}

// mostRejected shows what most lines were rejected for: usually the format is a wrong one.
func mostRejected(r Report) string {
	var most Reason
	for why, n := range r.Rejected {
		if n > r.Rejected[most] || n == r.Rejected[most] && why < most {
			most = why
		}
	}
	if most == "" {
		return ""
	}
	first := r.Examples[most]
	return fmt.Sprintf("; %d were rejected as %s, first line %d: %s", r.Rejected[most], most, first.Line, first.Text)
}
