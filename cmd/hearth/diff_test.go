package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const diffBase = `
cache: {size: 64MiB}
listen:
  - {addresses: ["127.0.0.1:5300"]}
profiles:
  - {name: kids, band: child}
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members:
      - {name: Kim, profile: kids, band: child}
      - {name: Toni, band: teen}
    devices:
      - {name: tablet, member: Kim, addresses: [10.0.0.2]}
`

// difference compares the base with an edited copy of it.
func difference(t *testing.T, edits ...string) diffResult {
	t.Helper()
	edited := strings.NewReplacer(edits...).Replace(diffBase)
	if edited == diffBase && len(edits) > 0 {
		t.Fatal("the edit changes nothing")
	}
	was, err := load(writeConfig(t, diffBase), nil)
	if err != nil {
		t.Fatal(err)
	}
	now, err := load(writeConfig(t, edited), nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := compare(was, now)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func lines(r diffResult) []string {
	var all []string
	for _, s := range r.Settings {
		all = append(all, s.String())
	}
	for _, e := range r.People {
		all = append(all, e.String())
	}
	return all
}

func TestDiff(t *testing.T) {
	tests := []struct {
		name  string
		edits []string
		want  []string
	}{
		{"nothing", []string{"cache:", "# a comment\ncache:"}, nil},
		{"a setting at reload", []string{"cache:", "landing: {ttl: 20s}\ncache:"}, []string{"landing.ttl: 10s -> 20s"}},
		{
			"a listener more", []string{"profiles:\n", "  - {addresses: [\"127.0.0.1:5399\"]}\nprofiles:\n"},
			[]string{"listen[1]: added {addresses: [127.0.0.1:5399]} (needs a restart)"},
		},
		{"a setting at restart", []string{"64MiB", "32MiB"}, []string{"cache.size: 64MiB -> 32MiB (needs a restart)"}},
		{
			"a band",
			[]string{"{name: Toni, band: teen}", "{name: Toni, band: adult}"},
			[]string{
				"households[home].members[Toni].band: teen -> adult",
				"household home, member Toni: profile teen -> profile adult; safe search is switched off; YouTube moderate -> off; no longer blocked: ads.trackers, adult.dating, adult.mixed, adult.porn, adult.services, bypass.dns",
			},
		},
		{
			"one category of a profile",
			[]string{"band: child}\nhouse", "band: child, categories: [{id: fun.games, action: block}]}\nhouse"},
			[]string{
				"profiles[kids].categories[fun.games]: added {id: fun.games, action: block}",
				"household home, member Kim: newly blocked: fun.games",
				"household home, device tablet: newly blocked: fun.games",
			},
		},
		{
			"a new device and a removed member",
			[]string{"      - {name: Toni, band: teen}\n", "", "    devices:\n", "    devices:\n      - {name: phone, profile: kids, addresses: [10.0.0.3]}\n"},
			[]string{
				"households[home].members[Toni]: removed {name: Toni, band: teen}",
				"households[home].devices[phone]: added {name: phone, addresses: [10.0.0.3], profile: kids}",
				"household home, device phone: new, profile kids (child)",
				"household home, member Toni: removed, was profile teen",
			},
		},
		{
			"a forwarder",
			[]string{"    devices:\n", "    forwarders: [{address: 10.0.0.1, profile: teen}]\n    devices:\n"},
			[]string{
				"households[home].forwarders[0]: added {address: 10.0.0.1, profile: teen}",
				"household home, forwarder 10.0.0.1: new, profile teen",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := lines(difference(t, tt.edits...))
			if len(got) != len(tt.want) {
				t.Fatalf("got %s", strings.Join(got, "\n    "))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got  %s\nwant %s", got[i], tt.want[i])
				}
			}
		})
	}
}

// TestRestartKeys: what a reload cannot do is named.
func TestRestartKeys(t *testing.T) {
	r := difference(t, "64MiB", "32MiB", "127.0.0.1:5300", "127.0.0.1:5301", "protocol", "protocol")
	if diff := cmp.Diff([]string{"listen[].addresses", "cache.size"}, restarts(r.Settings)); diff != "" {
		t.Errorf("keys that need a restart (-want +got):\n%s", diff)
	}
	if got := brief(r.Settings); got != "listen[].addresses, cache.size" {
		t.Errorf("brief = %q", got)
	}
	people := difference(t, "Kim", "Kai")
	if got := brief(people.Settings); !strings.HasPrefix(got, "households[].members[] (2), households[].devices[]") {
		t.Errorf("brief of another name = %q, want keys and counts", got)
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"public listener", "listen: [{addresses: [\"0.0.0.0:53\"]}]\nlanding: {ipv4: 192.168.1.2}\n", "listen[0].addresses[0]: 0.0.0.0:53 may be reached from the internet"},
		{"public address", "listen: [{addresses: [\"203.0.113.7:53\"]}]\nlanding: {ipv4: 192.168.1.2}\n", "203.0.113.7:53 may be reached from the internet"},
		{"no household", "version: 1\n", "no household is configured"},
		{"metrics for all", "metrics: {listen: \"0.0.0.0:9353\"}\n", "metrics.listen: 0.0.0.0:9353 is reachable from other machines"},
		{"landing on loopback", "listen: [{addresses: [\"192.168.1.2:53\"]}]\n", "landing.ipv4: 127.0.0.1 is each client's own machine"},
		{
			"loose guest",
			"households: [{id: h, consent: {by: t, at: 2026-01-01}, networks: [10.0.0.0/8], members: [{name: Kim, band: child}], guest: adult}]\n",
			"households[0].guest: unknown devices get adult, which is looser than Kim (child)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := hearth(t, "check-config", writeConfig(t, tt.text))
			if r.code != 0 || !strings.Contains(r.out, tt.want) || !strings.Contains(r.out, "(warning)") {
				t.Errorf("check-config: exit %d, want the warning %q:\n%s%s", r.code, tt.want, r.out, r.err)
			}
		})
	}
}

// TestNoWarning: what is usual at home warns of nothing.
func TestNoWarning(t *testing.T) {
	file := writeConfig(t, `
listen: [{addresses: ["192.168.1.2:53", "[fd00::2]:53"]}]
landing: {ipv4: 192.168.1.2, ipv6: "fd00::2"}
households: [{id: h, consent: {by: t, at: 2026-01-01}, networks: [192.168.1.0/24], members: [{name: Kim, band: child}]}]
`)
	if r := hearth(t, "check-config", file); r.code != 0 || !strings.Contains(r.out, "0 warnings") {
		t.Errorf("check-config:\n%s%s", r.out, r.err)
	}
}

// TestDiffOfQuotas: who has other minutes than before is told so.
func TestDiffOfQuotas(t *testing.T) {
	r := difference(t,
		"{name: kids, band: child}", "{name: kids, band: child, quotas: [{of: fun.video, minutes: 60, free: 120}, {of: total, minutes: 180}]}",
		"consent:", "timezone: Europe/Berlin\n    consent:",
	)
	var told []string
	for _, e := range r.People {
		told = append(told, e.String())
	}
	want := "new quota of fun.video: 60 minutes, 120 without school; new quota of total: 180 minutes"
	if diff := cmp.Diff([]string{"household home, member Kim: " + want, "household home, device tablet: " + want}, told); diff != "" {
		t.Errorf("people differ:\n%s", diff)
	}
}
