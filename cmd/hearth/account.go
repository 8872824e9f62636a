package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/api"
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

// ofAccount is the path of HOUSEHOLD/NAME, or of NAME where there is one household.
func ofAccount(text string, parts ...string) string {
	household, name, both := strings.Cut(text, "/")
	if !both {
		household, name = "", text
	}
	return at(household, append([]string{"accounts", name}, parts...)...)
}

// ofAll is the path of what there is of a household; with "" of all, of another machine's of the token's.
func (c client) ofAll(household, what string) string {
	if household == "" && c.at == "" {
		return "/v1/" + what
	}
	return at(household, what)
}

// fewest is how much of an id must be written at least.
const fewest = 6

// find asks for the one whose id begins so.
func find[T any](ctx context.Context, a *app, what, id string, of func(T) string) (one T, err error) {
	c, err := a.server()
	if err != nil {
		return one, err
	}
	all, err := pages[T](ctx, c, look(c.ofAll("", what)))
	if err != nil {
		return one, running(err)
	}
	return begins(all, id, what, of)
}

// begins finds the one whose id begins so.
func begins[T any](all []T, id, what string, of func(T) string) (one T, err error) {
	found := slices.DeleteFunc(slices.Clone(all), func(t T) bool { return len(id) < fewest || !strings.HasPrefix(of(t), id) })
	if len(found) != 1 {
		return one, fmt.Errorf("no one of the %s has this id alone; write at least its first %d signs, as the list shows them", strings.TrimPrefix(what, "account-"), fewest)
	}
	return found[0], nil
}

func (a *app) accountListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [HOUSEHOLD]", Short: "List who may sign in, and which invitations wait",
		Long:    "List who may sign in, and which invitations wait: of a household, of the\noperators (operators), or of all.",
		Example: "  hearth account list\n  hearth account list example-home",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.server()
			if err != nil {
				return err
			}
			var found signsIn
			if found.Accounts, err = pages[account.Account](cmd.Context(), c, look(c.ofAll(strings.Join(args, ""), "accounts"))); err != nil {
				return running(err)
			}
			if found.Invitations, err = pages[api.AccountInvitation](cmd.Context(), c, look(c.ofAll(strings.Join(args, ""), "account-invitations"))); err != nil {
				return running(err)
			}
			a.print(found, func(w io.Writer) { describeAccounts(w, found) })
			return nil
		},
	}
}

// signsIn is who may sign in, and which invitations wait.
type signsIn struct {
	Accounts    []account.Account       `json:"accounts"`
	Invitations []api.AccountInvitation `json:"invitations"`
}

func describeAccounts(w io.Writer, r signsIn) {
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
		fmt.Fprintf(w, "%s as %s, by %s, good until %s: %s\n", text, i.Role, i.By, i.Ends.Format("2006-01-02 15:04"), i.ID[:min(8, len(i.ID))])
	}
	if len(r.Accounts)+len(r.Invitations) == 0 {
		fmt.Fprintln(w, "nobody has an account: hearth account setup makes a code for the first")
	}
}

