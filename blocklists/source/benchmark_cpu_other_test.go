//go:build !unix

package source

import (
	"testing"
	"time"
)

var programStart = time.Now()

// cpuTime stands in with the time of the clock.
func cpuTime(testing.TB) time.Duration { return time.Since(programStart) }
