package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) activityCommand() *cobra.Command {
	var day string
	activity := &cobra.Command{
		Use:   "activity [HOUSEHOLD[/MEMBER | /DEVICE | /guests]]",
		Short: "Show what is remembered of people, export it, erase it",
		Long: `Show what is remembered of the people and things of a household: sums by day,
and names where the age band or a log that was asked for lets them be kept.
docs/privacy.md says what that is, where it lies and for how long.`,
		Example: "  hearth activity example-home/Kim\n  hearth activity example-home --day 2026-06-10\n  hearth activity log example-home/Kim --full --for 7d\n  hearth activity erase example-home/Kim",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.remembered(cmd.Context(), kept(args, "activity"), day)
			if err != nil {
				return err
			}
			a.print(r, func(w io.Writer) { describeActivity(w, r) })
			return nil
		},
	}
	activity.Flags().StringVar(&day, "day", "", "of one `DAY`, YYYY-MM-DD or today (default all that are kept)")
	activity.AddCommand(a.activityExportCommand(), a.activityEraseCommand(), a.activityLogCommand(), a.activityCompanionsCommand(), a.activityNoticesCommand(), a.activityDevicesCommand())
	return activity
}

// kept asks about what is kept of HOUSEHOLD/MEMBER, HOUSEHOLD, or the only household.
func kept(of []string, parts ...string) request {
	household, who, _ := strings.Cut(strings.Join(of, ""), "/")
	r := look(at(household, parts...))
	if who != "" {
		r.query = url.Values{"of": {who}}
	}
	return r
}

// remembered reads all pages of days.
func (a *app) remembered(ctx context.Context, r request, day string) (all policy.ActivityReport, err error) {
	query := url.Values{"limit": {"1000"}}
	maps.Copy(query, r.query)
	if day != "" {
		query.Set("day", day)
	}
	days := []policy.ActivityDay{}
	for {
		var page api.Remembered
		r.query = query
		if err := a.tell(ctx, r, &page); err != nil {
			return all, err
		}
		days = append(days, page.Days...)
		all = page.ActivityReport
		all.Days = days
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}

// found prints a list of what is kept of somebody, under a name of its own in JSON.
func found[T any](ctx context.Context, a *app, r request, name string, describe func(io.Writer, []T)) error {
	all, err := list[T](ctx, a, r)
	if err != nil {
		return err
	}
	a.print(map[string]any{name: all}, func(w io.Writer) { describe(w, all) })
	return nil
}

func (a *app) activityExportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export HOUSEHOLD/MEMBER", Short: "Print everything that is kept of somebody, as JSON",
		Long:    "Print everything that is kept of a person or a thing, as JSON: what is\nremembered of them by day, what of the state names them, and what is in memory.",
		Example: "  hearth activity export example-home/Kim > kim.json",
		Args:    exactly(1, "HOUSEHOLD/MEMBER, HOUSEHOLD/DEVICE or HOUSEHOLD/guests"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, kept(args, "activity", "export"), func(w io.Writer, r policy.ActivityExport) { a.encode(w, r) })
		},
	}
}

func (a *app) activityEraseCommand() *cobra.Command {
	var ask struct {
		Of  string `json:"of,omitempty"`
		All bool   `json:"all,omitempty"`
	}
	cmd := &cobra.Command{
		Use: "erase {HOUSEHOLD/MEMBER | HOUSEHOLD --all}", Short: "Forget all activity of somebody",
		Long: `Forget all activity of a person or a thing, on disk and in memory: sums, names,
used minutes, notices, and what a thing was heard to ask for. What parents
decided stays: grants, the list of a thing that was confirmed.
Of a name that the household no longer has, such as the old one of a device, all
else goes too that is kept of it: grants, PIN, enrolment, a child's account, and
what the audit says of it; "hearth account remove" takes a parent's or carer's.
With --all everything goes of a household that is gone. The audit says that it
was done, and by whom.`,
		Example: "  hearth activity erase example-home/Kim\n  hearth activity erase example-home/old-tablet\n  hearth activity erase old-home --all",
		Args:    exactly(1, "HOUSEHOLD/MEMBER, HOUSEHOLD/DEVICE or HOUSEHOLD/guests, or with --all a HOUSEHOLD that is gone"),
		RunE: func(cmd *cobra.Command, args []string) error {
			household, who, _ := strings.Cut(args[0], "/")
			ask.Of = who
			return answer(cmd.Context(), a, change(at(household, "activity", "erase"), ask), func(w io.Writer, r policy.ActivityErased) { describeErased(w, args[0], r) })
		},
	}
	cmd.Flags().BoolVar(&ask.All, "all", false, "everything of a household that is gone")
	return cmd
}