func describeAccount(one account.Account) string {
	text := fmt.Sprintf("%-32s %-8s since %s", one.Household+"/"+one.Name, one.Role, one.At.Format(time.DateOnly))
	if !one.Until.IsZero() {
		text += ", until " + one.Until.Format("2006-01-02 15:04")
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
			return answer(cmd.Context(), a, change("/v1/setup", nil), func(w io.Writer, i api.Invited) {
				fmt.Fprintf(w, "%s\n\nType it into the set-up page before %s. Whoever does is the first parent.\n\n%s\n", i.Code, i.Ends.Format("15:04"), strings.Join(i.Pages, "\n"))
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
			return answer(cmd.Context(), a, change(ofAccount(args[0], "reset"), nil), func(w io.Writer, i api.Invited) {
				fmt.Fprintf(w, "%s\n\nWho types it in before %s chooses a new passphrase for %s/%s. Then all\nthat opened the account before is void.\n", i.Code, i.Ends.Format("15:04"), i.Household, i.Name)
			})
		},
	}
}

func (a *app) accountInviteCommand() *cobra.Command {
	var role, name, until string
	cmd := &cobra.Command{
		Use: "invite [HOUSEHOLD] --role ROLE", Short: "Invite a parent, a carer, a child or an operator",
		Long: `Make a code by which one person opens an account, good for seven days. A
carer's rights end with the day that --until says, at most a year ahead. A
child's account is for the child of that --name.
Operators are of no household.`,
		Example: "  hearth account invite --role parent --name Bert\n  hearth account invite --role child --name Kim\n  hearth account invite example-home --role carer --until 2027-01-31\n  hearth account invite --role operator",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			if role == "" {
				return usageError{errors.New("as what is missing; add --role parent, carer, child or operator")}
			}
			household := strings.Join(args, "")
			if strings.Contains(household, "/") {
				return usageError{errors.New("an invitation is to a HOUSEHOLD; how they are called goes behind --name")}
			}
			if role == string(account.Operator) {
				household = cmp.Or(household, account.Operators)
			}
			body := struct {
				Role  string `json:"role"`
				Name  string `json:"name,omitempty"`
				Until string `json:"until,omitempty"`
			}{role, name, until}
			return answer(cmd.Context(), a, change(at(household, "account-invitations"), body), func(w io.Writer, i api.Invited) {
				fmt.Fprintf(w, "%s\n\nIt opens an account in %s as %s, once, before %s.\n", i.Code, i.Household, i.Role, i.Ends.Format("2006-01-02 15:04"))
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "as `ROLE`: parent, carer, child or operator")
	cmd.Flags().StringVar(&name, "name", "", "how they are called; a child, as the household has it; others may choose another")
	cmd.Flags().StringVar(&until, "until", "", "the last `DAY` of a carer, as 2027-01-31")
	return cmd
}

func (a *app) accountWithdrawCommand() *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "Make an invitation void",
		Long: "Make an invitation void that nobody has taken. The list shows how its ID begins.", Example: "  hearth account withdraw h4kq7b2e",
		Args: exactly(1, "the ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := find(cmd.Context(), a, "account-invitations", args[0], func(i api.AccountInvitation) string { return i.ID })
			if err != nil {
				return err
			}
			return answer(cmd.Context(), a, end(at(one.Household, "account-invitations", one.ID)), func(w io.Writer, i api.AccountInvitation) {
				fmt.Fprintf(w, "an invitation to %s as %s is void\n", i.Household, i.Role)
			})
		},
	}
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
				Name  string `json:"name,omitempty"`
				Until string `json:"until,omitempty"`
			}{next, until}
			return answer(cmd.Context(), a, request{method: http.MethodPut, path: ofAccount(args[0]), body: body}, func(w io.Writer, one account.Account) { fmt.Fprintln(w, describeAccount(one)) })
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
			return answer(cmd.Context(), a, end(ofAccount(args[0])), func(w io.Writer, one account.Account) {
				fmt.Fprintf(w, "%s/%s has no account any more\n", one.Household, one.Name)
			})
		},
	}
}

func (a *app) accountSessionsCommand() *cobra.Command {
	var over bool
	cmd := &cobra.Command{
		Use: "sessions [HOUSEHOLD/NAME | NAME] [--end]", Short: "List where people are signed in, or sign somebody out everywhere",
		Long: "List the browsers in which people are signed in, or with --end sign one of\nthem out everywhere.", Example: "  hearth account sessions\n  hearth account sessions example-home/Anna --end",
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			whose := strings.Join(args, "")
			if over && whose == "" {
				return usageError{errors.New("whose sessions are to end is missing; write HOUSEHOLD/NAME")}
			}
			if over {
				return answer(cmd.Context(), a, end(ofAccount(whose, "sessions")), func(w io.Writer, r api.Ended) {
					fmt.Fprintf(w, "%s is signed out, of %s\n", whose[strings.Index(whose, "/")+1:], count(r.Ended, "browser"))
				})
			}
			return a.listSessions(cmd.Context(), whose)
		},
	}
	cmd.Flags().BoolVar(&over, "end", false, "sign them out everywhere")
	return cmd
}

// listSessions lists where people are signed in: of NAME, HOUSEHOLD/NAME, or with "" of all.
func (a *app) listSessions(ctx context.Context, whose string) error {
	c, err := a.server()
	if err != nil {
		return err
	}
	household, name, both := strings.Cut(whose, "/")
	path := c.ofAll(household, "sessions")
	if !both {
		name, path = whose, c.ofAll("", "sessions")
	}
	all, err := pages[api.SignedIn](ctx, c, look(path))
	if err != nil {
		return running(err)
	}
	all = slices.DeleteFunc(all, func(s api.SignedIn) bool { return name != "" && !account.SameName(s.Name, name) })
	a.print(map[string]any{"sessions": all}, func(w io.Writer) { describeSessions(w, all) })
	return nil
}

func describeSessions(w io.Writer, all []api.SignedIn) {
	for _, s := range all {
		fmt.Fprintf(w, "%-32s %s, by %s, last used %s, ends %s\n", s.Household+"/"+s.Name, cmp.Or(s.Label, "a browser"), s.Means, s.Seen.Format("2006-01-02 15:04"), s.Ends().Format("2006-01-02 15:04"))
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "nobody is signed in")
	}
}
