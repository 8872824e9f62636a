package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRouterRulesLoad holds that the rules for routers in limits.md are ones that nftables takes, also a second time.
func TestRouterRulesLoad(t *testing.T) {
	_, behind, found := strings.Cut(string(read(t, "docs/limits.md")), "```nft\n")
	rules, _, closed := strings.Cut(behind, "```\n")
	if !found || !closed {
		t.Fatal("docs/limits.md has no rules in ```nft")
	}
	for _, program := range []string{"nft", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s on this machine", program)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("a network of its own needs root")
	}
	file := filepath.Join(t.TempDir(), "hearth.nft")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	load := exec.Command("unshare", "--net", "sh", "-ec", `nft -f "$1"; nft -f "$1"; nft list table inet hearth`, "sh", file)
	out, err := load.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, chain := range []string{"ask_hearth", "come_back", "refuse_others"} {
		if strings.Count(string(out), "chain "+chain+" {") != 1 {
			t.Errorf("the table has no chain %s, or twice:\n%s", chain, out)
		}
	}
}
