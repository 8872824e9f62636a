package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/spf13/cobra"
)

// thingCommands are those of hearth device that are about things: toys, cameras, televisions.
func (a *app) thingCommands() []*cobra.Command {
	return []*cobra.Command{a.deviceLearnCommand(), a.deviceSheetCommand(), a.deviceConfirmCommand()}
}

func (a *app) deviceLearnCommand() *cobra.Command {
	long := "7d"
	cmd := &cobra.Command{
		Use: "learn HOUSEHOLD/DEVICE [--for 7d]", Short: "Have a thing learn what it talks to",
		Long: `Have a thing (a device with profile: things) learn what it talks to. Meanwhile
it gets all that no category blocks; trackers stay off. When the time is over,
or after "hearth device confirm", it gets what was confirmed and nothing else:
nothing is let through for good that nobody has confirmed.`,
		Example: "  hearth device learn example-home/robot --for 3d",
		Args:    exactly(1, "the HOUSEHOLD/DEVICE that is to learn"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change(thing(args[0], "learn"), map[string]string{"for": long}), func(w io.Writer, s parents.Sheet) {
				fmt.Fprintf(w, "%s learns until %s; then confirm with hearth device confirm %s/%[1]s\n", s.Device, clockOf(s.Learned.Until), s.Household)
			})
		},
	}
	cmd.Flags().StringVar(&long, "for", long, "for so long, such as `3d`; 30d at most")
	return cmd
}

func (a *app) deviceSheetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sheet HOUSEHOLD/DEVICE", Short: "Show what a thing talks to",
		Long:    "Show what a thing asked for while it learned: names with their categories, how\noften, first and last, and whether a parent has confirmed them.",
		Example: "  hearth device sheet example-home/robot",
		Args:    exactly(1, "the HOUSEHOLD/DEVICE whose sheet it is"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look(thing(args[0], "sheet")), describeSheet)
		},
	}
}

func (a *app) deviceConfirmCommand() *cobra.Command {
	var without []string
	cmd := &cobra.Command{
		Use: "confirm HOUSEHOLD/DEVICE [--without NAME]", Short: "Let a thing talk to what it learned, and to nothing else",
		Long: `Let a thing ask for what it asked for while it learned, and for all beneath
those names, and for nothing else from now on. Learning ends. What is new after
that is blocked, and told by "hearth activity notices".`,
		Example: "  hearth device sheet example-home/robot\n  hearth device confirm example-home/robot --without odd.example",
		Args:    exactly(1, "the HOUSEHOLD/DEVICE whose list is confirmed"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := map[string][]string{"without": without}
			return answer(cmd.Context(), a, change(thing(args[0], "confirm"), body), describeSheet)
		},
	}
	cmd.Flags().StringArrayVar(&without, "without", nil, "but not for this `NAME`; more than once for several")
	return cmd
}

// thing is the path of something of HOUSEHOLD/DEVICE.
func thing(of, what string) string {
	who := (&whom{parents.Who{Device: of}}).ready()
	return at(who.Household, "things", who.Device, what)
}

func describeSheet(w io.Writer, s parents.Sheet) {
	switch {
	case s.Learned == nil:
		fmt.Fprintf(w, "%s has not learned: begin with hearth device learn %s/%[1]s\n", s.Device, s.Household)
	case s.Learning:
		fmt.Fprintf(w, "%s learns until %s\n", s.Device, clockOf(s.Learned.Until))
	case s.Learned.ConfirmedAt.IsZero():
		fmt.Fprintf(w, "%s has learned; nothing is confirmed: hearth device confirm %s/%[1]s\n", s.Device, s.Household)
	default:
		fmt.Fprintf(w, "%s gets what was confirmed on %s by %s\n", s.Device, clockOf(s.Learned.ConfirmedAt), s.Learned.ConfirmedBy)
	}
	if len(s.Open) > 0 {
		fmt.Fprintf(w, "its profile lets through without learning, but for declined names: %s\n", strings.Join(s.Open, ", "))
	}
	for _, n := range s.Names {
		fmt.Fprintf(w, "  %-9s %6dx %s to %s  %s %s\n", n.State, n.Count, clockOf(n.First), clockOf(n.Last), n.Name, strings.Join(slices.Concat(n.Countries, n.Categories), ", "))
	}
	if s.More {
		fmt.Fprintln(w, "  and more names than are kept")
	}
}
