package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Make, list and end the tokens of programs",
		Long:    "Make, list and end the tokens by which programs use the API. A token has one or\nmore scopes, one household or all, and a last day within a year. Scopes:\n" + scopeWords(),
		Example: "  hearth account token new \"home automation\" --scope grants:write --until 2027-01-31\n  hearth account token list",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.tokenNewCommand(), a.tokenListCommand(), a.tokenEndCommand())
	return cmd
}

// scopeWords lists the scopes on lines of help.
func scopeWords() string {
	var b strings.Builder
	for i, s := range account.Scopes() {
		switch {
		case i > 0 && i%4 == 0:
			b.WriteString(",\n")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

func (a *app) tokenNewCommand() *cobra.Command {
	var scopes []string
	var household, until string
	var all bool
	cmd := &cobra.Command{
		Use: "new NAME --scope SCOPE --until DAY [--household ID | --all]", Short: "Make a token; it is shown once",
		Long: `Make a token for a program: NAME says what it is for. It is shown once, and
kept as a hash alone, so copy it at once. --all makes it good for every
household; the scopes operate, lists:write, reports:read and reports:write need
that.`,
		Example: "  hearth account token new \"home automation\" --scope grants:write --scope requests:read --until 2027-01-31\n  hearth account token new monitoring --all --scope operate --until 2027-01-31",
		Args:    exactly(1, "the NAME, which says what the token is for"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(scopes) == 0:
				return usageError{fmt.Errorf("what it may do is missing; add --scope, one or more of %s", strings.ReplaceAll(scopeWords(), ",\n", ", "))}
			case until == "":
				return usageError{errors.New("its last day is missing; add --until, such as " + time.Now().AddDate(0, 3, 0).Format(time.DateOnly))}
			case all && household != "":
				return usageError{errors.New("write --household or --all, not both")}
			}
			if all {
				household = account.Operators
			}
			body := struct {
				Name   string   `json:"name"`
				Scopes []string `json:"scopes"`
				Until  string   `json:"until"`
			}{args[0], scopes, until}
			return answer(cmd.Context(), a, change(at(household, "tokens"), body), func(w io.Writer, t api.Bearer) {
				fmt.Fprintf(w, "%s\n\nIt is not shown again. %s\n", t.Bearer, describeToken(t.Token))
			})
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "it may do this `SCOPE`; more than once for several")
	cmd.Flags().StringVar(&until, "until", "", "its last `DAY`, within a year, as 2027-01-31")
	cmd.Flags().StringVar(&household, "household", "", "`ID` of the household, where there are several")
	cmd.Flags().BoolVar(&all, "all", false, "it is good for all households")
	return cmd
}

// describeToken tells a token on one line.
func describeToken(t account.Token) string {
	where := t.Household
	if t.All {
		where = "all households"
	}
	scopes := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = string(s)
	}
	text := fmt.Sprintf("%s  %s, for %s: %s, by %s, until %s", t.ID[:min(8, len(t.ID))], t.Name, where, strings.Join(scopes, " "), t.By, t.Until.Format("2006-01-02 15:04"))
	if !t.Seen.IsZero() {
		text += ", last used " + t.Seen.Format("2006-01-02 15:04")
	}
	return text
}

func (a *app) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [HOUSEHOLD]", Short: "List the tokens that are good", Long: "List the tokens that are good: of a household, of the operators (operators), or\nall.",
		Example: "  hearth account token list",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.server()
			if err != nil {
				return err
			}
			all, err := pages[account.Token](cmd.Context(), c, look(c.ofAll(strings.Join(args, ""), "tokens")))
			if err != nil {
				return running(err)
			}
			a.print(map[string]any{"tokens": all}, func(w io.Writer) {
				for _, t := range all {
					fmt.Fprintln(w, describeToken(t))
				}
				if len(all) == 0 {
					fmt.Fprintln(w, "there are no tokens")
				}
			})
			return nil
		},
	}
}

func (a *app) tokenEndCommand() *cobra.Command {
	return &cobra.Command{
		Use: "end ID", Short: "End a token", Long: "End a token. The list shows how its ID begins.", Example: "  hearth account token end h4kq7b2e",
		Args: exactly(1, "the ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := find(cmd.Context(), a, "tokens", args[0], func(t account.Token) string { return t.ID })
			if err != nil {
				return err
			}
			return answer(cmd.Context(), a, end(at(one.Household, "tokens", one.ID)), func(w io.Writer, t account.Token) {
				fmt.Fprintf(w, "the token %s has ended\n", t.Name)
			})
		},
	}
}
