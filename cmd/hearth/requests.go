package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/spf13/cobra"
)

func (a *app) requestsCommand() *cobra.Command {
	requests := &cobra.Command{
		Use:   "requests",
		Short: "Answer what children ask for",
		Long: `See what children ask for on the page of a blocked site or at ask.NAME, and
answer it: yes for a while, or no with a word. The child sees the answer at
once, and what was granted is open with the next question. Without an answer a
request expires after a week; 30 days after its answer it is deleted.`,
		Example: "  hearth requests list\n  hearth requests approve k3j5m7pq --for 30m\n  hearth requests decline k3j5m7pq --word \"after dinner\"",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	requests.AddCommand(a.requestsListCommand(), a.requestsShowCommand(), a.requestsApproveCommand(), a.requestsDeclineCommand(), a.requestsLetterCommand())
	return requests
}

func (a *app) requestsListCommand() *cobra.Command {
	who, closed, page := &whom{}, false, paged{most: 100}
	list := &cobra.Command{
		Use: "list", Short: "List what children ask for, the latest first",
		Long:    "List the requests that wait for an answer, the latest first; with --closed also\nthose that were answered, taken back, or expired.",
		Example: "  hearth requests list\n  hearth requests list --member Kim --closed",
		Args:    exactly(0, "list takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			of := who.ready()
			ask, err := page.look(at(of.Household, "requests"), map[string]string{"member": of.Member, "closed": strconv.FormatBool(closed)})
			if err != nil {
				return err
			}
			return answer(cmd.Context(), a, ask, func(w io.Writer, found api.Page[parents.Request]) {
				for i := range found.Items {
					fmt.Fprintln(w, describeRequest(&found.Items[i]))
				}
				if len(found.Items) == 0 {
					fmt.Fprintln(w, "no request waits for an answer")
				}
				sayMore(w, found.Next)
			})
		},
	}
	who.flags(list, "household", "member")
	list.Flags().BoolVar(&closed, "closed", false, "those that are closed too")
	page.flags(list)
	return list
}

// describeRequest tells a request on one line.
func describeRequest(r *parents.Request) string {
	text := fmt.Sprintf("  %-8s  %s  %s asks for %s", r.ID, r.At.Format("Mon 15:04"), cmp.Or(r.Member, r.Device), wanted(r))
	if r.Mistake {
		text += ", which is blocked by mistake"
	}
	if r.Word != "" {
		text += fmt.Sprintf(": %q", r.Word)
	}
	return text + " (" + string(r.Status) + ")"
}

// wanted is what a request is for.
func wanted(r *parents.Request) string {
	switch {
	case r.Name == "":
		return "more time"
	case r.Category != "":
		return r.Name + " [" + r.Category + "]"
	}
	return r.Name
}

func (a *app) requestsShowCommand() *cobra.Command {
	who := &whom{}
	show := &cobra.Command{
		Use: "show ID", Short: "Show a request and its answers", Long: "Show one request with what blocked the site, and with the answers to it.", Example: "  hearth requests show k3j5m7pq",
		Args: exactly(1, "the ID of the request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look(at(who.Household, "requests", args[0])), showRequest)
		},
	}
	who.flags(show, "household")
	return show
}

func showRequest(w io.Writer, r parents.Request) {
	fmt.Fprintln(w, strings.TrimSpace(describeRequest(&r)))
	if r.Name != "" {
		fmt.Fprintf(w, "  blocked by: %s; a yes grants %s %s\n", r.Step, r.Kind, r.Value)
	}
	for _, v := range r.Answers {
		text := "no"
		if v.For != "" {
			text = "yes, for " + v.For
		}
		fmt.Fprintf(w, "  %s %s: %s", v.At.Format(time.DateTime), cmp.Or(v.By, v.Role), text)
		if v.Word != "" {
			fmt.Fprintf(w, ", %q", v.Word)
		}
		fmt.Fprintln(w)
	}
	if r.Note != "" {
		fmt.Fprintln(w, r.Note)
	}
}

func (a *app) requestsApproveCommand() *cobra.Command {
	who, v := &whom{}, parents.Verdict{}
	approve := &cobra.Command{
		Use: "approve ID --for {30m | 1h | today | always}", Short: "Say yes for a while",
		Long:    "Grant what a request asks for: for 30 minutes, for an hour, until the end of\nthe day, or always. It lifts what it names and nothing else.",
		Example: "  hearth requests approve k3j5m7pq --for 30m\n  hearth requests approve k3j5m7pq --for today --word \"have fun\"",
		Args:    exactly(1, "the ID of the request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change(at(who.Household, "requests", args[0], "answer"), v), func(w io.Writer, r parents.Request) {
				fmt.Fprintln(w, describeYes(&r))
				if r.Note != "" {
					fmt.Fprintln(w, r.Note)
				}
			})
		},
	}
	who.flags(approve, "household")
	approve.Flags().StringVar(&v.For, "for", "", "for how `LONG`: 30m, 1h, today or always")
	approve.Flags().StringVar(&v.Word, "word", "", "what the child reads with it, at most 280 characters")
	return approve
}

// describeYes is what a yes did.
func describeYes(r *parents.Request) string {
	what, whose := wanted(r), cmp.Or(r.Member, r.Device)
	switch {
	case r.Status == parents.Half:
		return "you have said yes; another parent has to say so too"
	case !r.Until.IsZero():
		return fmt.Sprintf("%s is granted to %s until %s", what, whose, r.Until.Format("Mon 15:04"))
	case r.Grant == "": // a rule, as its note says
		return fmt.Sprintf("%s is allowed for %s from now on", what, whose)
	}
	return fmt.Sprintf("%s is granted to %s until somebody revokes it", what, whose)
}

func (a *app) requestsDeclineCommand() *cobra.Command {
	who, v := &whom{}, parents.Verdict{Decline: true}
	decline := &cobra.Command{
		Use: "decline ID --word WHY", Short: "Say no, with a word", Long: "Say no to a request. The child reads it kindly put, with your word.",
		Example: "  hearth requests decline k3j5m7pq --word \"let us look at it together\"",
		Args:    exactly(1, "the ID of the request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, change(at(who.Household, "requests", args[0], "answer"), v), func(w io.Writer, r parents.Request) {
				fmt.Fprintf(w, "%s has been told no\n", cmp.Or(r.Member, r.Device))
			})
		},
	}
	who.flags(decline, "household")
	decline.Flags().StringVar(&v.Word, "word", "", "what the child reads with it, at most 280 characters")
	return decline
}

func (a *app) requestsLetterCommand() *cobra.Command {
	who := &whom{}
	letter := &cobra.Command{
		Use: "letter ID", Short: "Write to the maker of a list what your child says is a mistake",
		Long:    "Write what the maker of a list is to be told about a site that your child says\nis blocked by mistake. It has the name of the site, its category and the list,\nand nothing of you; you send it.",
		Example: "  hearth requests letter k3j5m7pq",
		Args:    exactly(1, "the ID of the request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look(at(who.Household, "requests", args[0], "letter")), func(w io.Writer, b tickets.Bundle) {
				fmt.Fprintf(w, "%s\n%s\n\n%s\n", cmp.Or(b.Tracker, b.Homepage, b.List), b.Issue.Title, b.Issue.Text)
			})
		},
	}
	who.flags(letter, "household")
	return letter
}
