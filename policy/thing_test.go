package policy

import (
	"fmt"
	"slices"
	"testing"
)

// TestHear: names are counted, many beneath one domain become that domain, and there is an end to them.
func TestHear(t *testing.T) {
	l := Heard{Device: "bear"}
	hear := func(name, domain string, at int64, categories ...string) {
		l.Hear(Destination{Name: name, Categories: categories, Count: 1, First: at, Last: at}, domain)
	}
	hear("api.bear.test", "bear.test", 10, "fun.games")
	hear("api.bear.test", "bear.test", 5, "fun.games")
	hear("v2.api.bear.test", "bear.test", 20)
	want := Destination{Name: "api.bear.test", Categories: []string{"fun.games"}, Count: 3, First: 5, Last: 20}
	if len(l.Names) != 1 || fmt.Sprint(l.Names[0]) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", l.Names, want)
	}
	for i := range manyBeneath {
		hear(fmt.Sprintf("n%d.cdn.test", i), "cdn.test", int64(30+i), "ok.infra")
	}
	if i := slices.IndexFunc(l.Names, func(d Destination) bool { return d.Name == "cdn.test" }); i < 0 || len(l.Names) != 2 ||
		l.Names[i].Count != manyBeneath || l.Names[i].First != 30 || l.Names[i].Last != 30+manyBeneath-1 || len(l.Names[i].Categories) != 1 {
		t.Errorf("%+v, want cdn.test for all beneath it", l.Names)
	}
	for i := range 2 * MaxDestinations {
		hear(fmt.Sprintf("n%d.test", i), fmt.Sprintf("n%d.test", i), 50)
	}
	if len(l.Names) != MaxDestinations || !l.More {
		t.Errorf("%d names, more %v", len(l.Names), l.More)
	}
}

// TestLearnedEnds: learning ends by itself, and then nothing is let through that nobody confirmed.
func TestLearnedEnds(t *testing.T) {
	l := Learned{Device: "bear", Since: 10, Until: 100}
	for at, want := range map[int64]bool{9: false, 10: true, 99: true, 100: false} {
		if th := l.Thing(at); th.Learning != want || th.Taught || len(th.Names) != 0 {
			t.Errorf("at %d: %+v", at, th)
		}
	}
	l.Confirmed, l.ConfirmedAt = []string{"b.test"}, 50
	confirmed := func(name string) bool { yes, _ := l.Says(name); return yes }
	if confirmed("a.test") || confirmed("ab.test") || !confirmed("x.b.test") || !confirmed("b.test") {
		t.Error("it covers something else than b.test and all beneath")
	}
	if th := l.Thing(100); th.Learning || !th.Taught || !slices.Equal(th.Names, l.Confirmed) {
		t.Errorf("%+v", th)
	}
	if l.Ended = true; l.Learning(50) {
		t.Error("it learns on after the end")
	}
}
