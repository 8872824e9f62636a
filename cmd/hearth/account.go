package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/spf13/cobra"
)

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Say who may sign in, and make codes and tokens",
		Long: `Say who may sign in at the console, and where they are signed in; make the code
for the first account, for somebody who forgot the passphrase, and for a second
parent, a carer or an operator; make the tokens of programs. Codes and tokens
are shown once. docs/accounts.md.`,
		Example: "  hearth account setup\n  hearth account list\n  hearth account reset example-home/Anna\n  hearth account invite example-home --role carer --until 2027-01-31",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.accountListCommand(), a.accountSetupCommand(), a.accountResetCommand(), a.accountInviteCommand(), a.accountWithdrawCommand(),
		a.accountAmendCommand(), a.accountRemoveCommand(), a.accountSessionsCommand(), a.tokenCommand())
	return cmd
}

// named is an account as commands name it.
type named struct {
	Household string `json:"household,omitempty"`
	Name      string `json:"name,omitempty"`
	By        string `json:"by"`
}

// named reads HOUSEHOLD/NAME, or NAME where there is one household.
func (a *app) named(text string) named {
	n := named{Name: text, By: (&whom{}).ready(a).By}
	if household, name, both := strings.Cut(text, "/"); both {
		n.Household, n.Name = household, name
	}
	return n
}

func (a *app) accountListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [HOUSEHOLD]", Short: "List who may sign in, and which invitations wait",
		Long:    "List who may sign in, and which invitations wait: of a household, of the\noperators (operators), or of all.",
		Example: "  hearth account list\n  hearth account list example-home",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look("/v1/account", args...), describeAccounts)
		},
	}
}

func describeAccounts(w io.Writer, r portal.SignsIn) {
	for _, one := range r.Accounts {
		fmt.Fprintln(w, describeAccount(one))
	}
	for _, i := range r.Invitations {
		text := fmt.Sprintf("an invitation to %s", i.Household)
		switch {
		case i.Setup:
			text = "a code for the first account"
		case i.Account != "":
			text = fmt.Sprintf("a code that starts %s/%s anew", i.Household, i.Name)
		case i.Name != "":
			text += " for " + i.Name
		}
		fmt.Fprintf(w, "%s as %s, by %s, good until %s: %s\n", text, i.Role, i.By, i.Ends.Local().Format("2006-01-02 15:04"), i.ID[:min(8, len(i.ID))])
	}
	if len(r.Accounts)+len(r.Invitations) == 0 {
		fmt.Fprintln(w, "nobody has an account: hearth account setup makes a code for the first")
	}
}

func describeAccount(one account.Account) string {
	text := fmt.Sprintf("%-32s %-8s since %s", one.Household+"/"+one.Name, one.Role, one.At.Local().Format(time.DateOnly))
	if !one.Until.IsZero() {
		text += ", until " + one.Until.Local().Format("2006-01-02 15:04")
	}
	if one.Provider {
		text += ", signs in at the provider"
	}
	return text
}

func (a *app) accountSetupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "setup", Short: "Make the code that opens the first account",
		Long: `Make the code that opens the first account, as long as nobody has one. It is
good for an hour and for one person, and takes the place of one made before.
Whoever types it into the set-up page is the first parent.`,
		Example: "  hearth account setup",
		Args:    exactly(0, "setup takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd.Context(), a, change("/v1/account/setup", struct{}{}), func(w io.Writer, i portal.Invited) {
				fmt.Fprintf(w, "%s\n\nType it into the set-up page before %s. Whoever does is the first parent.\n\n%s\n", i.Code, i.Ends.Local().Format("15:04"), strings.Join(i.Pages, "\n"))
			})
		},
	}
}

func (a *app) accountResetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset {HOUSEHOLD/NAME | NAME}", Short: "Make a code for somebody who cannot sign in any more",
		Long: `Make a code by which somebody chooses a new passphrase, good for an hour. When
it is used all that opened the account before is void: sessions, passkeys,
tokens, invitations. Until then nothing changes.`,
		Example: "  hearth account reset example-home/Anna\n  hearth account reset operators/Bo",
		Args:    exactly(1, "HOUSEHOLD/NAME, or NAME where there is one household"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change("/v1/account/reset", a.named(args[0])), func(w io.Writer, i portal.Invited) {
				fmt.Fprintf(w, "%s\n\nWho types it in before %s chooses a new passphrase for %s/%s. Then all\nthat opened the account before is void.\n", i.Code, i.Ends.Local().Format("15:04"), i.Household, i.Name)
			})
		},
	}
}

