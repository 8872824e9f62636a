package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/portal"
	"github.com/spf13/cobra"
)

// explained is an explanation with who gave it.
type explained struct {
	AnsweredBy string `json:"answered_by"`
	portal.Explanation
}

func (a *app) explainCommand() *cobra.Command {
	query := make(map[string]*string)
	var id, household string
	cmd := &cobra.Command{
		Use:   "explain {NAME | --id ID}",
		Short: "Say what happens to a name, and why",
		Long: `Say what happens to a name, step by step in the order of decisions: which
category, which list, which rule, until when. Without --client, --device or
--member it is asked for 127.0.0.1. Nobody upstream is asked, so a block by what
the answer leads to, a name behind a CNAME or an address in a network that is
listed, is not told of here. The rules of addresses that would be asked are.

With --id it says what the id of a decision means that somebody reads off a
page or an answer, and when it was made: the reason, and neither the name nor
whose it was unless the household lets support see them (households[].support).
That it was looked at stands in the household's audit.

The running server is asked on its control socket. With --config FILE the
answer is worked out offline from that file and the lists in the state folder.`,
		Example: `  hearth explain --device kim-tablet example.com
  hearth explain --member example-home/Kim --at "fri 21:05" example.com
  hearth explain --id 10.fun.games-0123abcd-4567cdef --household example-home
  hearth explain --config config.yaml --client 192.168.1.20 --type AAAA example.com`,
		Args: func(cmd *cobra.Command, args []string) error {
			if id != "" {
				return exactly(0, "--id says what is meant, without a NAME")(cmd, args)
			}
			return exactly(1, "the NAME to explain")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if id != "" {
				return answer(cmd.Context(), a, look(at(household, "decisions", inBrackets(id))), describeDecision)
			}
			if given := *query["client"] + *query["device"] + *query["member"]; given != cmp.Or(*query["client"], *query["device"], *query["member"]) {
				return usageError{errors.New("--client, --device and --member exclude each other; give one of them")}
			}
			if err := knownType(*query["type"]); err != nil {
				return usageError{err}
			}
			values := url.Values{"name": {args[0]}}
			for name, value := range query {
				if *value != "" {
					values.Set(name, *value)
				}
			}
			return a.explain(cmd.Context(), values)
		},
	}
	flag := func(name, usage string) { query[name] = cmd.Flags().String(name, "", usage) }
	flag("client", "for the client with this `ADDRESS`; \"id:ID\" or \"ADDRESS id:ID\" as encrypted DNS tells a device's id")
	flag("device", "for this `DEVICE`, or HOUSEHOLD/DEVICE")
	flag("member", "for this person, `MEMBER` or HOUSEHOLD/MEMBER")
	flag("type", "query `TYPE` (default A)")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(queryTypes(), cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	cmd.Flags().StringVar(&id, "id", "", "what this `ID` of a decision means, as the page or the answer has it")
	cmd.Flags().StringVar(&household, "household", "", "with --id: in this `HOUSEHOLD`, where there are several")
	flag("at", "`TIME`: \"fri 21:05\", \"21:05\" or RFC 3339 (default now)")
	return cmd
}

// inBrackets is what stands in brackets at the end, as the text of an answer has an id (RFC 8914), or the whole.
func inBrackets(text string) string {
	if _, id, found := strings.Cut(text, "["); found {
		return strings.TrimSuffix(strings.TrimSpace(id), "]")
	}
	return text
}

func describeDecision(w io.Writer, d portal.Decision) {
	fmt.Fprintf(w, "%s: step %d, %s\n", d.ID, d.Step, d.StepName)
	if d.Category != "" {
		fmt.Fprintf(w, "  category   %s\n", d.Category)
	}
	versions := "not in force any more"
	if d.InForce {
		versions = "in force"
	}
	fmt.Fprintf(w, "  versions   policy %s, lists %s: %s\n", d.Policy, d.Lists, versions)
	for _, b := range d.Blocks {
		text := fmt.Sprintf("  %s  %s, for the band %s", b.At.Format("Mon 15:04"), count(b.Count, "block"), b.Band)
		for _, part := range []string{b.Category, b.Member, b.Device, b.Name} {
			if part != "" {
				text += ", " + part
			}
		}
		fmt.Fprintln(w, text)
	}
	if len(d.Blocks) == 0 {
		fmt.Fprintln(w, "  nothing of this household had it in 24 hours, as far as is remembered")
	}
}

func (a *app) explain(ctx context.Context, query url.Values) error {
	c, err := a.reach()
	if err != nil {
		return err
	}
	result := explained{AnsweredBy: c.where}
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/explain", query: query}, &result.Explanation); err != nil {
		return err
	}
	a.print(result, result.describe)
	return nil
}

func (e explained) describe(w io.Writer) {
	fmt.Fprintf(w, "%s %s for %s at %s\n", e.Name, e.Type, e.who(), e.At.Format("Mon 2006-01-02 15:04 MST"))
	verdict := e.Action
	if !e.Applied && e.StepName != "" {
		verdict += " (observed, not applied)"
	}
	fmt.Fprintf(w, "  %s: %s\n", verdict, e.Answer)
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-10s %s\n", label, value)
		}
	}
	line("category", e.Category)
	line("all", strings.Join(e.Categories, ", "))
	line("rule", e.Rule)
	if !e.Until.IsZero() {
		line("until", e.Until.Format(time.RFC3339))
	}
	line("id", e.ID)
	for _, l := range e.Lists {
		what := "listed in"
		if l.Exception {
			what = "excepted in"
		}
		line(what, fmt.Sprintf("%s line %d: %s (%s)", l.Source, l.Line, l.Entry, strings.Join(l.Categories, ", ")))
	}
	if len(e.Steps) > 0 {
		fmt.Fprintln(w, "  steps")
	}
	for _, s := range e.Steps {
		fmt.Fprintf(w, "    %2d %-10s %-6s %s\n", s.Step, s.Name, s.Verdict, s.Detail)
	}
	fmt.Fprintf(w, "  answered by %s\n", e.AnsweredBy)
}

// who names the client as well as it is known.
func (e explained) who() string {
	var words []string
	if e.Household != "" {
		words = append(words, e.Household)
	}
	for _, part := range []string{e.Member, e.Device, e.Client} {
		if part != "" {
			words = append(words, part)
		}
	}
	text := strings.Join(words, "/")
	if e.Profile == "" {
		return text + " (" + e.Status + ")"
	}
	profile := e.Profile
	if e.Band != "" && e.Band != e.Profile {
		profile += ", " + e.Band
	}
	return fmt.Sprintf("%s (%s, profile %s)", text, e.Status, profile)
}
