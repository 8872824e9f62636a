package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// ran is how a command line went.
type ran struct {
	code     int
	out, err string
}

// hearth runs a command line in this process, with a state folder of its own.
func hearth(t *testing.T, args ...string) ran {
	t.Helper()
	return hearthWith(t, []string{"HEARTH__STATE=" + t.TempDir()}, args...)
}

func hearthWith(t *testing.T, environ []string, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	a := app{out: &out, err: &err, environ: environ}
	code := a.run(context.Background(), args)
	return ran{code, out.String(), err.String()}
}

func TestExitCodes(t *testing.T) {
	good := writeConfig(t, "version: 1\n")
	broken := writeConfig(t, "nam: x\n")
	tests := []struct {
		name string
		args []string
		code int
		err  string // part of what is said on the error stream
	}{
		{"help", []string{"--help"}, 0, ""},
		{"no arguments", nil, 0, ""},
		{"version", []string{"version"}, 0, ""},
		{"completion", []string{"completion", "bash"}, 0, ""},
		{"good", []string{"check-config", good}, 0, ""},
		{"broken", []string{"check-config", broken}, 1, ""},
		{"missing", []string{"check-config", "no-such-file.yaml"}, 1, "start from config.example.yaml"},
		{"no file", []string{"check-config"}, 2, `run "hearth check-config --help"`},
		{"two files", []string{"check-config", good, good}, 2, "2 arguments given, 1 needed"},
		{"unknown command", []string{"serv"}, 2, "did you mean serve?"},
		{"unknown beneath lists", []string{"lists", "stat"}, 2, "did you mean stats?"},
		{"unknown flag", []string{"version", "--jsn"}, 2, "unknown flag: --jsn"},
		{"no name", []string{"explain"}, 2, "the NAME to explain"},
		{"two clients", []string{"explain", "--device", "x", "--client", "127.0.0.1", "example.com"}, 2, "exclude each other"},
		{"no server", []string{"explain", "example.com"}, 1, "start it with hearth serve, or add --config FILE"},
		{"no server for lists", []string{"lists", "stats"}, 1, "start it with hearth serve, or add --config FILE"},
		{"serve a broken file", []string{"serve", "--config", broken}, 1, `did you mean "name"?`},
		{"diff with a broken file", []string{"diff", good, broken}, 1, `did you mean "name"?`},
		{"no scenario", []string{"test"}, 2, "at least one needed"},
		{"missing scenario", []string{"test", "no-such-file.txtar"}, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := hearth(t, tt.args...)
			if r.code != tt.code {
				t.Errorf("exit %d, want %d\n%s%s", r.code, tt.code, r.out, r.err)
			}
			if !strings.Contains(r.err, tt.err) || tt.err == "" && r.err != "" {
				t.Errorf("the error stream says %q, want %q", r.err, tt.err)
			}
		})
	}
}

