package policy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// ask gives "" if a row holds, else what came instead.
func (s *Scenario) ask(d *Directory, e Expectation, today time.Time) (string, error) {
	client, err := d.Find(e.Client)
	if err != nil {
		return "", err
	}
	if client.Profile == nil || e.Want == "stranger" {
		if client.Status == Stranger && e.Want == "stranger" {
			return "", nil
		}
		return client.Status.String(), nil
	}
	loc := time.UTC
	if client.Household != nil {
		loc = client.Household.Location
	}
	if s.config != nil && !s.config.Today.IsZero() {
		today = s.config.Today.in(loc)
	}
	at, err := ParseAt(e.At, today, loc)
	if err != nil {
		return "", err
	}
	s.use(at)
	got, as, err := d.decideText(client.Now(at), e.Name, at)
	if err != nil {
		return "", err
	}
	w, err := parseWant(e.Want, at, loc)
	if err != nil {
		return "", err
	}
	if w.holds(d, got) && (w.as == "" || w.as == as) {
		return "", nil
	}
	return d.describe(got, loc) + " as " + as, nil
}

// Find reads a client as a person writes it: an address, "id:ID", both, a device, household/member or "profile NAME".
func (d *Directory) Find(text string) (Client, error) {
	c, _, err := d.ReadClient(text)
	if _, _, hasID := splitID(text); err == nil || hasID {
		return c, err
	}
	if name, ok := strings.CutPrefix(text, "profile "); ok {
		p := d.Profile(name)
		if p == nil {
			return Client{}, fmt.Errorf("no profile %q", name)
		}
		return Client{Status: Known, Profile: p}, nil
	}
	if household, member, ok := strings.Cut(text, "/"); ok {
		if c, err := d.Locate(household, member); err == nil {
			return c, nil
		}
	}
	if c, err = d.LocateDevice(text); err != nil {
		return Client{}, fmt.Errorf("client %q: write an address, id:ID, an address and id:ID, a device, household/member or profile NAME: %w", text, err)
	}
	return c, nil
}

// decideText decides about a name, or a chain of names, in text, and says as which name
// it answers.
func (d *Directory) decideText(c Client, text string, at time.Time) (out Decision, as string, err error) {
	var asked, target blocklists.Hashes
	var q Question
	var targets blocklists.Match
	var hashes []uint64
	for i, part := range strings.Split(text, "->") {
		if a, w, ok := parseWhereabouts(part); ok && i > 0 {
			hashes = AppendAddress(hashes, a, w)
			continue
		}
		name, err := blocklists.ParseName(strings.TrimSpace(part))
		if err != nil {
			return out, "", fmt.Errorf("name %q: %w", part, err)
		}
		if i == 0 {
			q = d.Ask(name, &asked)
			var safe *Transform
			if out, safe = d.Safe(&c, &q, c.Decide(&q, at), at); safe != nil {
				return out, safe.Target.String(), nil
			}
			continue
		}
		t := d.Ask(name, &target)
		targets.Categories = targets.Categories.Or(t.Match.Categories)
		hashes = AppendTarget(hashes, &target)
	}
	if len(hashes) > 0 {
		out = c.DecideChain(out, &q, targets, hashes, at)
	}
	return out, "itself", nil
}

// parseWhereabouts reads an address, and behind it the country and the system that it lies in.
func parseWhereabouts(text string) (a netip.Addr, w Whereabouts, ok bool) {
	for i, word := range strings.Fields(text) {
		country, isCountry := ParseCountry(word)
		number, isSystem := strings.CutPrefix(word, "AS")
		var err error
		switch {
		case i == 0:
			a, err = netip.ParseAddr(word)
		case isCountry:
			w.Country = country
		case isSystem:
			var n uint64
			n, err = strconv.ParseUint(number, 10, 32)
			w.System = uint32(n) //nolint:gosec // 32 bits
		default:
			return a, w, false
		}
		if err != nil {
			return a, w, false
		}
	}
	return a, w, a.IsValid()
}

// want is what a row asks for; what it leaves out may be anything.
type want struct {
	action   Action
	observed bool
	step     Step
	category string
	as       string // "" if it does not matter
	until    *int64 // nil if it does not matter
	ends     *int64
}

func parseWant(text string, at time.Time, loc *time.Location) (want, error) {
	var w want
	var err error
	if text, w.ends, err = cutTime(text, " ends ", at, loc); err != nil {
		return w, err
	}
	if text, w.until, err = cutTime(text, " until ", at, loc); err != nil {
		return w, err
	}
	named := false
	text, w.as, _ = strings.Cut(text, " as ")
	w.as = strings.TrimSpace(w.as)
	for _, word := range strings.Fields(text) {
		n, err := strconv.ParseUint(word, 10, 8)
		switch action, ok := parseAction(word); {
		case ok:
			w.action, named = action, true
		case word == "observed":
			w.observed = true
		case err == nil && n >= 1 && n <= uint64(StepUnknown):
			w.step = Step(n)
		default:
			w.category = word
		}
	}
	if !named {
		return w, fmt.Errorf("%q expects nothing: begin with %s", text, oneOf(actionNames[:]...))
	}
	return w, nil
}

// cutTime takes off a word and the time behind it, none for 0.
func cutTime(text, word string, at time.Time, loc *time.Location) (rest string, unix *int64, err error) {
	rest, when, found := strings.Cut(text, word)
	if !found {
		return rest, nil, nil
	}
	if unix = new(int64); strings.TrimSpace(when) == "none" {
		return rest, unix, nil
	}
	t, err := ParseAt(when, at, loc)
	*unix = t.Unix()
	return rest, unix, err
}

func parseAction(word string) (Action, bool) {
	for i, name := range actionNames {
		if name == word {
			return Action(i), true
		}
	}
	return Allow, false
}

func (w want) holds(d *Directory, got Decision) bool {
	return w.action == got.Action && w.observed == !got.Applied &&
		(w.step == 0 || w.step == got.Step) &&
		(w.category == "" || w.category == d.categoryOf(got)) &&
		(w.until == nil || *w.until == got.Until) &&
		(w.ends == nil || *w.ends == got.Ends)
}

func (d *Directory) categoryOf(x Decision) string {
	if !x.HasCategory {
		return ""
	}
	return d.ground.taxonomy.ID(x.Category)
}

// describe writes a decision as a row would.
func (d *Directory) describe(x Decision, loc *time.Location) string {
	words := []string{x.Action.String(), strconv.Itoa(int(x.Step))}
	if !x.Applied {
		words = append([]string{"observed"}, words...)
	}
	if c := d.categoryOf(x); c != "" {
		words = append(words, c)
	}
	for i, at := range []int64{x.Until, x.Ends} {
		when := "none"
		if at != 0 {
			when = time.Unix(at, 0).In(loc).Format("2006-01-02 15:04")
		}
		words = append(words, []string{"until", "ends"}[i], when)
	}
	return strings.Join(words, " ")
}
