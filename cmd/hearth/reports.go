package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/spf13/cobra"
)

func (a *app) reportsCommand() *cobra.Command {
	reports := &cobra.Command{
		Use:   "reports",
		Short: "Answer \"this is a mistake\" and \"I saw something bad\"",
		Long: `Look at what people say of names that are blocked by mistake, or bad and not
blocked, decide it, tell the makers of lists, sign a list of what was accepted,
and sum it up for everybody. Nothing here says who asked. docs/reports.md.`,
		Example: "  hearth reports list\n  hearth reports show 4719-2083-5561\n  hearth reports decide 4719-2083-5561 declined --word \"it sells alcohol\"\n  hearth reports publish",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	reports.AddCommand(a.reportsListCommand(), a.reportsShowCommand(), a.reportsAddCommand(), a.reportsDecideCommand(),
		a.reportsBundleCommand(), a.reportsPublishCommand(), a.reportsWithdrawCommand(), a.reportsTransparencyCommand())
	return reports
}

func (a *app) reportsListCommand() *cobra.Command {
	var kind, category, list, older string
	var decided bool
	page := paged{most: 200}
	cmd := &cobra.Command{
		Use: "list", Short: "List the tickets that wait, the most urgent first",
		Long:    "List the tickets that wait: what may be a place of help first, then what is due\nfirst. One name is one ticket, however many households asked.",
		Example: "  hearth reports list\n  hearth reports list --kind appeal --list hagezi-normal --older 48h\n  hearth reports list --decided",
		Args:    exactly(0, "list takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask, err := page.look("/v1/reports", map[string]string{"kind": kind, "category": category, "list": list, "older": older, "decided": strconv.FormatBool(decided)})
			if err != nil {
				return err
			}
			return answer(cmd.Context(), a, ask, func(w io.Writer, found api.Reports) {
				for i := range found.Items {
					fmt.Fprintln(w, describeTicket(&found.Items[i], time.Now()))
				}
				fmt.Fprintf(w, "%d of %s\n", len(found.Items), count(found.Total, "ticket"))
				sayMore(w, found.Next)
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "only `KIND`: appeal or report")
	cmd.Flags().StringVar(&category, "category", "", "only of this `CATEGORY`")
	cmd.Flags().StringVar(&list, "list", "", "only about this `LIST`")
	cmd.Flags().StringVar(&older, "older", "", "only what was opened so long ago, such as `48h`")
	page.flags(cmd)
	cmd.Flags().BoolVar(&decided, "decided", false, "those that are decided, the newest first")
	return cmd
}

// describeTicket tells a ticket on one line.
func describeTicket(t *tickets.Ticket, now time.Time) string {
	text := fmt.Sprintf("%s  %-6s  %s", t.Number, t.Kind, t.Name)
	if about := strings.TrimSpace(t.Category + " " + t.List); about != "" {
		text += " (" + about + ")"
	}
	text += ", " + count(t.Households, "household")
	if t.Help {
		text += ", may be help"
	}
	switch {
	case t.Outcome != tickets.Open:
		return text + fmt.Sprintf(", %s on %s", t.Outcome, t.Decided.Format(time.DateOnly))
	case now.After(t.Due):
		return text + ", overdue since " + t.Due.Format(time.DateOnly)
	}
	return text + ", due " + t.Due.Format(time.DateOnly)
}

func (a *app) reportsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show all of one ticket", Long: "Show all of one ticket, by any of the numbers that people were given for it.",
		Example: "  hearth reports show 4719-2083-5561",
		Args:    exactly(1, "the NUMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look("/v1/reports/"+url.PathEscape(args[0])), showTicket)
		},
	}
}

func showTicket(w io.Writer, t tickets.Ticket) {
	fmt.Fprintln(w, describeTicket(&t, time.Now()))
	row := func(what, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-10s %s\n", what, text)
		}
	}
	row("entry", t.Entry)
	row("version", t.Version)
	for _, why := range tickets.Reasons(t.Kind) {
		if n := t.Why[why]; n > 0 {
			row("why", fmt.Sprintf("%s (%d)", why, n))
		}
	}
	for _, word := range t.Words {
		row("says", word)
	}
	row("before", string(t.Before))
	row("answer", t.Word)
	row("by", t.By)
	row("see", t.Of)
}

func (a *app) reportsAddCommand() *cobra.Command {
	var ask struct {
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Category string `json:"category,omitempty"`
		Why      string `json:"why,omitempty"`
		Word     string `json:"word,omitempty"`
	}
	cmd := &cobra.Command{
		Use: "add {appeal | report} NAME", Short: "Make a ticket for somebody who called",
		Long:    "Make a ticket for somebody who told you, by telephone for example, and give them\nthe number. What may be against the law is no ticket: give them the hotline of\ntheir country instead.",
		Example: "  hearth reports add appeal chess.example --why fine\n  hearth reports add report bad.example --category adult.porn",
		Args:    exactly(2, "appeal or report, and the NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask.Kind, ask.Name = args[0], args[1]
			return answer(cmd.Context(), a, change("/v1/reports", ask), func(w io.Writer, r tickets.Receipt) {
				fmt.Fprintf(w, "%s, answered by %s\n", r.Number, r.Promised)
			})
		},
	}
	cmd.Flags().StringVar(&ask.Category, "category", "", "appeal: the `CATEGORY` by which it is blocked; report: what it is")
	cmd.Flags().StringVar(&ask.Why, "why", "", "appeal: fine, category, help or other; report: scary, category or other")
	cmd.Flags().StringVar(&ask.Word, "word", "", "what they say, without names of people")
	return cmd
}

func (a *app) reportsDecideCommand() *cobra.Command {
	var v tickets.Verdict
	cmd := &cobra.Command{
		Use: "decide NUMBER {upheld | declined | sent | duplicate}", Short: "Decide a ticket",
		Long: `Decide a ticket. Whoever has a number of it sees the outcome and the word.

  upheld     they are right: the name goes on the signed list
  declined   it stays as it is; --word says why
  sent       the maker of the list is to decide: hearth reports bundle LIST
  duplicate  another ticket has the outcome: --of NUMBER`,
		Example: "  hearth reports decide 4719-2083-5561 upheld\n  hearth reports decide 4719-2083-5561 declined --word \"it sells alcohol\"\n  hearth reports decide 4719-2083-5561 sent --list hagezi-normal",
		Args:    exactly(2, "the NUMBER, and upheld, declined, sent or duplicate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Number, v.Outcome = args[0], tickets.Outcome(args[1])
			v.By = cmp.Or(a.getenv("SUDO_USER"), a.getenv("USER"), "control socket")
			return answer(cmd.Context(), a, change("/v1/reports/decide", v), describeVerdict)
		},
	}
	cmd.Flags().StringVar(&v.Word, "word", "", "what who asked is told")
	cmd.Flags().StringVar(&v.Category, "category", "", "upheld: the right `CATEGORY`")
	cmd.Flags().StringVar(&v.List, "list", "", "sent: the `LIST` whose maker is to decide")
	cmd.Flags().StringVar(&v.Of, "of", "", "duplicate: the `NUMBER` of the other ticket")
	return cmd
}

func describeVerdict(w io.Writer, t tickets.Ticket) {
	fmt.Fprintf(w, "%s: %s is %s\n", t.Number, t.Name, t.Outcome)
	switch {
	case t.Outcome == tickets.Sent:
		fmt.Fprintf(w, "tell the maker of the list: hearth reports bundle %s\n", t.List)
	case t.Outcome == tickets.Upheld && t.Kind == tickets.Report && t.Help:
		fmt.Fprintln(w, "no list blocks a name of help; if it is in other hands now, write it in lists.help.suspended")
	case t.Outcome == tickets.Upheld:
		fmt.Fprintln(w, "it is in force once the list is signed anew: hearth reports publish")
	}
}

func (a *app) reportsBundleCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "bundle LIST", Short: "Write what the maker of a list is to be told",
		Long:    "Write what the maker of a list is to be told, as a text to paste where they take\nissues; with --json as a file in a form of its own. Nothing of a household is in\nit. You send it.",
		Example: "  hearth reports bundle hagezi-normal\n  hearth reports bundle hagezi-normal --since 2026-03-01 --json > report.json",
		Args:    exactly(1, "the LIST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask := look("/v1/lists/" + url.PathEscape(args[0]) + "/bundle")
			ask.query = url.Values{"since": {since}}
			return answer(cmd.Context(), a, ask, func(w io.Writer, b tickets.Bundle) {
				if at := cmp.Or(b.Tracker, b.Homepage); at != "" {
					fmt.Fprintf(a.err, "for %s\n", at)
				}
				fmt.Fprintf(w, "%s\n\n%s", b.Issue.Title, b.Issue.Text)
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only what was decided on this `DAY` or later, YYYY-MM-DD")
	return cmd
}

func (a *app) reportsPublishCommand() *cobra.Command {
	return &cobra.Command{
		Use: "publish", Short: "Sign a list of what was accepted",
		Long: `Write what was accepted into two files of the state folder, names that get a
category and names that are taken out of the lists of one, sign them with the
key that lies there, and show by which sources they are read. A running server
with these sources takes each new version over by itself.`,
		Example: "  hearth reports publish",
		Args:    exactly(0, "publish takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd.Context(), a, change("/v1/proposals/publish", nil), func(w io.Writer, l tickets.SignedList) {
				fmt.Fprintf(w, "%d blocked and %d taken out of lists, in %s\n", l.Blocked, l.Excepted, l.Folder)
				if l.Sources != "" {
					fmt.Fprintf(w, "\n%s", l.Sources)
				}
			})
		},
	}
}

func (a *app) reportsWithdrawCommand() *cobra.Command {
	var category string
	cmd := &cobra.Command{
		Use: "withdraw NAME", Short: "Take a name off the signed list", Long: "Take a name off the signed list, of one category or of all. It is gone with the\nnext hearth reports publish.",
		Example: "  hearth reports withdraw bad.example",
		Args:    exactly(1, "the NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string]string{"name": args[0], "category": category}
			return answer(cmd.Context(), a, change("/v1/proposals/withdraw", body), func(w io.Writer, r api.Withdrawn) {
				fmt.Fprintf(w, "%s withdrawn: hearth reports publish signs the list anew\n", count(r.Withdrawn, "line"))
			})
		},
	}
	cmd.Flags().StringVar(&category, "category", "", "of this `CATEGORY` alone")
	return cmd
}

func (a *app) reportsTransparencyCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use: "transparency --from DAY --to DAY", Short: "Sum up what was asked and decided, for everybody to read",
		Long:    "Sum up what was asked and what became of it, by category, list and outcome, as a\npage to publish; with --json for programs. It has no names, and no number below\nfive.",
		Example: "  hearth reports transparency --from 2026-01-01 --to 2026-03-31 > report.md",
		Args:    exactly(0, "the days are said with --from and --to"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask := look("/v1/transparency")
			ask.query = url.Values{"from": {from}, "to": {to}}
			return answer(cmd.Context(), a, ask, func(w io.Writer, f tickets.Figures) { fmt.Fprint(w, f.Markdown()) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the first `DAY`, YYYY-MM-DD")
	cmd.Flags().StringVar(&to, "to", "", "the last `DAY`, YYYY-MM-DD")
	return cmd
}
