package e2e

import (
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCommandsObeySignals: a command that does not serve leaves SIGINT and
// SIGTERM to the system, which ends it whatever it is doing.
func TestCommandsObeySignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		socket := filepath.Join(t.TempDir(), "c.sock")
		silent, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		cmd := exec.Command(binary, "explain", "example.com")
		cmd.Env = []string{"HEARTH__CONTROL=" + socket, "HEARTH__STATE=" + t.TempDir()}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := silent.Accept() // it is asking, and waits for ever
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != sig {
			t.Errorf("after %v the command ended with %v, want to be ended by the signal", sig, cmd.ProcessState)
		}
	}
}
