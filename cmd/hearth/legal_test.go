package main

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists/register"
)

func TestPublicListIsNoLegalList(t *testing.T) {
	known, err := register.Open()
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]bool{known.Lists()[0].URL: true, "http://feeds.example/list": false} {
		text := "version: 1\nlists:\n  sources:\n    - {name: court, url: \"" + url + "\", format: domains, token_file: /token, categories: [illegal.order]}\n"
		refused := strings.Contains(strings.Join(refusals(t, text), "\n"), "everybody can read this list")
		if refused != want {
			t.Errorf("%s: refused %v, want %v", url, refused, want)
		}
	}
}