// TestHelp: every command says what it is, at length, and shows an example
// that begins with its own name.
func TestHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "completion" || c.Name() == "help" {
			return
		}
		if c.Short == "" || c.Long == "" || !strings.Contains(c.Example, strings.TrimSpace(c.CommandPath())) {
			t.Errorf("%s lacks a short, a long text or an example", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 81 {
				t.Errorf("%s: a line of its help is wider than a terminal: %q", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

// TestJSON: every command that prints something prints JSON with --json,
// errors too.
func TestJSON(t *testing.T) {
	broken := writeConfig(t, "nam: x\n")
	good := writeConfig(t, "version: 1\n")
	scenario := filepath.Join(writeFiles(t, map[string]string{"s.txtar": "-- expect --\npornhub.com, kim-tablet, , block\n"}), "s.txtar")
	for _, args := range [][]string{
		{"version"}, {"schema"}, {"check-config", good}, {"check-config", broken}, {"diff", good, good},
		{"test", scenario}, {"explain", "--config", good, "example.com"}, {"lists", "--config", good, "stats"},
		{"lists", "--config", good, "find", "pornhub.com"}, {"lists", "--config", good, "update"}, {"lists", "--config", good, "compile"},
		{"explain", "example.com"}, {"serve", "--config", broken}, {"check-config"},
	} {
		r := hearth(t, append(args, "--json")...)
		text := r.out
		if text == "" {
			text = r.err
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%v --json prints no JSON:\n%s", args, text)
		}
	}
}

func TestCheckConfigPrints(t *testing.T) {
	file := writeConfig(t, "nam: x\ncache: {size: 1}\n")
	r := hearth(t, "check-config", file)
	want := file + `:1:1: unknown key "nam" at the top level; did you mean "name"?` + "\n" +
		file + ":2:9: cache.size: 1 bytes are too few to be of use; write 1MiB or more\n" +
		file + ": refused, 2 errors; correct the lines above and check again\n"
	if r.out != want {
		t.Errorf("check-config prints\n%swant\n%s", r.out, want)
	}
	var result struct {
		OK     bool
		Errors []struct {
			File         string
			Line, Column int
			Message      string
		}
	}
	r = hearth(t, "check-config", "--json", file)
	if err := json.Unmarshal([]byte(r.out), &result); err != nil {
		t.Fatal(err)
	}
	if result.OK || len(result.Errors) != 2 || result.Errors[0].Line != 1 || result.Errors[0].Column != 1 || result.Errors[0].File != file {
		t.Errorf("check-config --json prints %+v, want two errors, the first at 1:1", result)
	}
}

// TestExplainOffline: the same answer as the server gives, without one, and
// it says so.
func TestExplainOffline(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"pornhub.com", "--device", "kim-tablet"}, []string{"block", "adult.porn", "profile child", "starter:adult.porn", "answered by offline"}},
		{[]string{"pornhub.com", "--member", "example-home/Alex"}, []string{"allow", "profile adult"}},
		{[]string{"instagram.com", "--client", "127.0.0.3"}, []string{"allow", "profile teen"}},
		{[]string{"example.com", "--at", "fri 21:05"}, []string{"Fri ", "21:05", "profile preteen"}},
	} {
		r := hearth(t, append([]string{"explain", "--config", exampleConfig}, tt.args...)...)
		for _, want := range tt.want {
			if !strings.Contains(r.out, want) {
				t.Errorf("explain %v does not say %q:\n%s%s", tt.args, want, r.out, r.err)
			}
		}
	}
}

// TestFirstStartShowsHints: the first start shows three commands also where no terminal is.
func TestFirstStartShowsHints(t *testing.T) {
	var out bytes.Buffer
	a := app{err: &out}
	l, err := load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !a.showsHints(l) || a.showsHints(&loaded{File: "config.yaml"}) || (&app{err: &out, json: true}).showsHints(l) {
		t.Error("what to try is shown without a configuration file, and into a file only then")
	}
	hints(&out, &l.Config, l.source())
	for _, want := range []string{"dig @127.0.0.1 -p 5300 pornhub.com A ", "dig @127.0.0.1 -p 5300 wikipedia.org A ", "curl -H 'Host: pornhub.com' http://127.0.0.1:8080/"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the hints lack %q:\n%s", want, out.String())
		}
	}
}