func (a *app) accountInviteCommand() *cobra.Command {
	var role, name, until string
	cmd := &cobra.Command{
		Use: "invite [HOUSEHOLD] --role ROLE", Short: "Invite a parent, a carer, a child or an operator",
		Long: `Make a code by which one person opens an account, good for seven days. A
carer's rights end with the day that --until says, at most a year ahead.
Operators are of no household.`,
		Example: "  hearth account invite --role parent --name Bert\n  hearth account invite example-home --role carer --until 2027-01-31\n  hearth account invite --role operator",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if role == "" {
				return usageError{errors.New("as what is missing; add --role parent, carer, child or operator")}
			}
			household := strings.Join(args, "")
			if strings.Contains(household, "/") {
				return usageError{errors.New("an invitation is to a HOUSEHOLD; how they are called goes behind --name")}
			}
			who := a.named(household + "/" + name)
			body := struct {
				named
				Role  string `json:"role"`
				Until string `json:"until,omitempty"`
			}{who, role, until}
			return answer(cmd.Context(), a, change("/v1/account/invite", body), func(w io.Writer, i portal.Invited) {
				fmt.Fprintf(w, "%s\n\nIt opens an account in %s as %s, once, before %s.\n", i.Code, i.Household, i.Role, i.Ends.Local().Format("2006-01-02 15:04"))
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "as `ROLE`: parent, carer, child or operator")
	cmd.Flags().StringVar(&name, "name", "", "how they are called; they may choose another")
	cmd.Flags().StringVar(&until, "until", "", "the last `DAY` of a carer, as 2027-01-31")
	return cmd
}

func (a *app) accountWithdrawCommand() *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "Make an invitation void",
		Long: "Make an invitation void that nobody has taken. The list shows how its ID begins.", Example: "  hearth account withdraw h4kq7b2e",
		Args: exactly(1, "the ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change("/v1/account/withdraw", a.record(args[0])), func(w io.Writer, i account.Invitation) {
				fmt.Fprintf(w, "an invitation to %s as %s is void\n", i.Household, i.Role)
			})
		},
	}
}

// record is something that commands name by how its id begins.
func (a *app) record(id string) any {
	return struct {
		ID string `json:"id"`
		By string `json:"by"`
	}{id, (&whom{}).ready(a).By}
}

func (a *app) accountAmendCommand() *cobra.Command {
	var next, until string
	cmd := &cobra.Command{
		Use: "amend {HOUSEHOLD/NAME | NAME} [--name NAME] [--until DAY]", Short: "Change an account's name, or a carer's last day",
		Long: "Change an account's name, or a carer's last day. Where somebody is signed in\nthey stay so.", Example: "  hearth account amend example-home/Oma --until 2027-06-30",
		Args: exactly(1, "HOUSEHOLD/NAME, or NAME where there is one household"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if next == "" && until == "" {
				return usageError{errors.New("what is to change is missing; add --name or --until")}
			}
			body := struct {
				named
				Next  string `json:"next,omitempty"`
				Until string `json:"until,omitempty"`
			}{a.named(args[0]), next, until}
			return answer(cmd.Context(), a, change("/v1/account/amend", body), func(w io.Writer, one account.Account) { fmt.Fprintln(w, describeAccount(one)) })
		},
	}
	cmd.Flags().StringVar(&next, "name", "", "its new `NAME`")
	cmd.Flags().StringVar(&until, "until", "", "its last `DAY`, as 2027-01-31")
	return cmd
}

func (a *app) accountRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove {HOUSEHOLD/NAME | NAME}", Short: "Remove an account, with all that it could open",
		Long: `Remove an account, with its passphrase, passkeys, sessions, tokens,
invitations, and the channels of messages that are its alone. What it did
stays in the household's audit for 90 days; "hearth activity erase" takes the
name out of that too, once no member has it.`,
		Example: "  hearth account remove example-home/Oma",
		Args:    exactly(1, "HOUSEHOLD/NAME, or NAME where there is one household"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change("/v1/account/remove", a.named(args[0])), func(w io.Writer, one account.Account) {
				fmt.Fprintf(w, "%s/%s has no account any more\n", one.Household, one.Name)
			})
		},
	}
}

func (a *app) accountSessionsCommand() *cobra.Command {
	var end bool
	cmd := &cobra.Command{
		Use: "sessions [HOUSEHOLD/NAME | NAME] [--end]", Short: "List where people are signed in, or sign somebody out everywhere",
		Long: "List the browsers in which people are signed in, or with --end sign one of\nthem out everywhere.", Example: "  hearth account sessions\n  hearth account sessions example-home/Anna --end",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := a.named(strings.Join(args, ""))
			if end && who.Name == "" {
				return usageError{errors.New("whose sessions are to end is missing; write HOUSEHOLD/NAME")}
			}
			if end {
				return answer(cmd.Context(), a, change("/v1/account/sessions/end", who), func(w io.Writer, r portal.Ended) {
					fmt.Fprintf(w, "%s is signed out, of %s\n", who.Name, count(r.Ended, "browser"))
				})
			}
			query := url.Values{"household": {who.Household}, "name": {who.Name}}
			return answer(cmd.Context(), a, request{method: http.MethodGet, path: "/v1/account/sessions", query: query}, describeSessions)
		},
	}
	cmd.Flags().BoolVar(&end, "end", false, "sign them out everywhere")
	return cmd
}

func describeSessions(w io.Writer, r portal.SignedIn) {
	for _, s := range r.Sessions {
		fmt.Fprintf(w, "%-32s %s, by %s, last used %s, ends %s\n", s.Household+"/"+s.Name, cmp.Or(s.Label, "a browser"), s.Means, s.Seen.Local().Format("2006-01-02 15:04"), s.Ends().Local().Format("2006-01-02 15:04"))
	}
	if len(r.Sessions) == 0 {
		fmt.Fprintln(w, "nobody is signed in")
	}
}
