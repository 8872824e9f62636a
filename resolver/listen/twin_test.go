package listen_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen"
)

// singlyEnv makes start serve with the portable twin.
const singlyEnv = "HEARTH_TEST_SINGLY"

// twin returns cfg for the twin under test.
func twin(cfg listen.Config) listen.Config {
	if os.Getenv(singlyEnv) != "" {
		return listen.Singly(cfg)
	}
	return cfg
}

// TestPortableTwin runs every other test on the twin that Linux does not choose.
func TestPortableTwin(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getenv(singlyEnv) != "" {
		t.Skip("this is the portable twin")
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.short="+map[bool]string{true: "true", false: "false"}[testing.Short()])
	c.Env = append(os.Environ(), singlyEnv+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