// TestExplainUsage: what cannot be understood is a mistake of usage that says
// what to write; somebody who does not exist is not.
func TestExplainUsage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"example.com", "--at", "someday"}, exitUsage, "fri 21:05"},
		{[]string{"example.com", "--at", "25:00"}, exitUsage, "25:00"},
		{[]string{"example.com", "--client", "notanip"}, exitUsage, "192.168.1.20"},
		{[]string{"a..b"}, exitUsage, "example.com"},
		{[]string{"example.com", "--member", "Kim"}, exitDone, "example-home/Kim"},
		{[]string{"example.com", "--member", "Nobody"}, exitRefused, "household/member"},
		{[]string{"example.com", "--type", "FOO"}, exitUsage, "write one of A, AAAA, "},
		{[]string{"example.com", "--type", "TYPE70000"}, exitUsage, "TYPE65"},
		{[]string{"example.com", "--type", "https"}, exitDone, "HTTPS"},
		{[]string{"example.com", "--type", "TYPE65"}, exitDone, "TYPE65"},
		{[]string{"example.com", "--device", "nobody"}, exitRefused, "nobody"},
	} {
		r := hearth(t, append([]string{"explain", "--config", exampleConfig}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.out+r.err, tt.want) {
			t.Errorf("explain %v: exit %d, %s%s; want %d and %q", tt.args, r.code, r.out, r.err, tt.code, tt.want)
		}
	}
	if r := hearth(t, "lists", "find", "--config", exampleConfig, "a..b"); r.code != exitUsage || !strings.Contains(r.err, "example.com") {
		t.Errorf("lists find a..b: exit %d, %s", r.code, r.err)
	}
}

// TestServerIsAsked: without --config the commands talk to the control
// socket, and pass on what the server says.
func TestServerIsAsked(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("device") == "nobody" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"detail":"no such device; write another","field":"device"}`))
			return
		}
		_, _ = w.Write([]byte(`{"name":"example.com","action":"allow","applied":true}`))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	environ := []string{"HEARTH__CONTROL=" + socket}
	if r := hearthWith(t, environ, "explain", "example.com"); r.code != 0 || !strings.Contains(r.out, "answered by the running server ("+socket+")") {
		t.Errorf("explain: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearthWith(t, environ, "explain", "--device", "nobody", "example.com"); r.code != 1 || !strings.Contains(r.err, "device: no such device; write another") {
		t.Errorf("explain for nobody: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

func TestScenarioCommand(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"hit.txtar":    "-- expect --\npornhub.com, kim-tablet, , block 10 adult.porn\npornhub.com, alex-laptop, , allow\n",
		"miss.txtar":   "-- expect --\npornhub.com, kim-tablet, , allow\n",
		"own.txtar":    "-- config.yaml --\nhouseholds:\n  - id: h\n    consent: {by: t, at: 2026-01-01}\n    members: [{name: Ann, band: teen}]\n-- lists/money.gambling.txt --\nbet.example\n-- expect --\nbet.example, h/Ann, , block\npornhub.com, h/Ann, , allow\n",
		"broken.txtar": "-- expectations --\n",
		"story.txtar":  "A story,\nthen the rows.\n\n-- lists/piracy.txt --\npirate.example\n-- expect --\n# a comment\npirate.example, kim-tablet, , block\npirate.example, kim-tablet, , allow\n",
		"nobody.txtar": "-- expect --\n\npornhub.com, nobody, , allow\n",
		"short.txtar":  "a story\n-- expect --\npornhub.com\n",
	})
	for _, tt := range []struct{ file, want string }{
		{"story.txtar", dir + "/story.txtar:9: pirate.example for kim-tablet: want allow, got block"},
		{"nobody.txtar", "expect: line 3 of the file: client \"nobody\""},
		{"short.txtar", "expect: line 3 of the file: "},
	} {
		if r := hearth(t, "test", dir+"/"+tt.file); r.code != 1 || !strings.Contains(r.out, tt.want) {
			t.Errorf("test %s: exit %d, want %q in\n%s%s", tt.file, r.code, tt.want, r.out, r.err)
		}
	}
	if r := hearth(t, "test", dir+"/hit.txtar", dir+"/own.txtar"); r.code != 0 || !strings.Contains(r.out, "hit.txtar: ok, 2 rows") || !strings.Contains(r.out, "own.txtar: ok, 2 rows") {
		t.Errorf("test: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearth(t, "test", dir+"/miss.txtar"); r.code != 1 || !strings.Contains(r.out, "want allow, got block") {
		t.Errorf("test of a miss: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearth(t, "test", dir+"/broken.txtar"); r.code != 1 || !strings.Contains(r.out, "cannot be run") {
		t.Errorf("test of a broken file: exit %d\n%s%s", r.code, r.out, r.err)
	}
}
