//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// surroundings are what the figures depend on and hold for: the kind of machine,
// never its name.
type surroundings struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Names  int    `json:"names"` // on the block list
	Load   string `json:"load"`  // averages of the last 1, 5 and 15 minutes before the run
}

func environment(names int) surroundings {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	load, _ := os.ReadFile("/proc/loadavg")
	s := surroundings{
		CPU: cpuModel(string(cpus)), CPUs: runtime.NumCPU(), Go: runtime.Version(), Names: names,
		Kernel: leadingNumber(string(kernel)),
	}
	if f := strings.Fields(string(load)); len(f) >= 3 {
		s.Load = strings.Join(f[:3], " ")
	}
	return s
}

// cpuModel returns the model of the first processor, or the architecture.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// leadingNumber is a kernel's version without what its builder put behind it.
func leadingNumber(version string) string {
	end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(version)
	}
	return version[:end]
}

func (s surroundings) write(w io.Writer) {
	fmt.Fprintf(w, "%s, %d cores, Linux %s, %s, %d names on the block list; load averages before the run %s.\n", s.CPU, s.CPUs, s.Kernel, s.Go, s.Names, s.Load)
}
