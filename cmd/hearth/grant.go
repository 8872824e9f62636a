package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

// granted is a grant as it is asked for.
type granted struct {
	api.Subject
	parents.Ask
}

func (a *app) grantCommand() *cobra.Command {
	who, ask := &whom{}, &parents.Ask{}
	grant := &cobra.Command{
		Use:   "grant {time | bonus OF | name NAME | service ID | category ID | security NAME}",
		Short: "Allow a site, a service, a category or more time, for a while",
		Long: `Allow somebody something for a while: 15m, 30m, 1h, today (until bedtime),
until a time, or always (until it is revoked). A grant lifts what it names and
nothing else:

  time        bedtime, homework time and used-up quotas
  bonus       adds --minutes to a quota for today: total, a service, a category
  name        what blocks a site and all beneath it; --at-bedtime: bedtime too
  service     the switch of a service, such as tiktok
  category    a category, such as social.networks
  security    what protects from dangerous sites, for exactly one name, after
              --confirm with the same name

None lifts a legal block. Without --member and --device it is for the house.`,
		Example: "  hearth grant time --member Kim --for 15m\n  hearth grant name example.com --member Kim --for today\n  hearth grant bonus fun.video --minutes 20 --member Kim\n  hearth grant list\n  hearth grant revoke ID",
		Args:    grantArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			ask.Kind, ask.Value = policy.GrantKind(args[0]), strings.Join(args[1:], "")
			of := who.ready()
			return a.act(cmd.Context(), change(at(of.Household, "grants"), granted{subject(of), *ask}), strings.ReplaceAll(strings.Join(args, " "), "%", "")+" is granted to %s%s")
		},
	}
	who.flags(grant, "household", "member", "device")
	spanFlags(grant, &ask.Span, "`15m`, 30m, 1h, today or always")
	grant.Flags().BoolVar(&ask.AtBedtime, "at-bedtime", false, "of a name: at bedtime and in homework time too")
	grant.Flags().IntVar(&ask.Minutes, "minutes", 0, "of a bonus: how many `MINUTES`")
	grant.Flags().StringVar(&ask.Confirm, "confirm", "", "of security: the same `NAME` again")
	grant.AddCommand(a.actsCommand("grants", "List the grants that are in force"), a.grantRevokeCommand(), a.grantTakeCommand())
	return grant
}

// grantArgs asks for a kind, and for what is granted where it has a value.
func grantArgs(_ *cobra.Command, args []string) error {
	kinds := []string{"time", "bonus", "name", "service", "category", "security"}
	switch {
	case len(args) == 0:
		return nil
	case !slices.Contains(kinds, args[0]):
		return usageError{fmt.Errorf("%q cannot be granted; write one of %s", args[0], strings.Join(kinds, ", "))}
	case args[0] == "time" && len(args) > 1:
		return usageError{errors.New("time is granted without a value; for how long is said with --for")}
	case args[0] != "time" && len(args) != 2:
		return usageError{fmt.Errorf("write what is granted behind %s", args[0])}
	}
	return nil
}

func (a *app) grantRevokeCommand() *cobra.Command {
	who := &whom{}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "End a grant", Long: "End a grant before its time. hearth grant list shows the ids.", Example: "  hearth grant revoke k3j5m7pq",
		Args: exactly(1, "the ID of the grant"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.act(cmd.Context(), end(at(who.ready().Household, "grants", args[0])), "the grant to %s is revoked")
		},
	}
	who.flags(revoke, "household")
	return revoke
}

func (a *app) grantTakeCommand() *cobra.Command {
	who := &whom{}
	take := &cobra.Command{
		Use: "take --member MEMBER", Short: "Take one of a member's standing grants", Long: "Take one of the standing grants of a member's profile (profiles[].standing):\ntime, without asking, as often as it says.",
		Example: "  hearth grant take --member Kim",
		Args:    exactly(0, "who takes it is said with --member"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			of := who.ready()
			if of.Member == "" {
				return usageError{errors.New("who takes it is missing: write --member")}
			}
			return answer(cmd.Context(), a, change(at(of.Household, "members", of.Member, "take"), nil), func(w io.Writer, r parents.Taken) {
				fmt.Fprintf(w, "%d minutes are taken by %s%s; %d more times this %s\n", r.Minutes, whose(r.Act), until(r.Act), r.Left, r.Per)
				if r.Note != "" {
					fmt.Fprintln(w, r.Note)
				}
			})
		},
	}
	who.flags(take, "household", "member")
	return take
}
