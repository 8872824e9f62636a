package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

func describeActivity(w io.Writer, r policy.ActivityReport) {
	for _, l := range r.Logs {
		fmt.Fprintln(w, describeLog(l))
	}
	if len(r.Days) == 0 {
		fmt.Fprintln(w, "nothing is remembered")
	}
	for _, d := range r.Days {
		fmt.Fprintf(w, "%s %s\n", d.Day, personWord(d.Person))
		describeSums(w, d.Sums)
		slices.SortFunc(d.Names, func(a, b policy.ActivityName) int {
			return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
		})
		for _, n := range d.Names {
			at := n.First
			if n.Last != n.First {
				at += "-" + n.Last
			}
			fmt.Fprintf(w, "  %-11s %-8s %s %s\n", at, n.Verdict, n.Name, n.Cause)
		}
	}
}

// describeSums prints a line for each verdict: how many queries, and of which kinds.
func describeSums(w io.Writer, sums []policy.ActivitySum) {
	for _, verdict := range []string{"allowed", "blocked", "observed"} {
		var all uint64
		var parts []policy.ActivitySum
		for _, s := range sums {
			switch {
			case s.Verdict != verdict:
			case s.Cause == "":
				all = s.Count
			default:
				parts = append(parts, s)
			}
		}
		if all == 0 {
			continue
		}
		slices.SortFunc(parts, func(a, b policy.ActivitySum) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Cause, b.Cause))
		})
		words := make([]string, 0, len(parts))
		for _, p := range parts {
			words = append(words, fmt.Sprintf("%s %d", p.Cause, p.Count))
		}
		fmt.Fprintf(w, "  %-8s %6d  %s\n", verdict, all, strings.Join(words, ", "))
	}
}

// describeErased says what has gone.
func describeErased(w io.Writer, of string, r policy.ActivityErased) {
	fmt.Fprintf(w, "%s of %s erased, and %s\n", count(r.Partitions, "day"), of, count(r.Records, "record"))
	for _, kind := range slices.Sorted(maps.Keys(r.State)) {
		fmt.Fprintf(w, "  %s %d\n", kind, r.State[kind])
	}
}

// personWord is what a person or device under whose name activity lies is called.
func personWord(person string) string {
	if person == policy.PersonGuests {
		return "devices that are not known"
	}
	return strings.TrimPrefix(person, policy.PersonOfDevice(""))
}

func describeLog(l policy.LogReport) string {
	what := "blocked names"
	if l.Full {
		what = "all names"
	}
	text := fmt.Sprintf("%s of %s are kept until %s", what, l.Member, clockOf(l.Until))
	if l.Told.IsZero() && l.Confirmed.IsZero() {
		text += "; from 13 to 15 that begins a day after they have seen it, at 16 and 17 once they have agreed"
	}
	return text
}

func clockOf(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }

func describeCompanions(w io.Writer, all []policy.Companion) {
	if len(all) == 0 {
		fmt.Fprintln(w, "nothing was missing right after a page that was allowed")
	}
	page := ""
	for _, c := range all {
		if c.Page != page {
			page = c.Page
			fmt.Fprintf(w, "%s seems to need\n", page)
		}
		fmt.Fprintf(w, "  %4dx %s %s\n", c.Count, c.Name, strings.Join(c.Categories, ", "))
	}
}

func describeNotices(w io.Writer, all []policy.NoticeReport) {
	if len(all) == 0 {
		fmt.Fprintln(w, "there are no notices")
	}
	for _, n := range all {
		who := strings.Join(slices.DeleteFunc([]string{n.Member, n.Device}, func(s string) bool { return s == "" }), ", ")
		fmt.Fprintf(w, "%s %s (%s)\n  %s\n", clockOf(n.At), n.Kind, who, n.Text)
	}
}

func describeSightings(w io.Writer, all []policy.Sighting) {
	if len(all) == 0 {
		fmt.Fprintln(w, "no device has asked since the server started of which that may be remembered")
	}
	for _, s := range all {
		state := "asking"
		if s.Quiet {
			state = "not asking Hearth (off, mobile data or VPN)"
		}
		if s.Here != nil && *s.Here && s.Quiet {
			state = "at home, and not asking Hearth (mobile data or VPN)"
		}
		fmt.Fprintf(w, "%-20s last asked %s, %s\n", s.Device, clockOf(s.Last), state)
	}
}
