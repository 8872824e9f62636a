package main

import "github.com/spf13/cobra"

// commands are all commands of the program.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.serveCommand(),
		a.checkCommand(),
		a.diffCommand(),
		a.scenarioCommand(),
		a.simulateCommand(),
		a.explainCommand(),
		a.enrolCommand(),
		a.dnrCommand(),
		a.listsCommand(),
		a.cacheCommand(),
		a.pauseCommand(),
		a.filterCommand(),
		a.grantCommand(),
		a.deviceCommand(),
		a.householdCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.exportCommand(),
		a.schemaCommand(),
		a.versionCommand(),
	}
}
