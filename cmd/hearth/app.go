package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes of every command.
const (
	exitDone    = 0
	exitRefused = 1
	exitUsage   = 2
)

// app is what the commands share: where they write and what they were told
// for all of them.
type app struct {
	out, err io.Writer
	environ  []string

	json   bool
	config string
	remote elsewhere
}

// usageError is a mistake in how a command was called.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errReported ends a command that has said itself why it failed.
var errReported = errors.New("already reported")

// run carries out one command line and gives its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitRefused
	}
	code := exitRefused
	if errors.As(err, new(usageError)) {
		code = exitUsage
		err = fmt.Errorf("%w; run \"%s --help\" for how it is used", err, cmd.CommandPath())
	}
	a.complain(err)
	return code
}

// complain writes an error for a person, or with --json for a program.
func (a *app) complain(err error) {
	if !a.json {
		fmt.Fprintf(a.err, "hearth: %v\n", err)
		return
	}
	var found problems
	if errors.As(err, &found) {
		first, more := found.shown()
		a.encode(a.err, map[string]any{"error": "the configuration is refused", "errors": first, "more_errors": more})
		return
	}
	a.encode(a.err, map[string]any{"error": err.Error()})
}

// print writes a result: as JSON with --json, else by human.
func (a *app) print(result any, human func(w io.Writer)) {
	if a.json {
		a.encode(a.out, result)
		return
	}
	human(a.out)
}

func (a *app) encode(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		fmt.Fprintf(a.err, "hearth: writing JSON: %v\n", err)
	}
}

// getenv reads one variable of the app's environment.
func (a *app) getenv(name string) string {
	for _, entry := range a.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// load reads the configuration that --config or HEARTH_CONFIG names.
func (a *app) load() (*loaded, error) {
	file := a.config
	if file == "" {
		file = a.getenv("HEARTH_CONFIG")
	}
	return load(file, a.environ)
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hearth",
		Short: "A DNS resolver for families",
		Long: `Hearth is a DNS resolver for families. It checks every query against the
household's age profiles and a set of category blocklists, answers blocked
names with the address of a page that says why, and resolves the rest.

Every command takes --json. Exit codes: 0 done, 1 refused or failed, 2 usage.`,
		Example: `  hearth serve                            # the example household on 127.0.0.1:5300
  hearth check-config config.yaml
  hearth explain --device kim-tablet example.com`,
		PersistentPreRunE: nothingMeant,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              noSuchCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print the result as JSON")
	flags.StringVar(&a.config, "config", "", "configuration `FILE` (default $HEARTH_CONFIG, else the built-in example)")
	a.remote.flags(flags)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddGroup(groups()...)
	root.AddCommand(a.commands()...)
	return root
}

// noSuchCommand refuses arguments where a command is expected.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{errors.New(text)}
}

// exactly asks for n arguments, which usage names.
func exactly(n int, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%d arguments given, %d needed: %s", len(args), n, usage)}
		}
		return nil
	}
}

// atMostOne asks for one argument or none.
func atMostOne(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%d arguments given, one at most: write %q alone", len(args), args[0])}
	}
	return nil
}

// nothingMeant refuses who and until when that are written and empty, such as a variable of a script that is not set: it
// would be the whole house, or for ever.
func nothingMeant(cmd *cobra.Command, _ []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.String() == "" && slices.Contains([]string{"household", "member", "device", "for", "until"}, f.Name) {
			err = usageError{fmt.Errorf("--%s is empty; write it, or leave --%[1]s out", f.Name)}
		}
	})
	return err
}

// atLeastOne asks for one argument or more, which usage names.
func atLeastOne(usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("nothing given, at least one needed: %s", usage)}
		}
		return nil
	}
}
