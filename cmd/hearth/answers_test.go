package main

import (
	"strings"
	"testing"
)

func TestValidateAnswers(t *testing.T) {
	const page = "https://family.example/dns"
	for _, c := range []struct {
		answers AnswersConfig
		path    string // of the one thing that is wrong
	}{
		{AnswersConfig{}, ""},
		{AnswersConfig{InfoURL: page, Structured: StructuredConfig{Option: 65001, Contact: []string{"mailto:a@family.example", "tel:+4930123"}, Organization: "Us"}}, ""},
		{AnswersConfig{InfoURL: "http://family.example/"}, "answers.info_url"},
		{AnswersConfig{InfoURL: "family.example"}, "answers.info_url"},
		{AnswersConfig{InfoURL: page + strings.Repeat("x", 222)}, "answers.info_url"}, // 248
		{AnswersConfig{InfoURL: page + strings.Repeat("x", 221)}, ""},
		{AnswersConfig{Structured: StructuredConfig{Option: 15}}, "answers.structured.option"},
		{AnswersConfig{Structured: StructuredConfig{Contact: []string{"mailto:a@b.example", "https://family.example"}}}, "answers.structured.contact[1]"},
		{AnswersConfig{Structured: StructuredConfig{Contact: []string{"mailto:"}}}, "answers.structured.contact[0]"},
		{AnswersConfig{Structured: StructuredConfig{Contact: []string{"mailto:" + strings.Repeat("a", 200)}}}, "answers.structured.contact"},
		{AnswersConfig{Structured: StructuredConfig{Organization: strings.Repeat("a", 81)}}, "answers.structured.organization"},
	} {
		r := &report{at: &places{}}
		(&Config{Answers: c.answers}).validateAnswers(r)
		got := ""
		for _, p := range r.found {
			got += p.Path
		}
		if got != c.path {
			t.Errorf("%+v: %q, want %q: %v", c.answers, got, c.path, r.found)
		}
	}
}
