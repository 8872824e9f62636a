//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage returns what the server has used so far: user and system time in
// seconds, and its memory now in KiB.
func (r *running) usage() (cpu float64, rss int, err error) {
	pid := r.cmd.Process.Pid
	if cpu, err = cpuTime(pid); err != nil {
		return 0, 0, fmt.Errorf("reading the CPU time of %s: %w", r.name, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the memory of %s: %w", r.name, err)
	}
	return cpu, kib(string(status), "RssAnon:") + kib(string(status), "RssFile:"), nil
}

// cpuTime returns the user and system time of a process by its own clock, which
// counts nanoseconds where /proc/PID/stat counts hundredths of a second
// (clock_getcpuclockid(3)).
func cpuTime(pid int) (float64, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()).Seconds(), nil
}

// kib returns a size of a status file (proc(5)), 0 where it is not told.
func kib(status, key string) int {
	_, rest, _ := strings.Cut(status, "\n"+key)
	size, _, _ := strings.Cut(rest, "kB")
	n, _ := strconv.Atoi(strings.TrimSpace(size))
	return n
}
