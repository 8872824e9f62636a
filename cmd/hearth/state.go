package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// systemState is the state folder of a system service.
const systemState = "/var/lib/hearth"

// stateDir gives the folder of everything that the program keeps: the
// configured one, else /var/lib/hearth where it can be used, else the
// person's own XDG state folder.
func (a *app) stateDir(c *Config) (string, error) {
	if c.State != "" {
		return filepath.Abs(c.State)
	}
	if os.Geteuid() == 0 || writable(systemState) {
		return systemState, nil
	}
	if dir := a.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hearth"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("choosing the state folder: %w; write `state:` in the configuration", err)
	}
	return filepath.Join(home, ".local", "state", "hearth"), nil
}

// writable tries to make a file in dir.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// makeState creates the state folder, readable by its owner alone.
func makeState(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state folder: %w; write a folder that this user may write as `state:`, or set HEARTH__STATE", err)
	}
	return nil
}

// controlPath gives the path of the control socket.
func controlPath(c *Config, state string) string {
	if c.Control != "" {
		return c.Control
	}
	return filepath.Join(state, "control.sock")
}
