package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestPauseIsTold: a parent's pause reaches the program of the configuration at once, with the device's address, and its
// end as well.
func TestPauseIsTold(t *testing.T) {
	s := example(t, newUpstream(t))
	told := s.dir + "/told"
	s.write(strings.Replace(s.read(), "  command: []", `  command: [/bin/sh, -c, "cat >> `+told+`; echo >> `+told+`"]`, 1))
	s.start()
	wait := func(what, event string) {
		t.Helper()
		s.eventually(what, func() bool {
			text, _ := os.ReadFile(told)
			for line := range strings.Lines(string(text)) {
				var e struct {
					Event, What, Why, Household, Device, Member, From, Until string
					Addresses                                                []string
				}
				if json.Unmarshal([]byte(line), &e) == nil && e.Event == event && e.What == "all" && e.Why == "pause" && e.Household == "example-home" &&
					e.Device == "kim-tablet" && e.Member == "Kim" && strings.Join(e.Addresses, " ") == "127.0.0.2" && e.From != "" && (e.Until != "") == (event == "stop") {
					return true
				}
			}
			return false
		})
	}
	s.must("pause", "--member", "Kim", "--for", "30m")
	wait("tells of the pause", "stop")
	s.must("pause", "end", "--member", "Kim")
	wait("tells of its end", "go")
}
