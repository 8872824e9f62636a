//go:build browser

package console_test

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/chromium"
)

// TestBrowserWorkerLeavesForms: a tap on a message goes to the window that shows what it is about, and opens one where there is
// none; it never leads a window elsewhere, because somebody may have half filled a form there.
func TestBrowserWorkerLeavesForms(t *testing.T) {
	t.Parallel()
	worker := open(t, "").somebody().get("/worker.js").text
	b := chromium.Open(t, "MAP * ^NOTFOUND")
	b.Eval(`globalThis.tap = async (place, ...windows) => {
  const on = {}, seen = [], location = {origin: "https://console.example"}, registration = {}, skipWaiting = () => 0;
  const addEventListener = (name, f) => on[name] = f;
  const clients = {
    claim: () => 0, openWindow: async (to) => seen.push("open " + to),
    matchAll: async () => windows.map((at) => ({url: location.origin + at, focus: async () => seen.push("focus " + at), navigate: async () => void seen.push("lost " + at)})),
  };
  ` + strings.ReplaceAll(worker, `"use strict";`, "") + `
  let done;
  on.notificationclick({action: "", notification: {close: () => 0, data: {to: place, by: {}}}, waitUntil: (p) => done = p});
  await done;
  return seen.join();
}`)
	for _, c := range []struct{ windows, want string }{
		{``, "open /requests/r1"},
		{`, "/child/Mia/limits"`, "open /requests/r1"},
		{`, "/child/Mia/limits", "/requests/r1"`, "focus /requests/r1"},
		{`, "/"`, "open /requests/r1"},
	} {
		b.Eval(`(globalThis.said = "", tap("/requests/r1"` + c.windows + `).then((s) => globalThis.said = s), "")`)
		b.Until("answered the tap", func() bool { return b.Eval("said") != "" })
		if got := b.Eval("said"); got != c.want {
			t.Errorf("with the windows %q the tap does %q, want %q", c.windows, got, c.want)
		}
	}
}
