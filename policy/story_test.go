package policy

import (
	"testing"
	"time"
	_ "time/tzdata" // the machine may have no zones

	"github.com/hearthdns/hearth/blocklists"
)

// story compiles the configuration and lists of a scenario.
func story(t testing.TB, text string) *Directory {
	t.Helper()
	s, err := ParseScenario([]byte(text + "\n-- expect --\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Prepare(t.Context(), CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// asker asks a Directory about names in text.
type asker struct {
	d *Directory
	h blocklists.Hashes
}

func (a *asker) question(t testing.TB, name string) *Question {
	t.Helper()
	n, err := blocklists.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	q := a.d.Ask(n, &a.h)
	return &q
}

func (a *asker) member(t testing.TB, household, member string) *Profile {
	t.Helper()
	c, err := a.d.Locate(household, member)
	if err != nil {
		t.Fatal(err)
	}
	return c.Profile
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
