package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
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

// ready splits HOUSEHOLD/MEMBER.
func (s *whom) ready() parents.Who {
	w := s.Who
	for _, part := range []*string{&w.Member, &w.Device} {
		if household, name, both := strings.Cut(*part, "/"); both && (w.Household == "" || w.Household == household) {
			w.Household, *part = household, name
		}
	}
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
			all, err := list[parents.Household](cmd.Context(), a, look("/v1/households"))
			if err != nil {
				return err
			}
			a.print(map[string]any{"households": all}, func(w io.Writer) {
				for _, h := range all {
					fmt.Fprintf(w, "%s: %s, %s, %d in force, owned by %s\n", h.ID, count(len(h.Members), "member"), count(h.Devices, "device"), len(h.Acts), owner(h))
				}
			})
			return nil
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
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd.Context(), a, look(at(strings.Join(args, ""))), describeHousehold)
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
			ask := look(at(args[0], "definition"))
			if release {
				ask = change(at(args[0], "release"), nil)
			}
			return answer(cmd.Context(), a, ask, func(w io.Writer, r api.Definition) {
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
			ask := change(at(args[0], "adopt"), nil)
			text, err := os.ReadFile(args[0])
			switch {
			case err == nil:
				ask = change("/v1/households", map[string]string{"definition": string(text)})
			case !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("%w; write the HOUSEHOLD of the configuration, or a FILE that can be read", err)
			}
			return answer(cmd.Context(), a, ask, describeAdopted)
		},
	}
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
				return fmt.Errorf("%w; write the FILE that hearth household export wrote", err)
			}
			line, _, _ := bytes.Cut(text, []byte("\n"))
			if written, found := strings.CutPrefix(strings.TrimSpace(string(line)), revisionLine); found && revision == 0 {
				revision, _ = strconv.ParseUint(written, 10, 64)
			}
			if revision == 0 {
				return usageError{errors.New("nothing says which revision this changes; leave the first line as export wrote it, or add --revision N")}
			}
			id, err := idOf(text)
			if err != nil {
				return err
			}
			body := api.Definition{Definition: string(text), Revision: revision}
			return answer(cmd.Context(), a, request{method: http.MethodPut, path: at(id, "definition"), body: body}, describeHousehold)
		},
	}
	cmd.Flags().Uint64Var(&revision, "revision", 0, "the `REVISION` that this changes")
	return cmd
}

// idOf reads the id of a household out of its definition; what else is wrong with that the server says.
func idOf(definition []byte) (string, error) {
	var of struct{ ID string }
	if err := yaml.Unmarshal(definition, &of); err != nil || of.ID == "" {
		return "", usageError{errors.New("this is not the definition of a household: write its id on a line of its own, as export does")}
	}
	return of.ID, nil
}

func (a *app) householdConfirmCommand() *cobra.Command {
	return &cobra.Command{
		Use: "confirm HOUSEHOLD/MEMBER", Short: "Put a member into the age band that the birthday has brought",
		Long:    "Put a member into the age band that the birthday has brought. Until somebody\ndoes, the band before holds. At 18 the controls end by themselves.",
		Example: "  hearth household confirm example-home/Kim",
		Args:    exactly(1, "HOUSEHOLD/MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := (&whom{parents.Who{Member: args[0]}}).ready()
			return answer(cmd.Context(), a, change(at(who.Household, "members", who.Member, "confirm"), nil), func(w io.Writer, m parents.Person) {
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
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := list[api.Change](cmd.Context(), a, look(at(strings.Join(args, ""), "audit")))
			if err != nil {
				return err
			}
			a.print(map[string]any{"changes": all}, func(w io.Writer) {
				for _, c := range all {
					fmt.Fprintln(w, describeChange(c))
				}
				if len(all) == 0 {
					fmt.Fprintln(w, strings.TrimSpace("nobody has changed anything "+strings.Join(args, "")))
				}
			})
			return nil
		},
	}
}

func describeChange(c api.Change) string {
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
