package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/prometheus/client_golang/prometheus"
)

// testServer makes a server without sockets of a configuration, with the
// buffer of its log and the file of its configuration.
func testServer(t *testing.T, text string) (*server, *bytes.Buffer, string) {
	t.Helper()
	file := writeConfig(t, text)
	environ := []string{"HEARTH__STATE=" + t.TempDir()}
	l, err := load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	level := new(slog.LevelVar)
	s, err := newServer(&app{environ: environ, err: &out}, l, newLog(&out, l.Config.Log, level), level)
	if err != nil {
		t.Fatal(err)
	}
	return s, &out, file
}

const family = `
resolve: {upstreams: [192.0.2.1]}
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: BAND}]
    devices: [{name: tablet, member: Kim, addresses: [10.0.0.2]}]
`

func withBand(band string) string { return strings.Replace(family, "BAND", band, 1) }

func bandOf(t *testing.T, s *server, addr string) string {
	t.Helper()
	p := s.directory().Identify(mustAddr(t, addr)).Profile
	if p == nil {
		t.Fatalf("%s has no profile", addr)
	}
	return p.Band().String()
}

// TestNoPolicyWithoutItsConfiguration: in the moment in which a World serves, pages and parents are judged by its
// configuration, not by the one before.
func TestNoPolicyWithoutItsConfiguration(t *testing.T) {
	s, _, file := testServer(t, withBand("child"))
	write(t, file, withBand("teen"))
	next, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.work.Lock()
	defer s.work.Unlock()
	if err := s.swap(next, s.stock); err != nil {
		t.Fatal(err)
	}
	if people, _ := s.written(); bandOf(t, s, "10.0.0.2") != "teen" || people.Households[0].Members[0].Band != "teen" {
		t.Errorf("the band is %s, and that of the configuration %s", bandOf(t, s, "10.0.0.2"), people.Households[0].Members[0].Band)
	}
}

// TestReload: a good file takes over with one line of log, a broken one
// changes nothing, and both can be seen from outside.
func TestReload(t *testing.T) {
	s, log, file := testServer(t, withBand("child"))
	s.compileMissing(context.Background())
	first := s.config.Load().Hash()
	views := s.resolver.World().Upstreams

	write(t, file, withBand("teen"))
	log.Reset()
	done, err := s.reload(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if bandOf(t, s, "10.0.0.2") != "teen" {
		t.Error("the new band is not in force")
	}
	if done.Old != first || done.New == first || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("reload says %+v and logs\n%s", done, log)
	}
	for _, want := range []string{"old=" + first, "new=" + done.New, "changed=households[].members[].band"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log line lacks %q: %s", want, log)
		}
	}
	if s.resolver.World().Upstreams == views {
		t.Error("the routes were not compiled for the new World")
	}

	write(t, file, withBand("tean"))
	log.Reset()
	if _, err := s.reload(context.Background(), "test"); err == nil {
		t.Error("a broken file is taken over")
	}
	if !strings.Contains(log.String(), file+":7:27: households[0].members[0].band: hearth check-config says") {
		t.Errorf("the log does not say where the file is broken and who says what to write:\n%s", log)
	}
	if bandOf(t, s, "10.0.0.2") != "teen" || s.config.Load().Hash() != done.New {
		t.Error("the last good configuration does not serve on")
	}
	if got := scrape(t, &s.record); got["hearth_config_last_reload_success"] != 0 || got[`hearth_config_info{hash="`+done.New+`"}`] != 1 {
		t.Errorf("after a refused reload the gauges are %v", got)
	}
	if state := (control{s}).Status(context.Background()); state.Config.Hash != done.New || !strings.Contains(state.Config.Refused, ":7:27: ") {
		t.Errorf("the status says %+v", state.Config)
	}

	write(t, file, withBand("teen"))
	log.Reset()
	if _, err := s.reload(context.Background(), "test"); err != nil || !strings.Contains(log.String(), "changed=nothing") {
		t.Errorf("a file that is as good as before is not logged: %v, %s", err, log)
	}
	log.Reset()
	if _, err := s.reload(context.Background(), "test"); err != nil || log.Len() > 0 {
		t.Errorf("a reload without a change logs %s, %v", log, err)
	}

	write(t, file, withBand("young"))
	if _, err := s.reload(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	if got := scrape(t, &s.record); got["hearth_config_last_reload_success"] != 1 {
		t.Errorf("after a good reload the gauges are %v", got)
	}
}

