package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/spf13/cobra"
)

// choice says which lists of the catalogue are meant.
type choice struct{ preset, category string }

// isAbout reports whether a category is the wanted one, or beneath it.
func (c choice) isAbout(category string) bool {
	return category == c.category || strings.HasPrefix(category, c.category+".")
}

func (a *app) catalogCommand() *cobra.Command {
	var only choice
	cmd := &cobra.Command{
		Use:   "catalog [NAME...]",
		Short: "Show the public lists that there are",
		Long: `Show the catalogue of public lists that is part of this program: what each is
about, how large, for which ages, and under which licence. With NAMEs everything
that is known of those, and where it was read. Nothing is fetched.

Presets are sets of lists to begin with: balanced, strict, light.`,
		Example: "  hearth lists catalog\n  hearth lists catalog --category money.gambling\n  hearth lists catalog --preset light\n  hearth lists catalog urlhaus",
		RunE:    func(_ *cobra.Command, args []string) error { return a.showCatalog(only, args) },
	}
	cmd.Flags().StringVar(&only.preset, "preset", "", "only the lists of this `PRESET`: balanced, strict, light")
	cmd.Flags().StringVar(&only.category, "category", "", "only lists about this `CATEGORY`, such as adult.porn, or beneath it")
	return cmd
}

func (a *app) addCommand() *cobra.Command {
	var only choice
	cmd := &cobra.Command{
		Use:   "add [NAME...]",
		Short: "Print lists of the catalogue as YAML to paste",
		Long: `Print lists of the catalogue, or all of a preset, as they have to stand in the
configuration beneath lists.sources. The program never writes your file: paste
what is printed, and the running server takes it over.`,
		Example: "  hearth lists add urlhaus\n  hearth lists add --preset balanced",
		RunE:    func(_ *cobra.Command, args []string) error { return a.addLists(only, args) },
	}
	cmd.Flags().StringVar(&only.preset, "preset", "", "the lists of this `PRESET`: balanced, strict, light")
	return cmd
}

// catalogResult is what the catalogue has of what was asked for.
type catalogResult struct {
	Presets []presetRow  `json:"presets"`
	Lists   []catalogRow `json:"lists"`
}

type presetRow struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Why   string   `json:"why"`
	Lists []string `json:"lists"`
}

type catalogRow struct {
	Name       string              `json:"name"`
	Title      string              `json:"title"`
	Publisher  string              `json:"publisher"`
	Family     string              `json:"family"`
	URL        string              `json:"url"`
	Format     string              `json:"format"`
	Categories []string            `json:"categories"`
	Licence    string              `json:"licence"`
	Homepage   string              `json:"homepage"`
	Names      int                 `json:"names,omitempty"` // as last seen; not there: not counted
	Size       string              `json:"size"`
	Ages       []string            `json:"ages"`
	Note       string              `json:"note,omitempty"`
	Sources    []register.Document `json:"sources"`
}

func (a *app) showCatalog(only choice, names []string) error {
	known, err := register.Open()
	if err != nil {
		return err
	}
	lists, err := only.of(known, names)
	if err != nil {
		return err
	}
	var r catalogResult
	for _, l := range lists {
		r.Lists = append(r.Lists, catalogRow{
			Name: l.Name, Title: l.Title, Publisher: l.Publisher, Family: l.Family, URL: l.URL, Format: l.Format,
			Categories: l.Subjects(), Licence: l.Licence, Homepage: l.Homepage, Names: l.Names, Size: string(l.Size),
			Ages: l.Ages, Note: l.Note, Sources: l.Sources,
		})
	}
	for _, p := range known.Presets() {
		row := presetRow{Name: p.Name, Title: p.Title, Why: p.Why}
		for _, l := range known.Chosen(p) {
			row.Lists = append(row.Lists, l.Name)
		}
		r.Presets = append(r.Presets, row)
	}
	a.print(r, func(w io.Writer) {
		if len(names) > 0 {
			r.details(w)
		} else {
			r.table(w)
		}
	})
	return nil
}

