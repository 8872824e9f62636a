package api_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCurl runs the examples of docs/api.md that are for this machine, as they stand there.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t)
	h.write(strings.Split(families, "households:")[0])
	state := t.TempDir()
	stop := socket(t, h, filepath.Join(state, "control.sock"))
	examples := regexp.MustCompile(`(?m)^curl --unix-socket .*$`).FindAllString(string(page), -1)
	if len(examples) < 4 {
		t.Fatalf("there are %d examples", len(examples))
	}
	for _, example := range examples {
		run := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", strings.ReplaceAll(example, "Kim", "Mia")+" --silent --show-error --fail-with-body") //nolint:gosec // from the page
		run.Env = append(os.Environ(), "STATE="+state)
		out, err := run.CombinedOutput()
		if err != nil || !json.Valid(out) {
			t.Errorf("%s: %v\n%s", example, err, out)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
