package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

func partition(kind, day, household, person string) store.Partition {
	return store.Partition{Kind: kind, Day: store.Day(day), Household: household, Person: person}
}

func add(t *testing.T, b *store.Bolt, p store.Partition, records ...store.Record) (dropped int) {
	t.Helper()
	dropped, err := b.Append(store.Addition{Partition: p, Records: records})
	if err != nil {
		t.Fatal(err)
	}
	return dropped
}

// records is a partition as text.
func records(t *testing.T, b *store.Bolt, p store.Partition) string {
	t.Helper()
	all, err := b.Records(p)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(all))
	for i, r := range all {
		lines[i] = fmt.Sprintf("%s:%d%v%s", r.Key, r.Count, r.Bits, r.JSON)
	}
	return strings.Join(lines, " ")
}

func TestJournalMerges(t *testing.T) {
	b := open(t)
	mia := partition("totals", "2026-03-01", "smith", "Mia")
	want(t, "nothing yet", records(t, b, mia), "")
	add(t, b, mia, store.Record{Key: "fun.video", Count: 3}, store.Record{Key: "quota", Bits: []uint64{0b0101}})
	add(t, b, mia, store.Record{Key: "fun.video", Count: 4}, store.Record{Key: "quota", Bits: []uint64{0b0110, 1}})
	add(t, b, mia, store.Record{Key: "quota", Bits: []uint64{0b1000}}, store.Record{Key: "last", JSON: []byte(`"08:00"`)})
	add(t, b, mia, store.Record{Key: "last", JSON: []byte(`"09:00"`)}, store.Record{Key: "zero"})
	want(t, "counts add, bits OR, JSON replaces", records(t, b, mia), `fun.video:7[] last:0[]"09:00" quota:0[15 1] zero:0[]`)
	add(t, b, mia, store.Record{Key: "fun.video", Count: ^uint64(0)}, store.Record{Key: "last", Count: 2})
	want(t, "counts end at the largest; another form replaces", records(t, b, mia),
		`fun.video:18446744073709551615[] last:2[] quota:0[15 1] zero:0[]`)
	want(t, "another person", records(t, b, partition("totals", "2026-03-01", "smith", "Leo")), "")
}

func TestJournalForgetsByDay(t *testing.T) {
	b := open(t)
	for _, day := range []string{"2026-02-27", "2026-02-28", "2026-03-01"} {
		for _, home := range []string{"smith", "jones"} {
			add(t, b, partition("names", day, home, "Mia"), store.Record{Key: "x", Count: 1})
			add(t, b, partition("totals", day, home, "Mia"), store.Record{Key: "x", Count: 1})
		}
	}
	days, err := b.Drop("names", "2026-03-01")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "days dropped", days, 2)
	left, err := b.Partitions("smith", "")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "what is left", left, []store.Partition{
		partition("totals", "2026-02-27", "smith", "Mia"), partition("totals", "2026-02-28", "smith", "Mia"),
		partition("names", "2026-03-01", "smith", "Mia"), partition("totals", "2026-03-01", "smith", "Mia"),
	})
	if days, err = b.Drop("nothing", "2026-03-01"); days != 0 || err != nil {
		t.Errorf("dropping what is not there: %d, %v", days, err)
	}
}

func TestJournalErasesAPerson(t *testing.T) {
	b := open(t)
	for _, who := range []string{"Mia", "Leo"} {
		for _, home := range []string{"smith", "jones"} {
			add(t, b, partition("names", "2026-03-01", home, who), store.Record{Key: "x", Count: 1})
			add(t, b, partition("totals", "2026-03-02", home, who), store.Record{Key: "x", Count: 1})
		}
	}
	n, err := b.Erase("smith", "Mia")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "partitions erased", n, 2)
	for who, kept := range map[string]int{"smith/Mia": 0, "smith/Leo": 2, "jones/Mia": 2, "jones/Leo": 2} {
		home, person, _ := strings.Cut(who, "/")
		found, err := b.Partitions(home, person)
		if err != nil {
			t.Fatal(err)
		}
		want(t, who, len(found), kept)
	}
	if n, err = b.Erase("jones", ""); n != 4 || err != nil {
		t.Errorf("erasing a household: %d, %v", n, err)
	}
	if all, err := b.Partitions("", ""); len(all) != 2 || err != nil {
		t.Errorf("left of all: %v, %v", all, err)
	}
}

