package main

import (
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) filterCommand() *cobra.Command {
	filter := &cobra.Command{
		Use:   "filter",
		Short: "Stop the filter for some minutes",
		Long: `Stop the filter for some minutes, not the internet: to see whether it is the
reason that something does not work. It ends by itself. The law and what
protects from dangerous sites stay in force. To stop the internet instead, see
"hearth pause".`,
		Example: "  hearth filter off --for 15m\n  hearth filter on",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	off, who, long := &cobra.Command{
		Use:     "off --for 15m [--member MEMBER | --device DEVICE]",
		Short:   "Stop the filter for at most four hours",
		Long:    "Stop the filter for a device, a member, or without either for the house, for\nat most four hours.",
		Example: "  hearth filter off --for 15m\n  hearth filter off --for 1h --device kim-tablet",
		Args:    exactly(0, "for how long is said with --for"),
	}, &whom{}, &parents.Span{}
	off.RunE = func(cmd *cobra.Command, _ []string) error {
		of := who.ready()
		return a.act(cmd.Context(), change(at(of.Household, "filter", "off"), api.Stretch{Subject: subject(of), Span: *long}), "the filter is off for %s%s")
	}
	who.flags(off, "household", "member", "device")
	spanFlags(off, long, "for so long, such as `15m`")
	on, of := &cobra.Command{
		Use: "on [--member MEMBER | --device DEVICE]", Short: "Filter again before the time is over", Long: "Filter again before the time is over, for whom the filter was stopped.", Example: "  hearth filter on",
		Args: exactly(0, "for whom is said with --member or --device"),
	}, &whom{}
	on.RunE = func(cmd *cobra.Command, _ []string) error {
		who := of.ready()
		return a.act(cmd.Context(), change(at(who.Household, "filter", "on"), subject(who)), "the filter is on again for %s")
	}
	of.flags(on, "household", "member", "device")
	filter.AddCommand(off, on, a.actsCommand("filter", "List for whom the filter is off"))
	return filter
}