// TestLogNamesNobody: neither a reload nor a refused one puts a name that
// people chose into the log.
func TestLogNamesNobody(t *testing.T) {
	s, log, file := testServer(t, withBand("child"))
	for i, change := range []string{
		strings.NewReplacer("Kim", "Secretname", "tablet", "Secretdevice", "home\n", "secrethome\n").Replace(withBand("child")),
		withBand("teen") + "    rules: [{name: secretsite.example, action: deny}]\nprofiles: [{name: Secretprofile, band: teen}]\n",
		withBand("teen") + "    rules: [{name: secretsite..example, action: deny}]\nprofiles: [{name: Secretprofile, band: 7}]\nlisten: [{addresses: [\"127.0.0.1:5300\"], guest: Secretguest}]\n",
	} {
		write(t, file, change)
		log.Reset()
		_, err := s.reload(context.Background(), "test")
		if refused := i == 2; refused != (err != nil) || log.Len() == 0 {
			t.Errorf("reload %d: %v, logged %q", i, err, log)
		}
		if strings.Contains(strings.ToLower(log.String()), "secret") {
			t.Errorf("the log has a name that people chose:\n%s", log)
		}
	}
}

// withList is a household with a list at own.txt.
func withList(more string) string {
	return withBand("child") + "lists: {sources: [{name: own, path: own.txt, format: domains, categories: [adult.porn]}], max_bytes: 1024}\n" + more
}

// listed says whether the index in force has a name.
func listed(t *testing.T, s *server, name string) bool {
	t.Helper()
	n, err := blocklists.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	var hashes blocklists.Hashes
	q := s.directory().Ask(n, &hashes)
	return q.Match.Labels > 0
}

// TestReloadReadsLists: a list that was edited where it lies is compiled by a
// reload, by lists update, and by lists update with its name, though neither
// its refresh time nor the configuration says so. One that became too large
// leaves the lists in use as they are.
func TestReloadReadsLists(t *testing.T) {
	s, log, file := testServer(t, withList(""))
	list := filepath.Join(filepath.Dir(file), "own.txt")
	write(t, list, "one.example\n")
	s.compileMissing(context.Background())
	update := func(names ...string) {
		if _, err := (control{s}).Lists().Update(context.Background(), names...); err != nil {
			t.Error(err)
		}
	}
	update()
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"reload.example", func() { _, _ = s.reload(context.Background(), "test") }},
		{"update.example", func() { update() }},
		{"named.example", func() { update("own") }},
	} {
		write(t, list, step.name+"\n")
		step.do()
		if !listed(t, s, step.name) {
			t.Errorf("%s is not in force", step.name)
		}
	}
	write(t, list, strings.Repeat("large.example\n", 1000))
	log.Reset()
	if _, err := (control{s}).Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "larger than its limit") {
		t.Errorf("a reload with a list that is too large says %v", err)
	}
	if !listed(t, s, "named.example") || listed(t, s, "large.example") || !strings.Contains(log.String(), "the lists in use serve on") {
		t.Errorf("the last good list is not in force, or nobody is told:\n%s", log)
	}
}

// scrape gives the values of a collector by name and labels.
func scrape(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "hash" {
					name += `{hash="` + l.GetValue() + `"}`
				}
			}
			values[name] = m.GetGauge().GetValue()
		}
	}
	return values
}

