package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

var (
	documented = regexp.MustCompile("(?m)^\\| `(hearth_[a-z0-9_]+)` \\| (counter|gauge|histogram) \\|")
	scraped    = regexp.MustCompile(`(?m)^# TYPE (hearth_[a-z0-9_]+) (counter|gauge|histogram)$`)
)

// TestMetricsAreDocumented compares docs/metrics.md with a scrape, both ways.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	u := newUpstream(t)
	s := example(t, u)
	list := s.dir + "/list.txt"
	if err := os.WriteFile(list, []byte("casino.invalid-example.org\n192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write(strings.Replace(s.read(), "  sources: []", "  sources: [{name: mine, path: "+list+", format: domains, categories: [money.gambling]}, "+
		"{name: gone, url: http://127.0.0.1:1/list, format: domains, categories: [money.gambling]}]", 1))
	s.write(strings.Replace(s.read(), "listen:\n", "listen:\n  - {addresses: [\""+freePort(t)+"\"], protocol: tls}\n", 1))
	s.write(strings.Replace(s.read(), `dnstap: {unix: "", tcp: ""}`, `dnstap: {unix: "nowhere", tcp: ""}`, 1))
	s.write(strings.Replace(s.read(), "  command: []", "  command: [/bin/true]", 1))
	s.start()
	for _, name := range []string{"pornhub.com", "wikipedia.org", "wikipedia.org", "localhost"} {
		s.ask("udp", "127.0.0.1", name, dns.TypeA)
		s.ask("tcp", "127.0.0.1", name, dns.TypeA)
	}
	u.stop()
	s.ask("udp", "127.0.0.1", "not-there.example.com", dns.TypeA)
	s.must("cache", "stats")
	s.eventually("has counted the lines of the list", func() bool { return strings.Contains(s.scrape(), `hearth_list_rejected{list="mine"`) })

	have, want := types(scraped, s.scrape()), types(documented, string(text))
	for _, m := range have {
		if !slices.Contains(want, m) {
			t.Errorf("%s is scraped but not in docs/metrics.md", m)
		}
	}
	for _, m := range want {
		if !slices.Contains(have, m) {
			t.Errorf("%s is in docs/metrics.md but not scraped", m)
		}
	}
	if len(have) < 20 {
		t.Errorf("only %d metrics were scraped", len(have))
	}
	if strings.Contains(s.scrape(), "pornhub") || strings.Contains(s.scrape(), "127.0.0.1:5300\"}") && strings.Contains(s.scrape(), "client=") {
		t.Error("the metrics tell what somebody asked for")
	}
}

func types(re *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1]+" "+m[2])
	}
	slices.Sort(out)
	return slices.Compact(out)
}