// TestJournalMoves: what lies under one name lies under another afterwards, merged with what was there, of all days and
// kinds; others keep theirs, and the numbers of partitions are right.
func TestJournalMoves(t *testing.T) {
	b := open(t)
	for _, at := range []store.Partition{
		partition("totals", "2026-03-01", "smith", "bear"), partition("totals", "2026-03-01", "smith", "fox"), partition("totals", "2026-03-02", "smith", "bear"),
		partition("minutes", "2026-03-02", "smith", "bear"), partition("totals", "2026-03-01", "smith", "Mia"), partition("totals", "2026-03-01", "jones", "bear"),
	} {
		add(t, b, at, store.Record{Key: "fun.video", Count: 3}, store.Record{Key: "quota", Bits: []uint64{0b0101}})
	}
	for range 2 { // and nothing is counted twice
		if dropped, err := b.Move("smith", "bear", "fox"); err != nil || dropped != 0 {
			t.Fatalf("%d dropped, %v", dropped, err)
		}
	}
	want(t, "merged", records(t, b, partition("totals", "2026-03-01", "smith", "fox")), "fun.video:6[] quota:0[5]")
	want(t, "another day", records(t, b, partition("totals", "2026-03-02", "smith", "fox")), "fun.video:3[] quota:0[5]")
	want(t, "another kind", records(t, b, partition("minutes", "2026-03-02", "smith", "fox")), "fun.video:3[] quota:0[5]")
	for person, n := range map[string]int{"bear": 0, "Mia": 1} {
		left, err := b.Partitions("smith", person)
		if err != nil || len(left) != n {
			t.Errorf("of %s there is %v, %v", person, left, err)
		}
	}
	want(t, "of another household", records(t, b, partition("totals", "2026-03-01", "jones", "bear")), "fun.video:3[] quota:0[5]")
	if n, err := b.Erase("smith", ""); err != nil || n != 4 {
		t.Errorf("%d partitions were there, %v", n, err)
	}
	for _, name := range [][3]string{{"", "bear", "fox"}, {"smith", "", "fox"}, {"smith", "bear", ""}} {
		if _, err := b.Move(name[0], name[1], name[2]); err == nil {
			t.Errorf("%q moves", name)
		}
	}
}

func TestJournalIsBounded(t *testing.T) {
	b := open(t)
	mia := partition("names", "2026-03-01", "smith", "Mia")
	many := make([]store.Record, store.MaxRecords+5)
	for i := range many {
		many[i] = store.Record{Key: fmt.Sprintf("name-%06d.example", i), Count: 1}
	}
	want(t, "dropped", add(t, b, mia, many...), 5)
	want(t, "what is there goes on being merged", add(t, b, mia, store.Record{Key: "name-000000.example", Count: 6}), 0)
	all, err := b.Records(mia)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "records", len(all), store.MaxRecords)
	want(t, "the first", all[0].Count, uint64(7))
}

func TestJournalRefusesWhatIsNoRecord(t *testing.T) {
	b := open(t)
	good := partition("names", "2026-03-01", "smith", "Mia")
	for _, p := range []store.Partition{
		partition("Names", "2026-03-01", "smith", "Mia"), partition("names", "2026-02-30", "smith", "Mia"),
		partition("names", "2026-3-1", "smith", "Mia"), partition("names", "2026-03-01", "Smith", "Mia"),
		partition("names", "2026-03-01", "smith", ""), partition("names", "2026-03-01", "smith", "a/b"),
	} {
		if _, err := b.Append(store.Addition{Partition: p}); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
	for _, r := range []store.Record{
		{}, {Key: strings.Repeat("x", 256)}, {Key: "x", Bits: make([]uint64, store.MaxWords+1)},
		{Key: "x", JSON: []byte("{")}, {Key: "x", JSON: []byte(`"` + strings.Repeat("x", store.MaxNote) + `"`)},
	} {
		if _, err := b.Append(store.Addition{Partition: good, Records: []store.Record{{Key: "fine", Count: 1}, r}}); err == nil {
			t.Errorf("%+.60v was taken", r)
		}
	}
	want(t, "nothing of a refused addition is kept", records(t, b, good), "")
}

// TestJournalKeepsNothingOfLegalLists holds that a caller's mistake does not make a record of it.
func TestJournalKeepsNothingOfLegalLists(t *testing.T) {
	b := open(t)
	mia := partition("totals", "2026-03-01", "smith", "Mia")
	add(t, b, mia, store.Record{Key: "illegal.csam", Count: 1}, store.Record{Key: "illegal.order", Count: 1}, store.Record{Key: "fun.video", Count: 1})
	want(t, "kept", records(t, b, mia), "fun.video:1[]")
}

func TestDayOfIsLocal(t *testing.T) {
	east := time.FixedZone("east", 10*3600)
	at := time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	want(t, "in UTC", store.DayOf(at), store.Day("2026-03-01"))
	want(t, "further east it is tomorrow", store.DayOf(at.In(east)), store.Day("2026-03-02"))
}

func TestJournalOutlivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	mia := partition("totals", "2026-03-01", "smith", "Mia")
	for range 3 {
		b, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		add(t, b, mia, store.Record{Key: "fun.video", Count: 2})
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	want(t, "after three runs", records(t, b, mia), "fun.video:6[]")
}
