package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// checkResult is what check-config found.
type checkResult struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Hash     string   `json:"hash,omitempty"`
	Errors   problems `json:"errors"`
	More     int      `json:"more_errors,omitempty"` // beyond those shown
	Warnings problems `json:"warnings"`
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config FILE",
		Short: "Check a configuration file",
		Long: `Check a configuration file and the household files that it includes. All
mistakes are reported at once (of more than 100 the first 100), each with file,
line and column and with what to write instead. Nothing is opened but these
files, and in the state folder the list of households that the store owns: the
configuration must not name them. Warnings do not refuse the file. Files of
lists that are missing, and files of secrets that are missing, empty or readable
for others, are told as warnings: it may not be the machine of the server.`,
		Example: "  hearth check-config /etc/hearth/config.yaml",
		Args:    exactly(1, "the configuration FILE"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.check(args[0]) },
	}
}

func (a *app) check(file string) error {
	result := checkResult{File: file, Errors: problems{}, Warnings: problems{}}
	l, judged, err := loadAnyway(file, a.environ)
	switch {
	case err == nil:
		result.judge(a, l)
	case !errors.As(err, &result.Errors):
		return err
	case judged:
		r := &report{at: l.at}
		l.Config.warnFiles(r)
		result.Warnings = r.found
	}
	result.Errors, result.More = result.Errors.shown()
	a.print(result, result.describe)
	if !result.OK {
		return errReported
	}
	return nil
}

// judge adds what only shows beside the store, and what is worth a second look.
func (r *checkResult) judge(a *app, l *loaded) {
	twice, warnings := a.checkOwners(l)
	r.Warnings = append(r.Warnings, a.newer(l, warnings)...)
	if r.Errors = append(r.Errors, twice...); len(r.Errors) == 0 {
		r.OK, r.Hash = true, l.Hash()
	}
}

func (r checkResult) describe(w io.Writer) {
	for _, p := range r.Errors {
		fmt.Fprintln(w, p)
	}
	if r.More > 0 {
		fmt.Fprintln(w, andMore(r.More))
	}
	for _, p := range r.Warnings {
		fmt.Fprintf(w, "%v (warning)\n", p)
	}
	if r.OK {
		fmt.Fprintf(w, "%s: ok, hash %s, %s\n", r.File, r.Hash, count(len(r.Warnings), "warning"))
		return
	}
	fmt.Fprintf(w, "%s: refused, %s; correct the lines above and check again\n", r.File, count(len(r.Errors)+r.More, "error"))
}

// count gives "1 error", "2 errors".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