func (a *app) activityLogCommand() *cobra.Command {
	var ask parents.Diary
	var blocked bool
	cmd := &cobra.Command{
		Use: "log HOUSEHOLD/MEMBER {--blocked | --full | --off} [--for 7d]", Short: "Keep somebody's blocked names, or all, for some days",
		Long: `Keep the names that a person was refused, or with --full all that they ask for,
for at most 7 days. It ends by itself. The person sees it on every page. Up to
12 years it begins at once; from 13 to 15 a day after the person has seen that
there will be one; at 16 and 17 once the person has agreed on their own page.
An adult's names are never kept. Names of help, of what the law blocks and of
self-harm are kept of nobody.`,
		Example: "  hearth activity log example-home/Kim --full --for 7d\n  hearth activity log example-home/Kim --off",
		Args:    exactly(1, "HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if ask.Off && (ask.Full || blocked) || ask.Full && blocked || !ask.Off && !ask.Full && !blocked {
				return usageError{errors.New("write one of --blocked, --full and --off")}
			}
			who := (&whom{parents.Who{Member: args[0]}}).ready()
			r := change(at(who.Household, "logs"), map[string]any{"member": who.Member, "full": ask.Full, "for": ask.For})
			if ask.Off {
				r = end(at(who.Household, "logs", who.Member))
			}
			return answer(cmd.Context(), a, r, func(w io.Writer, l policy.LogReport) {
				if ask.Off {
					fmt.Fprintf(w, "the log of %s has ended; what it kept goes after its 7 days, or with hearth activity erase\n", l.Member)
					return
				}
				fmt.Fprintln(w, describeLog(l))
			})
		},
	}
	cmd.Flags().BoolVar(&blocked, "blocked", false, "keep blocked names")
	cmd.Flags().BoolVar(&ask.Full, "full", false, "keep all names")
	cmd.Flags().BoolVar(&ask.Off, "off", false, "end it")
	cmd.Flags().StringVar(&ask.For, "for", "7d", "for so long, such as `3d` or 12h; 7d at most")
	return cmd
}

func (a *app) activityCompanionsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "companions HOUSEHOLD/MEMBER", Short: "List what pages on an allow-list seem to need",
		Long:    "List the names that a device of somebody with an allow-list was refused within\nfive seconds after a page that it got: what the page seems to need. Names of\nblocked categories are never among them. They are in memory alone.",
		Example: "  hearth activity companions example-home/Lou",
		Args:    exactly(1, "HOUSEHOLD/MEMBER or HOUSEHOLD/DEVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return found(cmd.Context(), a, kept(args, "activity", "companions"), "companions", describeCompanions)
		},
	}
}

func (a *app) activityNoticesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "notices [HOUSEHOLD]", Short: "List what parents should know of",
		Long:    "List the notices of the last 7 days. One about a child is shown here once the\nchild has seen it, or a day after the child could.",
		Example: "  hearth activity notices example-home",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return found(cmd.Context(), a, kept(args, "activity", "notices"), "notices", describeNotices)
		},
	}
}

func (a *app) activityDevicesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "devices [HOUSEHOLD]", Short: "List when devices asked last, and which have gone quiet",
		Long:    "List when the devices of a household asked Hearth last, as far as that may be\nremembered: not those of people of 16 and more. A device that asked regularly\nand stopped is off, on mobile data, or uses a VPN. It is in memory alone.",
		Example: "  hearth activity devices example-home",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return found(cmd.Context(), a, kept(args, "activity", "devices"), "devices", describeSightings)
		},
	}
}