// TestReloadOfLists: a new list and a new category of the operator's own are
// compiled and in force together.
func TestReloadOfLists(t *testing.T) {
	s, _, file := testServer(t, withBand("child"))
	dir := filepath.Dir(file)
	write(t, filepath.Join(dir, "own.txt"), "time-waster.example\n")
	write(t, file, withBand("child")+`
lists: {sources: [{name: own, path: own.txt, format: domains, categories: [home.chores]}]}
categories: [{id: home.chores, group: games, title: Chores first}]
profiles: [{name: kids, band: child, categories: [{id: home.chores, action: block}]}]
`)
	before := s.shelf.Load()
	if _, err := s.reload(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	found, err := control{s}.Lists().Find(context.Background(), "www.time-waster.example")
	if err != nil || len(found.Entries) != 1 || found.Entries[0].Source != "own" {
		t.Errorf("find gives %v, %v; want the entry of the own list", found, err)
	}
	taxonomy := s.resolver.World().Index.Taxonomy()
	if _, ok := taxonomy.Lookup("home.chores"); !ok || s.shelf.Load() == before {
		t.Error("the index in force does not know the own category")
	}
	select {
	case <-s.shelfChanged:
	default:
		t.Error("the librarian is not told of the new lists")
	}
}

// TestRoutesAreKept: upstreams that a reload does not change keep their
// health and the answers cached for them.
func TestRoutesAreKept(t *testing.T) {
	s, _, file := testServer(t, withBand("child"))
	first := s.switchboard.views
	write(t, file, withBand("teen"))
	if _, err := s.reload(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	for id, r := range s.switchboard.views {
		if first[id] != r {
			t.Errorf("the view %q was made anew", id)
		}
	}
	write(t, file, strings.Replace(withBand("teen"), "192.0.2.1", "192.0.2.2", 1))
	if _, err := s.reload(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	if got := s.switchboard.upstreams(); len(got) != 1 || got[0] != "udp://192.0.2.2:53" {
		t.Errorf("upstreams = %v, want the new one alone", got)
	}
}

// TestCompileThenServe: a fresh state serves the built-in lists at once and
// the compiled index afterwards.
func TestCompileThenServe(t *testing.T) {
	s, _, _ := testServer(t, withBand("child"))
	if !s.stock.starter || !s.stock.stale {
		t.Errorf("a fresh state serves %+v, want the built-in lists", s.stock)
	}
	s.compileMissing(context.Background())
	if s.stock.stale || s.resolver.World().Index != s.stock.index {
		t.Error("the compiled index does not serve")
	}
	if _, err := os.Stat(filepath.Join(s.state, "lists", "index.hix")); err != nil {
		t.Error(err)
	}
}

// TestBirthday: the band moves by itself on the birthday.
func TestBirthday(t *testing.T) {
	tomorrow := policy.DateOf(time.Now().AddDate(0, 0, 1))
	born := policy.Date{Year: tomorrow.Year - 10, Month: tomorrow.Month, Day: tomorrow.Day}
	s, _, _ := testServer(t, strings.Replace(family, "band: BAND", "born: "+born.String(), 1))
	if got := bandOf(t, s, "10.0.0.2"); got != "child" {
		t.Fatalf("on the day before the tenth birthday the band is %s, want child", got)
	}
	world := s.resolver.World()
	s.growUp(time.Now().AddDate(0, 0, -3))
	if s.resolver.World() != world {
		t.Error("profiles are made anew days before")
	}
	s.growUp(time.Now().AddDate(0, 0, 2))
	if s.resolver.World() == world {
		t.Error("profiles are not made anew on the day")
	}
}

// TestSupervisor: systemd is told of start, reload and end.
func TestSupervisor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	s := supervisor{slog.New(slog.DiscardHandler)}
	for _, step := range []struct {
		tell func()
		want string
	}{{s.ready, "READY=1"}, {s.reloading, "RELOADING=1\nMONOTONIC_USEC="}, {s.stopping, "STOPPING=1"}} {
		step.tell()
		buf := make([]byte, 256)
		n, err := conn.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), step.want) {
			t.Errorf("systemd is told %q, %v; want %q", buf[:n], err, step.want)
		}
	}
}