// of picks the lists that are meant, in the order of the catalogue.
func (c choice) of(known *register.Register, names []string) ([]register.List, error) {
	lists := known.Lists()
	if c.preset != "" {
		p, ok := known.Preset(c.preset)
		if !ok {
			return nil, usageError{fmt.Errorf("no preset is called %q: write balanced, strict or light", c.preset)}
		}
		lists = known.Chosen(p)
	}
	for _, name := range names {
		if _, ok := known.List(name); !ok {
			return nil, usageError{fmt.Errorf("no list of the catalogue is called %q; hearth lists catalog shows all names", name)}
		}
	}
	lists = slices.DeleteFunc(lists, func(l register.List) bool {
		return len(names) > 0 && !slices.Contains(names, l.Name) || c.category != "" && !slices.ContainsFunc(l.Subjects(), c.isAbout)
	})
	switch {
	case len(lists) == 0 && c.category == "":
		return nil, errors.New("the catalogue has no such list; hearth lists catalog shows all")
	case len(lists) == 0:
		return nil, fmt.Errorf("the catalogue has no such list about %q; hearth lists catalog shows all, with their categories", c.category)
	}
	return lists, nil
}

// table shows a line a list.
func (r catalogResult) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSIZE\tAGES\tLICENCE\tCATEGORIES")
	for _, l := range r.Lists {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.Size, agesOf(l.Ages), l.Licence, strings.Join(l.Categories, " "))
	}
	t.Flush()
	fmt.Fprintln(w)
	for _, p := range r.Presets {
		fmt.Fprintf(w, "preset %s, %s (%s): %s\n", p.Name, p.Title, count(len(p.Lists), "list"), p.Why)
	}
	fmt.Fprintln(w, "\nhearth lists catalog NAME tells all of a list, hearth lists add NAME prints it as YAML to paste.")
}

// agesOf shortens a row of bands: "little..adult" where none between them is left out.
func agesOf(bands []string) string {
	all := []string{"little", "child", "preteen", "teen", "young", "adult", "things"}
	people := slices.DeleteFunc(slices.Clone(bands), func(b string) bool { return b == "things" })
	text := strings.Join(people, ",")
	if n := len(people); n > 2 && slices.Index(all, people[n-1])-slices.Index(all, people[0]) == n-1 {
		text = people[0] + ".." + people[n-1]
	}
	if len(people) == len(bands) {
		return text
	}
	return strings.TrimPrefix(text+",things", ",")
}

// details shows everything of each list.
func (r catalogResult) details(w io.Writer) {
	for i, l := range r.Lists {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s, by %s\n", l.Name, l.Title, l.Publisher)
		names := l.Size
		if l.Names > 0 {
			names = fmt.Sprintf("%s, %d names when it was read", l.Size, l.Names)
		}
		for _, row := range [][2]string{
			{"address", l.URL}, {"format", l.Format}, {"categories", strings.Join(l.Categories, ", ")}, {"size", names},
			{"ages", strings.Join(l.Ages, ", ")}, {"licence", l.Licence}, {"homepage", l.Homepage}, {"note", l.Note},
		} {
			if row[1] != "" {
				fmt.Fprintf(w, "  %-10s  %s\n", row[0], row[1])
			}
		}
		for _, d := range l.Sources {
			fmt.Fprintf(w, "  %-10s  %s (%s)\n", "read in", d.Text, d.Date)
		}
	}
}

// additions is YAML to paste.
type additions struct {
	YAML string `json:"yaml"`
}

func (a *app) addLists(only choice, names []string) error {
	if (len(names) == 0) == (only.preset == "") {
		return usageError{errors.New("name lists, or a --preset, not both; hearth lists catalog shows them")}
	}
	known, err := register.Open()
	if err != nil {
		return err
	}
	lists, err := only.of(known, names)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("lists:\n  sources:\n")
	for _, l := range lists {
		b.WriteString(register.YAML(l))
	}
	a.print(additions{YAML: b.String()}, func(w io.Writer) { fmt.Fprint(w, b.String()) })
	return nil
}
