package portal

import "github.com/hearthdns/hearth/blocklists/help"

// talk lists the rows of a country with a number to call, those that take every call first. In a crisis only those
// count: a line for trouble on the internet would send somebody in need away.
func talk(table help.Table, country string, crisis bool) []help.Row {
	var anything, online []help.Row
	for _, row := range table {
		switch {
		case !row.Verified() || !row.Serves(country) || row.Call() == "" || !row.Is(help.ChildHelpline):
		case row.Is(help.OnlineSafety):
			online = append(online, row)
		default:
			anything = append(anything, row)
		}
	}
	if crisis {
		return anything
	}
	return append(anything, online...)
}

// report lists where illegal content can be reported in a country; where no hotline of its own is known, those that
// lead to every country's.
func report(table help.Table, country string) []help.Row {
	var rows, anywhere []help.Row
	for _, row := range table {
		switch {
		case !row.Verified() || row.Name == "" || !row.Is(help.AbuseHotline):
		case row.Serves(country):
			rows = append(rows, row)
		case row.Serves(help.World):
			anywhere = append(anywhere, row)
		}
	}
	if len(rows) > 0 {
		return rows
	}
	return anywhere
}

// emergency is the number of the emergency services of a country, "" where no source was read.
func emergency(table help.Table, country string) string {
	for _, row := range table {
		if row.Verified() && row.Name == "" && row.Is(help.Emergency) && row.Serves(country) {
			return row.Call()
		}
	}
	return ""
}
