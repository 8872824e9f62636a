package main

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// supervisor tells systemd how the service is; without systemd it does
// nothing.
type supervisor struct{ log *slog.Logger }

func (s supervisor) ready()    { s.send(daemon.SdNotifyReady) }
func (s supervisor) stopping() { s.send(daemon.SdNotifyStopping) }

// reloading must be followed by ready.
func (s supervisor) reloading() {
	s.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

func (s supervisor) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd could not be told of the state", "error", err)
	}
}
