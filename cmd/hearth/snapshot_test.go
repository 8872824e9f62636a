package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnswersAreReplacedWhole: what cannot be written leaves the last snapshot as it was, and
// nothing beside it.
func TestAnswersAreReplacedWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answers.snapshot")
	put := func(text string, fault error) error {
		_, err := replaceAnswers(file, func(w io.Writer) (int, error) {
			_, _ = io.WriteString(w, text)
			return 1, fault
		})
		return err
	}
	if err := put("one", nil); err != nil {
		t.Fatal(err)
	}
	if err := put("two", io.ErrShortWrite); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a fault: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "one" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v; want mode 0600", info, err)
	}
	if err := os.WriteFile(unfinished(file), []byte("a killed process wrote this"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put("one", nil); err != nil {
		t.Fatal(err)
	}
	if all, _ := filepath.Glob(file + "*"); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}
	if _, err := readAnswers(file, 2); err == nil || !strings.Contains(err.Error(), "larger than the cache") {
		t.Errorf("a file over the limit: %v", err)
	}
}

func TestCacheSettings(t *testing.T) {
	for text, want := range map[string]string{
		"min_ttl: 2h":                "cache.min_ttl: write a duration from 1s to 1h",
		"max_failure_ttl: 6m":        "cache.max_failure_ttl: write a duration from 1s to 5m",
		"stale: {for: 200h}":         "cache.stale.for: write a duration from 1s to 168h",
		"stale: {after: 1m}":         "cache.stale.after: write a duration",
		"stale: {ttl: 1h}":           "cache.stale.ttl: write a duration",
		"prefetch: -1":               "cache.prefetch: write a number",
		"{min_ttl: 2m, max_ttl: 1m}": "cache.min_ttl: write a duration that is not longer",
	} {
		body := "cache: {" + strings.Trim(text, "{}") + "}\n"
		if strings.HasPrefix(text, "stale") {
			body = "cache: {" + text + "}\n"
		}
		r := hearth(t, "check-config", writeConfig(t, body))
		if r.code != exitRefused || !strings.Contains(r.out+r.err, want) {
			t.Errorf("%s: exit %d\n%s%s\nwant %q", text, r.code, r.out, r.err, want)
		}
	}
}
