//go:build browser

package portal

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/tickets"
)

// TestBrowserInstalls: Chromium takes ask.<name> for an app, but for one thing: that it comes over plain HTTP, of which a
// browser makes no more than a bookmark with an icon.
func TestBrowserInstalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		want  []string
		flags []chromedp.ExecAllocatorOption
	}{
		{"plain HTTP", []string{"not-from-secure-origin"}, nil},
		{"taken for safe", nil, []chromedp.ExecAllocatorOption{chromedp.Flag("unsafely-treat-insecure-origin-as-secure", ourPage)}},
	} {
		h, _ := withTickets(t, tickets.ToParents)
		b := chromium.Open(t, serves(t, from(h, mia)), c.flags...)
		b.Go(ourPage + "/")
		m, err := chromedp.Call(b.Ctx, page.GetAppManifest, page.GetAppManifestParams{})
		if err != nil || m.URL != ourPage+manifestPath || len(m.Errors) > 0 {
			t.Fatalf("%s: the manifest of %q: %+v (%v)", c.what, m.URL, m.Errors, err)
		}
		found, err := chromedp.Call(b.Ctx, page.GetInstallabilityErrors, cdp.Empty{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found.InstallabilityErrors {
			got = append(got, e.ErrorID)
			t.Logf("%s: %+v", c.what, e)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: it cannot be installed for %q, want %q", c.what, got, c.want)
		}
	}
}
