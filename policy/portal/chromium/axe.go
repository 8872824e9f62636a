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

// Into brings axe-core into every page that a tab shows from now on. Their own policy allows them no script, so the
// debugger does.
func (j *Judge) Into(b *Tab) {
	b.Helper()
	if _, err := chromedp.Call(b.Ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: j.script}); err != nil {
		b.Fatal(err)
	}
}

// judge is a function that runs the rules of WCAG 2.2 A and AA and those that axe-core's authors advise, or those that
// are named alone, and tells what is against them.
const judge = `(async rules=>{const r=await axe.run(document,{resultTypes:["violations"],runOnly:rules||["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]});
return !rules&&r.passes.length<5?"only "+r.passes.length+" rules were tried":r.violations.map(v=>v.id+": "+v.nodes.map(n=>n.html.slice(0,160)+" "+(n.any[0]||{}).message).join(" | ")).join("\n")})`

// Judge reports what axe-core finds on the page that a tab shows.
func (j *Judge) Judge(b *Tab, name string) { b.Helper(); j.find(b, name, `()`) }

// Colours reports what axe-core finds about the contrast of the page that a tab shows: in another light nothing else is
// another.
func (j *Judge) Colours(b *Tab, name string) {
	b.Helper()
	j.find(b, name, `({type:"rule",values:["color-contrast"]})`)
}

func (j *Judge) find(b *Tab, name, rules string) {
	b.Helper()
	if found := b.await(judge + rules); found != "" {
		b.Errorf("%s: axe-core finds\n%s", name, found)
	}
}

// Text is a page as it is sent.
type Text struct{ Name, HTML string }

// Texts reports what axe-core finds on many pages, which are put in the place of the one that a tab shows, one after the
// other: that takes a third of the time of opening each. It also reports those that are wider than the screen.
func (j *Judge) Texts(b *Tab, all []Text) {
	b.Helper()
	pages, err := json.Marshal(all)
	if err != nil {
		b.Fatal(err)
	}
	found := b.await(`(async()=>{const all=[];for(const p of ` + string(pages) + `){
const d=new DOMParser().parseFromString(p.HTML,"text/html");d.querySelectorAll("noscript").forEach(n=>n.remove());document.documentElement.replaceWith(document.adoptNode(d.documentElement));
if(document.documentElement.scrollWidth>innerWidth)all.push(p.Name+": it is "+document.documentElement.scrollWidth+" pixels wide on "+innerWidth);
const text=await ` + judge + `();if(text)all.push(p.Name+": axe-core finds "+text)}return all.join("\n")})()`)
	if found != "" {
		b.Error(found)
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
