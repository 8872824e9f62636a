package source

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkParse reads a million generated names in each of the line formats; its figure of interest is ns/name.
func BenchmarkParse(b *testing.B) {
	const names = 1_000_000
	spellings := map[Format]string{
		Hosts: "0.0.0.0 %s\n", Domains: "%s\n", Wildcard: "*.%s\n", Adblock: "||%s^\n",
		Dnsmasq: "server=/%s/\n", RPZ: "%s CNAME .\n", Unbound: "local-zone: \"%s\" always_nxdomain\n", V2fly: "domain:%s\n",
	}
	for _, f := range Formats() {
		spelling, ok := spellings[f]
		if !ok {
			continue
		}
		var list bytes.Buffer
		for i := range names {
			fmt.Fprintf(&list, spelling, fmt.Sprintf("w%d.name-%d.example", i%7, i))
		}
		b.Run(string(f), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				report, err := Parse(bytes.NewReader(list.Bytes()), f, Options{}, func(Item) error { return nil })
				if err != nil || report.Names != names {
					b.Fatalf("%d names, %v", report.Names, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/names, "ns/name")
		})
	}
}
