package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/portal"
)

// TestInstallable: a phone can keep the console among its apps.
func TestInstallable(t *testing.T) {
	t.Parallel()
	h := open(t, "")
	p := h.somebody()
	a := p.get("/manifest.webmanifest").is(http.StatusOK)
	var m struct {
		Name    string `json:"name"`
		Start   string `json:"start_url"`
		Display string `json:"display"`
		Icons   []struct {
			Src string `json:"src"`
		} `json:"icons"`
	}
	if err := json.Unmarshal([]byte(a.text), &m); err != nil || m.Name == "" || m.Start != "/" || m.Display != "standalone" || len(m.Icons) == 0 {
		t.Fatalf("the manifest is %+v (%v)", m, err)
	}
	if got := p.get(m.Icons[0].Src).is(http.StatusOK).head.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("the icon is %s", got)
	}
	p.get("/setup").says(`rel="manifest"`)
}

// TestIcons: a phone gets the sign as a picture of the size that was said, in the colours of the drawing, to its edges.
func TestIcons(t *testing.T) {
	t.Parallel()
	p := open(t, "").somebody()
	drawing := string(portal.Drawing())
	for _, size := range []int{180, 512} {
		path := fmt.Sprintf("/icon-%d.png", size)
		a := p.get(path).is(http.StatusOK)
		if a.head.Get("Content-Type") != "image/png" || len(a.text) > 30_000 {
			t.Errorf("%s is %s of %d octets", path, a.head.Get("Content-Type"), len(a.text))
		}
		picture := must(png.Decode(bytes.NewReader([]byte(a.text))))
		if b := picture.Bounds(); b.Dx() != size || b.Dy() != size {
			t.Fatalf("%s is %v", path, b)
		}
		for where, at := range map[string][2]int{"corner": {0, 0}, "roof": {24, 16}, "wall": {15, 30}, "fire": {24, 30}, "beside the wall": {11, 30}, "below": {24, 41}} {
			r, g, b, _ := picture.At(at[0]*size/48, at[1]*size/48).RGBA()
			got := fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
			want := map[string]string{"roof": "#c96f4a", "wall": "#c96f4a", "fire": "#f6c667"}[where]
			if want == "" {
				want = "#dcefe9"
			}
			if got != want || !strings.Contains(drawing, want) {
				t.Errorf("%s: the %s is %s, want %s as in the drawing", path, where, got, want)
			}
		}
	}
	p.get("/setup").says(`rel="apple-touch-icon" href="/icon-180.png"`)
}
