package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/spf13/cobra"
)

func (a *app) simulateCommand() *cobra.Command {
	var before, day string
	cmd := &cobra.Command{
		Use:   "simulate FILE",
		Short: "Replay a day of queries and say what would change",
		Long: `Replay queries over the configuration of --config, or the usual one, with the
lists of its state folder, and say for each person what would be stopped that
is not stopped now. Without --before that is compared with no filter at all,
with --before with another configuration. Nothing is asked and nothing changes:
what a name's answer leads to is not known here, but for safe search.

FILE has a query a line: TIME CLIENT NAME. TIME is a time of day, all of them of
one day whatever their order, or RFC 3339;
CLIENT an address, a device or HOUSEHOLD/MEMBER. "-" is the
standard input. Quotas count the day's queries as they come.

With --json it is one object:

  queries               read, of which queries_of_strangers came from clients
                        that are nobody's, and are refused
  strangers             those of them that were served before, the 20 most
                        frequent: client, before (whose it was), queries;
                        more_strangers is how many there are beyond
  unreadable_lines      with the first reasons
  queries_not_named     with a change beyond the 100,000 names told apart
  clients               a list: who, queries, how many were stopped_before and
                        are stopped_after, observed (would be stopped after, if
                        the profile did not only observe), security (changes by
                        security and the law, which are not named), and
                        newly_stopped, no_longer_stopped and led_elsewhere (by
                        safe search, or by it no longer); each has queries,
                        names (how many) and the 20 most_frequent of these:
                        name, count, why and first (RFC 3339)`,
		Example: `  hearth simulate --config new.yaml --before config.yaml monday.txt
  hearth simulate --day 2026-03-02 monday.txt`,
		Args: exactly(1, "the FILE of queries, or -"),
		RunE: func(_ *cobra.Command, args []string) error { return a.simulate(args[0], before, day) },
	}
	cmd.Flags().StringVar(&before, "before", "", "compare with this configuration `FILE`")
	cmd.Flags().StringVar(&day, "day", "", "`DATE` of times of day, YYYY-MM-DD (default today, in the zone of each household)")
	return cmd
}

func (a *app) simulate(file, before, day string) error {
	r := &replay{day: time.Now(), given: day != "", result: simulation{Reasons: []string{}}}
	if day != "" {
		var err error
		if r.day, err = time.ParseInLocation(time.DateOnly, day, time.Local); err != nil {
			return usageError{fmt.Errorf("--day %q is no date: write YYYY-MM-DD", day)}
		}
	}
	var err error
	if r.after, err = a.judgeOf(r.day, a.load); err != nil {
		return err
	}
	if before != "" {
		if r.before, err = a.judgeOf(r.day, func() (*loaded, error) { return load(before, a.environ) }); err != nil {
			return err
		}
	}
	lines := os.Stdin
	if file != "-" {
		if lines, err = os.Open(file); err != nil {
			return fmt.Errorf("reading queries: %w", err)
		}
		defer lines.Close()
	}
	result, err := r.run(lines)
	if err != nil {
		return err
	}
	a.print(result, result.describe)
	return nil
}

// judgeOf compiles a configuration with the lists of its state folder.
func (a *app) judgeOf(day time.Time, read func() (*loaded, error)) (*policy.Directory, error) {
	l, err := read()
	if err != nil {
		return nil, err
	}
	s, err := a.openShelf(l)
	if err != nil {
		return nil, err
	}
	k, err := s.load()
	if err != nil {
		return nil, err
	}
	if k.starter {
		fmt.Fprintf(a.err, "%s: with the built-in lists alone; hearth lists compile makes the index of all\n", l.source())
	}
	return compilePolicy(&l.Config, k, day)
}

// describe says it in lines.
func (s *simulation) describe(w io.Writer) {
	fmt.Fprintf(w, "%d queries", s.Queries)
	if s.Strange > 0 {
		fmt.Fprintf(w, ", %d of nobody's clients, which would be refused", s.Strange)
	}
	if s.Unreadable > 0 {
		fmt.Fprintf(w, ", %d lines that cannot be read", s.Unreadable)
	}
	fmt.Fprintln(w)
	for _, why := range s.Reasons {
		fmt.Fprintf(w, "  %s\n", why)
	}
	for _, one := range s.Strangers {
		fmt.Fprintf(w, "  nobody's %6d  %s", one.Queries, one.Client)
		if one.Before != "" {
			fmt.Fprintf(w, "  (before %s)", one.Before)
		}
		fmt.Fprintln(w)
	}
	if s.MoreStrangers > 0 {
		fmt.Fprintf(w, "  and %d more such clients\n", s.MoreStrangers)
	}
	for _, c := range s.Clients {
		c.describe(w)
	}
	if s.Unnamed > 0 {
		fmt.Fprintf(w, "%d queries with changes beyond the %d names that are told apart\n", s.Unnamed, replayedNames)
	}
}

func (c *replayed) describe(w io.Writer) {
	fmt.Fprintf(w, "%s: %d queries, %d stopped, %d before\n", c.Who, c.Queries, c.After, c.Before)
	if c.Observed > 0 {
		fmt.Fprintf(w, "  %d more would be stopped if the profile did not only observe\n", c.Observed)
	}
	if c.Silent > 0 {
		fmt.Fprintf(w, "  %d changes by security, which are not named\n", c.Silent)
	}
	c.Closed.describe(w, "newly stopped")
	c.Opened.describe(w, "no longer")
	c.Led.describe(w, "led elsewhere")
}

func (s *shift) describe(w io.Writer, what string) {
	for _, n := range s.Names {
		fmt.Fprintf(w, "  %-13s %6d  %s  (%s, first %s)\n", what, n.Count, n.Name, n.Why, n.First.Format("15:04"))
	}
	if more := s.Count - len(s.Names); more > 0 {
		fmt.Fprintf(w, "  %-13s and %d more names\n", what, more)
	}
}
