package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/spf13/cobra"
)

// whom are the flags by which a command says whom it concerns.
type whom struct{ parents.Who }

// flags adds those flags to a command; kinds are those of household, member and device that it takes.
func (s *whom) flags(cmd *cobra.Command, kinds ...string) {
	for _, kind := range kinds {
		switch kind {
		case "household":
			cmd.Flags().StringVar(&s.Household, kind, "", "`ID` of the household, where there are several")
		case "member":
			cmd.Flags().StringVar(&s.Member, kind, "", "for this person, `MEMBER` or HOUSEHOLD/MEMBER")
		case "device":
			cmd.Flags().StringVar(&s.Device, kind, "", "for this `DEVICE`, or HOUSEHOLD/DEVICE")
		}
	}
}

// ready splits HOUSEHOLD/MEMBER, and notes who asks.
func (s *whom) ready(a *app) parents.Who {
	w := s.Who
	for _, part := range []*string{&w.Member, &w.Device} {
		if household, name, both := strings.Cut(*part, "/"); both && (w.Household == "" || w.Household == household) {
			w.Household, *part = household, name
		}
	}
	w.By = cmp.Or(a.getenv("SUDO_USER"), a.getenv("USER"), parents.ByNobody)
	return w
}

// give splits HOUSEHOLD/MEMBER of whose a device is to be.
func (s *whom) give(to *parents.Assignment) {
	for i, m := range to.Members {
		if household, name, both := strings.Cut(m, "/"); both && (s.Household == "" || s.Household == household) {
			s.Household, to.Members[i] = household, name
		}
	}
}

// change has the running server do something.
func change(path string, body any) request {
	return request{method: http.MethodPost, path: path, body: body}
}

// look asks for something of a household, which arguments name if there are several.
func look(path string, household ...string) request {
	return request{method: http.MethodGet, path: path, query: url.Values{"household": {strings.Join(household, "")}}}
}

// answer prints what the running server answers.
func answer[T any](ctx context.Context, a *app, r request, describe func(io.Writer, T)) error {
	var result T
	if err := a.tell(ctx, r, &result); err != nil {
		return err
	}
	a.print(result, func(w io.Writer) { describe(w, result) })
	return nil
}

func (a *app) tell(ctx context.Context, r request, result any) error {
	c, err := a.server()
	if err != nil {
		return err
	}
	if err = c.call(ctx, r, result); errors.Is(err, errNoServer) {
		return fmt.Errorf("%w; what parents change is in force at once, so a server must run: start it with hearth serve", err)
	}
	return err
}

func (a *app) householdCommand() *cobra.Command {
	household := &cobra.Command{
		Use:   "household",
		Short: "Look at households, move them into the store, confirm birthdays",
		Long: `Look at households, and at who changed what. A household has one owner: the
configuration, where it is changed by hand, or the store, where it can be
changed while the server runs.`,
		Example: "  hearth household show\n  hearth household confirm example-home/Kim\n  hearth household adopt example-home",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	household.AddCommand(a.householdListCommand(), a.householdShowCommand(), a.householdExportCommand(), a.householdAdoptCommand(),
		a.householdReplaceCommand(), a.householdConfirmCommand(), a.householdAuditCommand())
	return household
}

func (a *app) householdListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the households", Long: "List the households with who owns them, their people and how much is in force.",
		Example: "  hearth household list --json",
		Args:    exactly(0, "list takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd.Context(), a, look("/v1/household"), func(w io.Writer, r portal.Households) {
				for _, h := range r.Households {
					fmt.Fprintf(w, "%s: %s, %s, %d in force, owned by %s\n", h.ID, count(len(h.Members), "member"), count(h.Devices, "device"), len(h.Acts), owner(h))
				}
			})
		},
	}
}

func owner(h parents.Household) string {
	if h.Owner == parents.OwnerYAML {
		return h.Place
	}
	return fmt.Sprintf("the store (revision %d)", h.Revision)
}

func (a *app) householdShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [HOUSEHOLD]", Short: "Show who belongs to a household, and what is in force", Long: "Show the people of a household with their bands, who waits for a confirmation,\nwhat is left of the day's minutes, and what people did that is in force.",
		Example: "  hearth household show example-home",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look("/v1/household/show", args...), describeHousehold)
		},
	}
}

func describeHousehold(w io.Writer, h parents.Household) {
	fmt.Fprintf(w, "%s, owned by %s, %s, it is %s there (%s)\n", h.ID, owner(h), count(h.Devices, "device"), h.Now.Format("Mon 15:04"), h.Timezone)
	if h.Moving != "" {
		fmt.Fprintf(w, "  moving: %s\n", h.Moving)
	}
	for _, m := range h.Members {
		fmt.Fprintf(w, "  %-20s %-8s profile %s", m.Name, m.Band, m.Profile)
		if m.PIN {
			fmt.Fprint(w, ", has a PIN")
		}
		if m.Waits != "" {
			fmt.Fprintf(w, ", had a birthday: hearth household confirm %s/%s makes it %s", h.ID, m.Name, m.Waits)
		}
		fmt.Fprint(w, map[string]string{"window": ", bedtime", "pause": ", paused", "quota": ", no minutes left"}[m.Stopped])
		if !m.StoppedUntil.IsZero() {
			fmt.Fprint(w, m.StoppedUntil.Format(" until Mon 15:04"))
		}
		fmt.Fprintln(w)
		for _, q := range m.Quotas {
			fmt.Fprintf(w, "  %-20s %s: %d of %d minutes today, as counted from the names asked for\n", "", q.Of, q.Used, q.Limit)
		}
	}
	describeActs(w, h.Acts)
}

