package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// givens are rows of the file given: what people changed. Each has four columns: what, for whom, from,
// until ("-": no end). For whom is household, household/member or household/device. What is
//
//	pause | filter off | use MEMBER | grant KIND [VALUE] [at bedtime] | grant bonus QUOTA MINUTES | learning NAMES | learned NAMES
//
// A name of those with "!" in front is declined.
type given struct {
	line                    int
	what, whom, from, until string
}

func (s *Scenario) readGiven(data []byte) error {
	return rows(data, func(line int, text string) error {
		parts := strings.Split(text, ",")
		if len(parts) != 4 {
			return fmt.Errorf("%q has %d columns: write what, for whom, from, until", text, len(parts))
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		s.given = append(s.given, given{line, parts[0], parts[1], parts[2], parts[3]})
		return nil
	})
}

// states makes of the rows what Compile takes.
func (s *Scenario) states(c Config, today time.Time) (map[string]State, error) {
	states := map[string]State{}
	for _, g := range s.given {
		if err := g.enter(states, c, today); err != nil {
			return nil, fmt.Errorf("given:%d: %w", g.line, err)
		}
	}
	return states, nil
}

func (g given) enter(states map[string]State, c Config, today time.Time) error {
	id, name, _ := strings.Cut(g.whom, "/")
	i := slices.IndexFunc(c.Households, func(h HouseholdConfig) bool { return h.ID == id })
	if i < 0 {
		return fmt.Errorf("no household %q", id)
	}
	h := &c.Households[i]
	to := Subject{Device: name}
	if slices.ContainsFunc(h.Members, func(m MemberConfig) bool { return m.Name == name }) {
		to = Subject{Member: name}
	}
	from, until, err := g.span(h.Timezone, today)
	if err != nil {
		return err
	}
	st := states[id]
	defer func() { states[id] = st }()
	switch what, rest, _ := strings.Cut(g.what, " "); what {
	case "pause":
		st.Pauses = append(st.Pauses, Pause{Subject: to, At: from, Until: until})
	case "filter":
		st.Offs = append(st.Offs, FilterOff{Subject: to, At: from, Until: until})
	case "use":
		st.Uses = append(st.Uses, Use{Device: name, Member: rest, At: from, Until: until})
	case "learning", "learned":
		st.Things = append(st.Things, readThing(rest, Thing{Device: name, Learning: what == "learning", Taught: what == "learned"}))
	case "grant":
		st.Grants = append(st.Grants, readGrant(rest, Grant{ID: strconv.Itoa(g.line), Subject: to, At: from, Until: until}))
	default:
		return fmt.Errorf("%q: write pause, filter off, use MEMBER, learning, learned NAMES or grant KIND VALUE", g.what)
	}
	return nil
}

func (g given) span(zone string, today time.Time) (from, until int64, err error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return 0, 0, err //nolint:wrapcheck // it names the zone
	}
	today = DateOf(today).in(loc)
	begin, err := ParseAt(g.from, today, loc)
	if err != nil || g.until == "-" {
		return begin.Unix(), 0, err
	}
	end, err := ParseAt(g.until, begin, loc)
	return begin.Unix(), end.Unix(), err
}

func readThing(text string, t Thing) Thing {
	for _, word := range strings.Fields(text) {
		if name, declined := strings.CutPrefix(word, "!"); declined {
			t.Declined = append(t.Declined, name)
		} else {
			t.Names = append(t.Names, name)
		}
	}
	return t
}

func readGrant(text string, g Grant) Grant {
	text, g.AtBedtime = strings.CutSuffix(text, " at bedtime")
	words := strings.Fields(text)
	if len(words) > 0 {
		g.Kind = GrantKind(words[0])
	}
	if len(words) > 1 {
		g.Value = words[1]
	}
	if len(words) > 2 {
		g.Minutes, _ = strconv.Atoi(words[2])
	}
	return g
}
