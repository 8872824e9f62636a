package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) listsCommand() *cobra.Command {
	lists := &cobra.Command{
		Use:   "lists",
		Short: "Update, compile and search the blocklists",
		Long: `Update, compile and search the blocklists. The running server does it, asked on
its control socket. With --config FILE it is done here, offline, in the state
folder of that configuration; a server that runs there takes over what changed.`,
		Example: "  hearth lists stats\n  hearth lists find example.com",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	lists.AddCommand(
		a.catalogCommand(),
		a.addCommand(),
		&cobra.Command{
			Use:   "update [NAME...]",
			Short: "Fetch lists that are due, or the named ones",
			Long: `Fetch the lists that are due, or the named ones, due or not, and compile what
changed. An answer that is empty or a web page never replaces a good list. One
that is much smaller or larger than the last, or newly hits names that everybody
uses, is held back: hearth lists accept puts it in force.`,
			Example: "  hearth lists update\n  hearth lists update my-list",
			RunE:    func(cmd *cobra.Command, args []string) error { return a.updateLists(cmd.Context(), args) },
		},
		a.acceptCommand(),
		a.compareCommand(),
		a.lintCommand(),
		&cobra.Command{
			Use:   "compile",
			Short: "Compile the kept lists into the index",
			Long: `Compile the kept lists, and those on this machine, into the index. The running
server does it, asked on its control socket, where the index is not that of the
lists as they are. With --config FILE it is done here, offline, in the state
folder of that configuration; a server that runs there takes the index over.`,
			Example: "  hearth lists compile\n  hearth lists compile --config /etc/hearth/config.yaml",
			Args:    exactly(0, "compile takes no arguments"),
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.compileLists(cmd.Context()) },
		},
		&cobra.Command{
			Use:     "stats",
			Short:   "Show names, bytes and rejected lines of each list",
			Long:    "Show for each list its names, its size, its age and how many lines were\nrejected, by reason; and the size of the compiled index.",
			Example: "  hearth lists stats --json",
			Args:    exactly(0, "stats takes no arguments"),
			RunE:    func(cmd *cobra.Command, _ []string) error { return a.listStats(cmd.Context()) },
		},
		&cobra.Command{
			Use:   "find NAME",
			Short: "Find the entries that cover a name",
			Long: `Find what all lists in force say of a name: each entry with its list, line,
format, version and since when the list has it, and for each category how many
lists agree that have nothing to do with each other. Where only one publisher
says so, that is marked.`,
			Example: "  hearth lists find www.example.com",
			Args:    exactly(1, "the NAME to find"),
			RunE:    func(cmd *cobra.Command, args []string) error { return a.findName(cmd.Context(), args[0]) },
		},
	)
	return lists
}

// updatesResult is what became of each source.
type updatesResult struct {
	AnsweredBy string           `json:"answered_by"`
	Updates    []api.ListUpdate `json:"updates"`
	takeover
}

func (a *app) updateLists(ctx context.Context, names []string) error {
	s, err := a.site(ctx)
	if err != nil {
		return err
	}
	c, err := a.reach()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	r := updatesResult{AnsweredBy: c.where}
	body := map[string][]string{"names": names}
	shown := a.showUpdating(ctx, c)
	err = a.ask(ctx, c, request{method: http.MethodPost, path: "/v1/lists/update", body: body}, &r)
	shown()
	if err != nil {
		return err
	}
	if r.TakenBy, err = s.handOver(ctx); err != nil {
		r.NotTaken = err.Error()
	}
	failed := err != nil
	a.print(r, func(w io.Writer) {
		for _, u := range r.Updates {
			describeUpdate(w, u)
		}
		if len(r.Updates) == 0 {
			fmt.Fprintln(w, "no list has a source; the built-in lists are part of the program")
		}
		fmt.Fprintf(w, "done by %s\n", r.AnsweredBy)
		r.sayTakeover(w)
	})
	for _, u := range r.Updates {
		failed = failed || u.Error != ""
	}
	if failed {
		return errReported
	}
	return nil
}

// statsResult is what is known of the lists and the index.
type statsResult struct {
	AnsweredBy string         `json:"answered_by"`
	Lists      []api.ListStat `json:"lists"`
	Index      api.IndexState `json:"index"`
	PerName    float64        `json:"bytes_per_name"` // of the index
}

func (a *app) listStats(ctx context.Context) error {
	c, err := a.reach()
	if err != nil {
		return err
	}
	r := statsResult{AnsweredBy: c.where}
	if r.Lists, err = pages[api.ListStat](ctx, c, look("/v1/lists")); err != nil {
		return startable(err)
	}
	var status api.Status
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/status"}, &status); err != nil {
		return err
	}
	r.Index, r.PerName = status.Index, perName(status.Index.Bytes, status.Index.Names)
	a.print(r, r.describe)
	return nil
}

func (r statsResult) describe(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LIST\tFORMAT\tNAMES\tBYTES\tAGE\tREJECTED")
	for _, l := range r.Lists {
		age := "-"
		if !l.FetchedAt.IsZero() {
			age = time.Since(l.FetchedAt).Round(time.Minute).String()
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", l.Name, l.Format, l.Names, l.Bytes, age, rejections(l.Rejected))
	}
	t.Flush()
	for _, l := range r.Lists {
		if l.Held != nil {
			fmt.Fprintf(w, "%s: a newer version is held back: %s\n", l.Name, l.Held.Why)
		}
		if l.Error != "" {
			fmt.Fprintf(w, "%s: not as configured: %s\n", l.Name, l.Error)
		}
		if l.Stale {
			fmt.Fprintf(w, "%s: stale, its origin has not confirmed it for long\n", l.Name)
		}
	}
	fmt.Fprintf(w, "index %s: %d names, %d bytes, %.1f bytes a name\nanswered by %s\n",
		r.Index.ID, r.Index.Names, r.Index.Bytes, r.PerName, r.AnsweredBy)
}

// rejections gives "12 (cosmetic 8, regex 4)".
func rejections(by map[string]int) string {
	if len(by) == 0 {
		return "0"
	}
	total := 0
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		total += by[reason]
		parts = append(parts, fmt.Sprintf("%s %d", reason, by[reason]))
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}
