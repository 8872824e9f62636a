package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// householdsDir gives the absolute directory of household files, "" for none.
// A relative one is relative to the configuration file.
func (l *loaded) householdsDir() string {
	dir := l.Config.HouseholdsDir
	if dir == "" || filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(filepath.Dir(l.File), dir)
}

// householdFiles lists the household files of a directory, sorted: every
// *.yaml and *.yml that is not hidden.
func householdFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(files)
	return files, nil
}

// include appends the households of households_dir, one a file, with the
// keys of an item of `households`.
func (l *loaded) include() problems {
	dir := l.householdsDir()
	if dir == "" {
		return nil
	}
	files, err := householdFiles(dir)
	if err != nil {
		return problems{{place: l.at.of("households_dir"), Path: "households_dir", Text: err.Error() + "; give a readable directory of household files, or remove the key"}}
	}
	var found problems
	for _, file := range files {
		found = append(found, l.includeFile(file)...)
	}
	return found
}
