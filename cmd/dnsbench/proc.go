//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// usage returns what the server has used so far: user and system time in
// seconds, and its memory now in KiB.
func (r *running) usage() (cpu float64, rss int, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the CPU time of %s: %w", r.name, err)
	}
	if cpu, err = cpuTime(string(stat)); err != nil {
		return 0, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the memory of %s: %w", r.name, err)
	}
	return cpu, memory(string(status)), nil
}

// cpuTime returns the user and system time of a process from its stat file
// (proc(5)). The kernel tells it in hundredths of a second, far below what a
// round takes.
func cpuTime(stat string) (float64, error) {
	rest := stat[strings.LastIndexByte(stat, ')')+1:] // the name may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading CPU time: %q has too few fields", stat)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	return float64(user+system) / 100, nil
}

// memory returns RssAnon + RssFile of a status file, in KiB.
func memory(status string) int {
	sum := 0
	for line := range strings.Lines(status) {
		for _, key := range []string{"RssAnon:", "RssFile:"} {
			if v, ok := strings.CutPrefix(line, key); ok {
				n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
				sum += n
			}
		}
	}
	return sum
}
