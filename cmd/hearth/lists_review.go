package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) acceptCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "accept NAME",
		Short: "Put the version of a list that is held back in force",
		Long: `Put the version of a list that is held back in force and compile it in. Versions
are held back when they change more than lists.guards allow, or newly hit names
that everybody uses; hearth lists stats says which and why, and
hearth lists diff NAME NAME@held what they would change.`,
		Example: "  hearth lists accept my-list",
		Args:    exactly(1, "the NAME of the list"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.acceptList(cmd.Context(), args[0]) },
	}
}

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint",
		Short: "Look for entries of lists that you should know of",
		Long: `Look through the last good versions of all lists for entries that hit help
sites, authorities, health services, public suffixes and hosts that many share,
for entries that a list need not have, and for those that no other list has.
Nothing is fetched or changed. Help sites stay reachable whatever a list says.`,
		Example: "  hearth lists lint",
		Args:    exactly(0, "lint takes no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.lintLists(cmd.Context()) },
	}
}

// acceptResult is what became of the accepted list.
type acceptResult struct {
	AnsweredBy string         `json:"answered_by"`
	Update     api.ListUpdate `json:"update"`
	takeover
}

func (a *app) acceptList(ctx context.Context, name string) error {
	s, err := a.site(ctx)
	if err != nil {
		return err
	}
	c, err := a.reach()
	if err != nil {
		return err
	}
	r := acceptResult{AnsweredBy: c.where}
	if err := a.ask(ctx, c, change("/v1/lists/"+url.PathEscape(name)+"/accept", nil), &r.Update); err != nil {
		return err
	}
	if r.TakenBy, err = s.handOver(ctx); err != nil {
		r.NotTaken = err.Error()
	}
	a.print(r, func(w io.Writer) {
		describeUpdate(w, r.Update)
		fmt.Fprintf(w, "done by %s\n", r.AnsweredBy)
		r.sayTakeover(w)
	})
	if err != nil {
		return errReported
	}
	return nil
}

// describeUpdate tells what became of one list: its outcome, what it changes
// and why it is not in force.
func describeUpdate(w io.Writer, u api.ListUpdate) {
	fmt.Fprintf(w, "%s: %s, %s", u.Name, u.Outcome, count(u.Names, "name"))
	if u.Added != nil {
		fmt.Fprintf(w, " (%d added, %d removed, %d moved)", u.Added.Count, u.Removed.Count, u.Moved.Count)
	}
	if u.Seconds > 0 {
		fmt.Fprintf(w, ", %.1f s", u.Seconds)
	}
	if u.Error != "" {
		fmt.Fprintf(w, "; %s", u.Error)
	}
	fmt.Fprintln(w)
	if u.Held != nil && len(u.Held.Hits) > 0 {
		fmt.Fprintf(w, "  it would newly hit %s\n", strings.Join(u.Held.Hits, ", "))
	}
}

// lintResult is what is odd about the lists.
type lintResult struct {
	AnsweredBy string `json:"answered_by"`
	api.ListLint
}

func (a *app) lintLists(ctx context.Context) error {
	c, err := a.reach()
	if err != nil {
		return err
	}
	r := lintResult{AnsweredBy: c.where}
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/lists/lint"}, &r); err != nil {
		return err
	}
	a.print(r, r.describe)
	return nil
}

func (r lintResult) describe(w io.Writer) {
	last := ""
	for _, f := range r.Findings {
		if f.Source != last {
			fmt.Fprintf(w, "%s:\n", f.Source)
			last = f.Source
		}
		if f.Why != "" {
			fmt.Fprintf(w, "  %s\n", f.Why)
			continue
		}
		fmt.Fprintf(w, "  %d of %d %s\n", f.Count, f.Of, meaningOf(f.Kind))
		for _, e := range f.Examples {
			fmt.Fprintf(w, "    %s\n", e)
		}
	}
	for _, s := range r.Suspended {
		fmt.Fprintf(w, "help name %s is suspended: %s %s\n", s.Name, s.Reason, s.Date)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "no list has anything to look at")
	}
	fmt.Fprintf(w, "answered by %s\n", r.AnsweredBy)
}

// meaningOf says in words what the entries of a kind are.
func meaningOf(kind string) string {
	switch kind {
	case "help":
		return "would hit help sites, which stay reachable all the same"
	case "public-suffix":
		return "are public suffixes: everybody's names beneath are hit"
	case "shared-host":
		return "are hosts that many share"
	case "machine":
		return "hit what clocks, certificates and updates need, which the starter lists keep reachable"
	case "government":
		return "hit authorities"
	case "health":
		return "hit public health services"
	case "redundant":
		return "say what the list says already"
	case "covered":
		return "are on another list of the same category too"
	case "single-source":
		return "are on this list alone"
	}
	return kind
}
