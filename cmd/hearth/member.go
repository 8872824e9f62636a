package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) memberCommand() *cobra.Command {
	member := &cobra.Command{
		Use:   "member",
		Short: "List members, add them, change their rules, erase them",
		Long: `List the people of a household, add somebody, change what gives them their
rules (birth date, age band, profile), and erase who leaves, with all that is
kept of them. A household of the configuration is changed there; "hearth
household adopt" moves it into the store, where it can be changed here.`,
		Example: "  hearth member list\n  hearth member add Ida --born 2024-02-03\n  hearth member change Ida --band child",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	confirm, pin := a.householdConfirmCommand(), a.devicePINCommand()
	confirm.Use, confirm.Example = "confirm MEMBER", "  hearth member confirm Kim"
	pin.Example = "  hearth member pin Toni\n  hearth member pin --remove example-home/Toni"
	member.AddCommand(a.memberListCommand(), a.memberShowCommand(), a.memberAddCommand(), a.memberChangeCommand(), a.memberEraseCommand(), confirm, pin)
	return member
}

// ofMember is whom MEMBER or HOUSEHOLD/MEMBER means.
func ofMember(text string) parents.Who { return (&whom{parents.Who{Member: text}}).ready() }

func (a *app) memberListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [HOUSEHOLD]", Short: "List the people of a household", Long: "List the people of a household with their age bands and profiles, and who waits\nfor a confirmation after a birthday.",
		Example: "  hearth member list example-home",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := list[parents.Person](cmd.Context(), a, look(at(strings.Join(args, ""), "members")))
			if err != nil {
				return err
			}
			a.print(map[string]any{"members": all}, func(w io.Writer) {
				for _, m := range all {
					describePerson(w, m)
				}
			})
			return nil
		},
	}
}

// describePerson tells a member on one line, and their minutes of today on others.
func describePerson(w io.Writer, m parents.Person) {
	text := fmt.Sprintf("%s: %s, profile %s", m.Name, m.Band, m.Profile)
	if m.PIN {
		text += ", has a PIN"
	}
	if m.Waits != "" {
		text += fmt.Sprintf(", had a birthday: hearth member confirm %s makes it %s", m.Name, m.Waits)
	}
	fmt.Fprintln(w, text)
	for _, q := range m.Quotas {
		fmt.Fprintf(w, "  %s: %d of %d minutes today\n", q.Of, q.Used, q.Limit)
	}
}

func (a *app) memberShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show MEMBER", Short: "Show one of them", Long: "Show a member's age band and profile, and what is left of the day's minutes.",
		Example: "  hearth member show Kim\n  hearth member show example-home/Kim --json",
		Args:    exactly(1, "the MEMBER, or HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := ofMember(args[0])
			return answer(cmd.Context(), a, look(at(who.Household, "members", who.Member)), describePerson)
		},
	}
}

// traits are the flags of what gives a member their rules.
type traits struct {
	born, band, profile string
	revision            uint64
}

func (t *traits) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.born, "born", "", "the birth `DATE`, as 2015-04-30; the band follows it")
	cmd.Flags().StringVar(&t.band, "band", "", "or the age `BAND`: little, child, preteen, teen, young or adult")
	cmd.Flags().StringVar(&t.profile, "profile", "", "the `PROFILE`; one with a band of its own decides alone")
	revisionFlag(cmd, &t.revision)
}

func revisionFlag(cmd *cobra.Command, revision *uint64) {
	cmd.Flags().Uint64Var(revision, "revision", 0, "only if the household has this `REVISION`, as household show tells it")
}

// body is what was written of them, as it is sent.
func (t *traits) body(cmd *cobra.Command) map[string]any {
	out := map[string]any{}
	for name, value := range map[string]string{"born": t.born, "band": t.band, "profile": t.profile} {
		if cmd.Flags().Changed(name) {
			out[name] = value
		}
	}
	if t.revision != 0 {
		out["revision"] = t.revision
	}
	return out
}

