package main

import "github.com/spf13/cobra"

// groups are the headings of the help.
func groups() []*cobra.Group {
	return []*cobra.Group{
		{ID: "family", Title: "For parents:"},
		{ID: "names", Title: "Names and lists:"},
		{ID: "server", Title: "The server and its configuration:"},
	}
}

// commands are all commands of the program.
func (a *app) commands() []*cobra.Command {
	var all []*cobra.Command
	group := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
		}
		all = append(all, commands...)
	}
	group("family",
		a.pauseCommand(),
		a.filterCommand(),
		a.grantCommand(),
		a.requestsCommand(),
		a.memberCommand(),
		a.deviceCommand(),
		a.activityCommand(),
		a.householdCommand(),
		a.accountCommand(),
		a.enrolCommand(),
	)
	group("names",
		a.explainCommand(),
		a.simulateCommand(),
		a.scenarioCommand(),
		a.listsCommand(),
		a.reportsCommand(),
		a.cacheCommand(),
	)
	group("server",
		a.serveCommand(),
		a.checkCommand(),
		a.networkCommand(),
		a.diffCommand(),
		a.dnrCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.exportCommand(),
		a.schemaCommand(),
		a.versionCommand(),
	)
	return all
}
