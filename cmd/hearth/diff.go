package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// diffResult is what changes from one configuration to another.
type diffResult struct {
	Old      string    `json:"old"` // hashes
	New      string    `json:"new"`
	Settings []setting `json:"settings"`
	People   []effect  `json:"people"`
}

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a new configuration changes, and for whom",
		Long: `Compare two configuration files. First come the keys that differ, with a note
where a change needs a restart; then, for each person, each device and the
unknown devices of each household, which profile changes and which categories
are newly blocked or no longer blocked. Nothing is changed.`,
		Example: "  hearth diff /etc/hearth/config.yaml config.new.yaml",
		Args:    exactly(2, "the OLD and the NEW configuration file"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.diff(args[0], args[1]) },
	}
}

func (a *app) diff(oldFile, newFile string) error {
	was, err := load(oldFile, a.environ)
	if err != nil {
		return err
	}
	now, err := load(newFile, a.environ)
	if err != nil {
		return err
	}
	result, err := compare(was, now)
	if err != nil {
		return err
	}
	a.print(result, result.describe)
	return nil
}

// compare says what changes between two configurations that are both right.
func compare(was, now *loaded) (diffResult, error) {
	result := diffResult{Old: was.Hash(), New: now.Hash(), People: []effect{}}
	result.Settings = append([]setting{}, compareSettings(&was.Config, &now.Config)...)
	if len(result.Settings) == 0 {
		return result, nil
	}
	before, err := newJudge(&was.Config)
	if err != nil {
		return result, err
	}
	after, err := newJudge(&now.Config)
	if err != nil {
		return result, err
	}
	result.People = append(result.People, compareEffects(before, after)...)
	return result, nil
}

func (r diffResult) describe(w io.Writer) {
	if len(r.Settings) == 0 {
		fmt.Fprintf(w, "nothing changes (hash %s)\n", r.New)
		return
	}
	fmt.Fprintf(w, "hash %s -> %s\n\nWhat is written differently:\n", r.Old, r.New)
	for _, s := range r.Settings {
		fmt.Fprintf(w, "  %s\n", s)
	}
	if len(r.People) == 0 {
		fmt.Fprintln(w, "\nNobody's profile or categories change.")
		return
	}
	fmt.Fprintln(w, "\nWhat it means for whom:")
	for _, e := range r.People {
		fmt.Fprintf(w, "  %s\n", e)
	}
}
