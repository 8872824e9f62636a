package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is stamped by the linker: -X main.version=v1.2.3.
var version = ""

// build says which program this is.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild reads what the linker and the Go command stamped.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if stamp, ok := debug.ReadBuildInfo(); ok {
		for _, s := range stamp.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
		if b.Version == "" {
			b.Version = stamp.Main.Version
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is",
		Long:    "Say which version this is, from which commit it was built and for which platform.",
		Example: "  hearth version --json",
		Args:    exactly(0, "version takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			a.print(b, func(w io.Writer) {
				fmt.Fprintf(w, "hearth %s", b.Version)
				if b.Revision != "" {
					fmt.Fprintf(w, " (%.12s)", b.Revision)
				}
				fmt.Fprintf(w, ", %s, %s\n", b.Go, b.Platform)
			})
			return nil
		},
	}
}
