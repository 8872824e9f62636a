package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"syscall"
)

// opening wraps the failure to open a socket with what to do about it.
func opening(what string, at netip.AddrPort, err error) error {
	advice := "choose another address or port in the configuration"
	switch {
	case errors.Is(err, fs.ErrPermission):
		advice = "grant it with `setcap cap_net_bind_service=+ep` on the program, use the systemd socket unit in deploy/, or choose a port above 1023"
	case errors.Is(err, syscall.EADDRINUSE):
		advice = "another program has this port (`ss -lntup` names it); stop that one or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "this machine has no such address; write one of its own (`ip addr` lists them), or 0.0.0.0 and :: for all"
	}
	return fmt.Errorf("opening %s on %s: %w; %s", what, at, err, advice)
}
