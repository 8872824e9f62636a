package policy_test

import (
	"os"
	"path/filepath"
	"testing"
	_ "time/tzdata" // the machine may have no zones

	"github.com/hearthdns/hearth/policy"
)

// TestScenarios plays every story of testdata.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Errorf("%d scenarios, want at least 30", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := policy.ParseScenario(text)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Expect) == 0 || s.Story == "" {
				t.Fatal("a scenario needs a story and expectations")
			}
			misses, err := s.Run(t.Context(), policy.CompileConfig{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range misses {
				t.Error(m)
			}
		})
	}
}
