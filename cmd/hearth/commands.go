package main

import "github.com/spf13/cobra"

// commands are all commands of the program, in the order of its help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.checkCommand(),
		a.schemaCommand(),
		a.versionCommand(),
	}
}
