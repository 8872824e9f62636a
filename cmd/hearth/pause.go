package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) pauseCommand() *cobra.Command {
	who, long := &whom{}, &parents.Span{}
	pause := &cobra.Command{
		Use:   "pause [--member MEMBER | --device DEVICE] [--for 30m | --until TIME]",
		Short: "Stop somebody's internet",
		Long: `Stop the internet of a member, of a device, or without either of everyone
under 18 in the house: all names but help and what is always on. It is in
force at once, and ends the grants of whom it concerns. Without --for and
--until it lasts until "hearth pause end". To stop the filter instead, see
"hearth filter".`,
		Example: "  hearth pause --member Kim --for 30m\n  hearth pause --until 18:00\n  hearth pause end --member Kim\n  hearth pause list",
		Args:    noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			of := who.ready()
			return a.act(cmd.Context(), change(at(of.Household, "pauses"), api.Stretch{Subject: subject(of), Span: *long}), "the internet of %s is paused%s")
		},
	}
	who.flags(pause, "household", "member", "device")
	spanFlags(pause, long, "for so long, such as `30m`")
	over, of := &cobra.Command{
		Use:     "end [--member MEMBER | --device DEVICE]",
		Short:   "End a pause",
		Long:    "End the pause of a member, of a device, or without either of the house.",
		Example: "  hearth pause end --member Kim",
		Args:    exactly(0, "whose pause it is is said with --member or --device"),
	}, &whom{}
	over.RunE = func(cmd *cobra.Command, _ []string) error {
		who := of.ready()
		return a.act(cmd.Context(), change(at(who.Household, "pauses", "end"), subject(who)), "the internet of %s is paused no more")
	}
	of.flags(over, "household", "member", "device")
	pause.AddCommand(over, a.actsCommand("pauses", "List the pauses that are running"))
	return pause
}

func spanFlags(cmd *cobra.Command, s *parents.Span, usage string) {
	cmd.Flags().StringVar(&s.For, "for", "", usage)
	cmd.Flags().StringVar(&s.Until, "until", "", "until this `TIME` of the household: \"21:05\", \"fri 21:05\", \"tomorrow 07:00\" or RFC 3339")
}

// act has the server do something that is told as one act; said has room for whom and until when.
func (a *app) act(ctx context.Context, r request, said string) error {
	return answer(ctx, a, r, func(w io.Writer, act parents.Act) {
		words := []any{whose(act), until(act)}
		fmt.Fprintf(w, said+"\n", words[:strings.Count(said, "%s")]...)
		if act.Note != "" {
			fmt.Fprintln(w, act.Note)
		}
	})
}

// actsCommand lists what is in force, of one sort.
func (a *app) actsCommand(what, short string) *cobra.Command {
	who, one := &whom{}, map[string]string{"pauses": "pause", "grants": "grant", "filter": "filter off"}[what]
	acts := &cobra.Command{
		Use: "list", Short: short, Long: short + ", with their ends.", Example: "  hearth " + strings.Fields(one)[0] + " list",
		Args: exactly(0, "list takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := list[parents.Act](cmd.Context(), a, look(at(who.Household, what)))
			if err != nil {
				return err
			}
			a.print(map[string]any{"acts": all}, func(w io.Writer) {
				describeActs(w, all)
				if len(all) == 0 {
					fmt.Fprintf(w, "no %s is in force\n", one)
				}
			})
			return nil
		},
	}
	who.flags(acts, "household")
	return acts
}

func describeActs(w io.Writer, acts []parents.Act) {
	for _, act := range acts {
		fmt.Fprintf(w, "  %-8s  %s for %s%s", act.ID, describeAct(act), whose(act), until(act))
		if act.By != "" {
			fmt.Fprintf(w, ", by %s", act.By)
		}
		fmt.Fprintln(w)
	}
}

func describeAct(act parents.Act) string {
	if act.What != "grant" {
		return act.What
	}
	text := strings.TrimSpace("grant of " + act.Kind + " " + act.Value)
	if act.Minutes != 0 && act.Kind == "bonus" {
		text += fmt.Sprintf(", %d minutes", act.Minutes)
	}
	if act.AtBedtime {
		text += ", at bedtime too"
	}
	return text
}

func whose(act parents.Act) string {
	switch {
	case act.Member != "" && act.Device != "":
		return act.Member + " at " + act.Device
	case act.Member != "":
		return act.Member
	case act.Device != "":
		return act.Device
	}
	return "the house " + act.Household
}

// until says when something ends, as the household's clock shows it.
func until(act parents.Act) string {
	switch {
	case act.Until.IsZero():
		return " until somebody ends it"
	case act.Until.YearDay() == act.At.YearDay() && act.Until.Year() == act.At.Year():
		return " until " + act.Until.Format("15:04")
	}
	return " until " + act.Until.Format("Mon 2006-01-02 15:04")
}
