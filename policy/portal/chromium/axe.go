//go:build browser

package chromium

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The axe-core that judges, with the sum that npm's registry gives for it: another version judges otherwise. It is no part
// of the repository and of no program.
const (
	axeVersion = "4.14.1"
	axeSum     = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512
)

// Judge is axe-core.
type Judge struct{ script string }

// Axe gives axe-core from the cache of this machine, or else from npm's registry. It skips the test where neither has it,
// which `make browser` counts.
func Axe(t *testing.T) *Judge {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "hearth-axe")
	file := filepath.Join(folder, "axe-core-"+axeVersion+".tgz")
	packed, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if err = fetch(t.Context(), folder); err == nil {
			packed, err = os.ReadFile(file)
		}
	}
	if err != nil {
		t.Skipf("axe-core is not to be had here, so it judges no page: %v", err)
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("%s is not the axe-core %s of npm's registry; remove it", file, axeVersion)
	}
	script, err := unpack(packed, "package/axe.min.js")
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &Judge{script: string(script)}
}

// fetch has npm put the package into a folder.
func fetch(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack axe-core@%s: %w %s", axeVersion, err, out)
	}
	return nil
}

// unpack gives one file of a package.
func unpack(packed []byte, name string) ([]byte, error) {
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	for files := tar.NewReader(plain); ; {
		head, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("it has no %s: %w", name, err)
		}
		if head.Name == name {
			return io.ReadAll(files)
		}
	}
}

// broken is a script that keeps what a page's own policy forbids it.
const broken = `;window.broken=[];addEventListener("securitypolicyviolation",e=>broken.push(e.effectiveDirective+" "+e.blockedURI))`

// Into brings axe-core into every page that a tab shows from now on. Their own policy allows them no script, so the
// debugger does. What that policy forbids a page stands in its list "broken".
func (j *Judge) Into(b *Tab) {
	b.Helper()
	if _, err := chromedp.Call(b.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: j.script + broken}); err != nil {
		b.Fatal(err)
	}
}

// Rules are those that axe-core tries.
type Rules string

// In another light nothing but the colours is another.
const (
	Everything Rules = `["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]` // WCAG 2.2 A and AA, and what axe-core's authors advise
	Colours    Rules = `{type:"rule",values:["color-contrast"]}`
)

// judge is a function that tells what is against some rules, and that a page has no style or was looked at by too few.
const judge = `(async rules=>{const r=await axe.run(document,{resultTypes:["violations"],runOnly:rules});
if(!document.styleSheets[0]?.cssRules.length)return "the page has no style";
return Array.isArray(rules)&&r.passes.length<5?"only "+r.passes.length+" rules were tried":r.violations.map(v=>v.id+": "+v.nodes.map(n=>n.html.slice(0,160)+" "+(n.any[0]||{}).message).join(" | ")).join("\n")})`

// Wide is an expression that tells of a page that is wider than its screen.
const Wide = `document.documentElement.scrollWidth>innerWidth?"it is "+document.documentElement.scrollWidth+" pixels wide on "+innerWidth:""`

// Judge reports what axe-core finds on the page that a tab shows.
func (j *Judge) Judge(b *Tab, name string, rules Rules) {
	b.Helper()
	if found := b.await(judge + "(" + string(rules) + ")"); found != "" {
		b.Errorf("%s: axe-core finds\n%s", name, found)
	}
}

// Text is a page as it is sent.
type Text struct{ Name, HTML string }

// atOnce is how many pages are looked at in one step, so that a step is short on a slow machine too.
const atOnce = 12

// Texts reports what axe-core finds on many pages, which are put in the place of the one that a tab shows, one after the
// other: that takes a third of the time of opening each. What JavaScript would not show is left away, and what unfolds is unfolded. Checks are
// expressions that tell what else is wrong with a page.
func (j *Judge) Texts(b *Tab, all []Text, rules Rules, checks ...string) {
	b.Helper()
	for some := range slices.Chunk(all, atOnce) {
		pages, err := json.Marshal(some)
		if err != nil {
			b.Fatal(err)
		}
		found := b.await(`(async()=>{const all=[];for(const p of ` + string(pages) + `){
const d=new DOMParser().parseFromString(p.HTML,"text/html");d.querySelectorAll("noscript").forEach(n=>n.remove());document.documentElement.replaceWith(document.adoptNode(d.documentElement));
document.querySelectorAll("details").forEach(d=>d.open=true);
for(const wrong of [` + strings.Join(checks, ",") + `])if(wrong)all.push(p.Name+": "+wrong);
const found=await ` + judge + `(` + string(rules) + `);if(found)all.push(p.Name+": axe-core finds "+found)}return all.join("\n")})()`)
		if found != "" {
			b.Error(found)
		}
	}
}

// await gives the text that a promise in the page ends with.
func (b *Tab) await(expression string) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%v, at %s", err, b.where())
	}
	return got
}