func (a *app) householdExportCommand() *cobra.Command {
	var release bool
	cmd := &cobra.Command{
		Use: "export HOUSEHOLD", Short: "Write the definition of a household of the store as YAML",
		Long: `Write the definition of a household of the store as YAML, as one file of
households_dir. With --release it goes back to the configuration: the store
serves it until the configuration names it, and drops it in that moment.`,
		Example: "  hearth household export example-home > example-home.yaml",
		Args:    exactly(1, "the HOUSEHOLD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := struct {
				parents.Who
				Release bool `json:"release"`
			}{(&whom{parents.Who{Household: args[0]}}).ready(a), release}
			return answer(cmd.Context(), a, change("/v1/household/export", body), func(w io.Writer, r portal.Definition) {
				fmt.Fprintf(w, "%s%d\n%s", revisionLine, r.Revision, r.Definition)
			})
		},
	}
	cmd.Flags().BoolVar(&release, "release", false, "give it back to the configuration, once that names it")
	return cmd
}

// revisionLine begins what export writes, and replace reads.
const revisionLine = "# revision "

func (a *app) householdAdoptCommand() *cobra.Command {
	return &cobra.Command{
		Use: "adopt {HOUSEHOLD | FILE}", Short: "Move a household from the configuration into the store",
		Long: `Move a household into the store, where it can be changed while the server
runs: one that the configuration names, by its id, or one that is new, from a
YAML file with the keys of an item of households.

The first takes two steps, and is never absent or there twice. This command
prepares it; then delete it from the configuration. With the reload that
follows the store takes over what the configuration said last.`,
		Example: "  hearth household adopt example-home\n  hearth household adopt grandma.yaml",
		Args:    exactly(1, "the HOUSEHOLD or a FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := &whom{parents.Who{Household: args[0]}}
			text, err := os.ReadFile(args[0])
			switch {
			case err == nil:
				who.Household = ""
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
			return answer(cmd.Context(), a, change("/v1/household/adopt", definition{Who: who.ready(a), Definition: string(text)}), describeAdopted)
		},
	}
}

// definition is a household as it is sent.
type definition struct {
	parents.Who
	Definition string `json:"definition"`
	Revision   uint64 `json:"revision,omitempty"`
}

func describeAdopted(w io.Writer, r parents.Adopted) {
	if r.InForce {
		fmt.Fprintf(w, "the household %s is in force, and the store's (revision %d)\n", r.Household, r.Revision)
		return
	}
	fmt.Fprintf(w, "the household %s is ready to move. Now delete it from the configuration, the item that begins at\n  %s\nor that file, if it is one of households_dir. The store takes over with the reload that follows.\n", r.Household, r.Place)
}

func (a *app) householdReplaceCommand() *cobra.Command {
	var revision uint64
	cmd := &cobra.Command{
		Use: "replace FILE", Short: "Change the definition of a household of the store",
		Long: `Change the definition of a household of the store to what FILE says. The
change is refused if somebody else was faster: the revision on the first line,
as export writes it, or --revision must be the present one.`,
		Example: "  hearth household export example-home > home.yaml\n  hearth household replace home.yaml",
		Args:    exactly(1, "the FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			line, _, _ := bytes.Cut(text, []byte("\n"))
			if written, found := strings.CutPrefix(strings.TrimSpace(string(line)), revisionLine); found && revision == 0 {
				revision, _ = strconv.ParseUint(written, 10, 64)
			}
			if revision == 0 {
				return usageError{errors.New("nothing says which revision this changes; leave the first line as export wrote it, or add --revision N")}
			}
			body := definition{Who: (&whom{}).ready(a), Definition: string(text), Revision: revision}
			return answer(cmd.Context(), a, change("/v1/household/replace", body), describeHousehold)
		},
	}
	cmd.Flags().Uint64Var(&revision, "revision", 0, "the `REVISION` that this changes")
	return cmd
}

func (a *app) householdConfirmCommand() *cobra.Command {
	return &cobra.Command{
		Use: "confirm HOUSEHOLD/MEMBER", Short: "Put a member into the age band that the birthday has brought",
		Long:    "Put a member into the age band that the birthday has brought. Until somebody\ndoes, the band before holds. At 18 the controls end by themselves.",
		Example: "  hearth household confirm example-home/Kim",
		Args:    exactly(1, "HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := (&whom{parents.Who{Member: args[0]}}).ready(a)
			return answer(cmd.Context(), a, change("/v1/household/confirm", who), func(w io.Writer, m parents.Person) {
				fmt.Fprintf(w, "%s is in the band %s now\n", m.Name, m.Band)
			})
		},
	}
}

func (a *app) householdAuditCommand() *cobra.Command {
	return &cobra.Command{
		Use: "audit [HOUSEHOLD]", Short: "Say who changed what, in the last 90 days",
		Long:    "Say who changed what in a household in the last 90 days, the latest first.\nNames of sites are there only where a parent wrote them.",
		Example: "  hearth household audit example-home",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look("/v1/household/audit", args...), func(w io.Writer, r portal.Changes) {
				for _, c := range r.Changes {
					fmt.Fprintln(w, describeChange(c))
				}
				if len(r.Changes) == 0 {
					fmt.Fprintf(w, "nobody has changed anything in %s\n", r.Household)
				}
			})
		},
	}
}

func describeChange(c portal.Change) string {
	text := c.At.Format("2006-01-02 15:04") + "  " + cmp.Or(c.By, "-") + ": " + c.What
	if who := cmp.Or(c.Member, c.Device); who != "" {
		text += ", " + who
	}
	if c.Detail != "" {
		text += ", " + c.Detail
	}
	if !c.Until.IsZero() {
		text += ", until " + c.Until.Format("2006-01-02 15:04")
	}
	return text
}