func (a *app) memberAddCommand() *cobra.Command {
	var of traits
	cmd := &cobra.Command{
		Use: "add NAME {--born DATE | --band BAND | --profile PROFILE}", Short: "Take somebody into a household",
		Long: `Take somebody into a household, with a birth date, so that the rules grow along
(each birthday waits for "hearth member confirm"), or with an age band that
stays until it is changed.`,
		Example: "  hearth member add Ida --born 2024-02-03\n  hearth member add example-home/Toni --band teen",
		Args:    exactly(1, "the NAME, or HOUSEHOLD/NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if of.born == "" && of.band == "" && of.profile == "" {
				return usageError{errors.New("nothing says how old they are; add --born with the birth date, or --band")}
			}
			who, body := ofMember(args[0]), of.body(cmd)
			body["name"] = who.Member
			return answer(cmd.Context(), a, change(at(who.Household, "members"), body), describePerson)
		},
	}
	of.flags(cmd)
	return cmd
}

func (a *app) memberChangeCommand() *cobra.Command {
	var of traits
	cmd := &cobra.Command{
		Use: "change MEMBER [--born DATE] [--band BAND] [--profile PROFILE]", Short: "Change what gives a member their rules",
		Long: `Change the birth date, the age band or the profile of a member. What is not
written stays; with "" it is taken away. A birth date takes the place of a band.
A name stays: what was done and is remembered lies under it.`,
		Example: "  hearth member change Ida --band child\n  hearth member change Toni --profile \"\"",
		Args:    exactly(1, "the MEMBER, or HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := of.body(cmd)
			if len(body) == 0 || len(body) == 1 && of.revision != 0 {
				return usageError{errors.New("what is to change is missing; add --born, --band or --profile")}
			}
			who := ofMember(args[0])
			ask := request{method: http.MethodPatch, path: at(who.Household, "members", who.Member), body: body}
			return answer(cmd.Context(), a, ask, func(w io.Writer, m parents.Person) {
				describePerson(w, m)
				if of.band != "" && m.Band != of.band {
					fmt.Fprintf(w, "the profile %s has a band of its own, which decides; --profile \"\" takes it away\n", m.Profile)
				}
			})
		},
	}
	of.flags(cmd)
	return cmd
}

func (a *app) memberEraseCommand() *cobra.Command {
	var yes bool
	var revision uint64
	cmd := &cobra.Command{
		Use: "erase MEMBER", Short: "Take a member out of the household, and erase all that is kept of them",
		Long: `Take a member out of the household and erase all that is kept of them: rules and
devices that are theirs alone, what is remembered, grants, PIN, their account,
and what the audit says of them. What they did to others stays, without their
name. It cannot be undone: it asks for the name once more, or wants --yes.
If something fails on the way, erase them again.`,
		Example: "  hearth member erase Kim\n  hearth member erase example-home/Kim --yes",
		Args:    exactly(1, "the MEMBER, or HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := ofMember(args[0])
			if !yes && !a.typed(cmd.InOrStdin(), who.Member) {
				return usageError{fmt.Errorf("nothing was erased: type the name %s when it is asked for, or add --yes", who.Member)}
			}
			ask := end(at(who.Household, "members", who.Member))
			if revision != 0 {
				ask.query = map[string][]string{"revision": {fmt.Sprint(revision)}}
			}
			return answer(cmd.Context(), a, ask, describeParted)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	revisionFlag(cmd, &revision)
	return cmd
}

// typed says whether somebody at a terminal types a name once more, or a line of standard input is that name.
func (a *app) typed(in io.Reader, name string) bool {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(a.err, "All that is kept of %s goes. Type the name to erase it: ", name)
	}
	line, _ := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
	return name != "" && strings.TrimSpace(line) == name
}

// describeParted says what has gone with a member.
func describeParted(w io.Writer, r parents.Parted) {
	fmt.Fprintf(w, "%s is a member no more\n", r.Of())
	for _, name := range r.Devices {
		fmt.Fprintf(w, "  the device %s is unknown now\n", name)
	}
	for _, name := range r.Shared {
		fmt.Fprintf(w, "  the device %s stays, without them\n", name)
	}
	fmt.Fprint(w, "  ")
	describeErased(w, r.Of(), r.ActivityErased)
}
