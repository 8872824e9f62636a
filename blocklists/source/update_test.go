package source

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// listServer is a list server on loopback whose answer tests choose.
type listServer struct {
	*httptest.Server
	mu       sync.Mutex
	answer   http.HandlerFunc
	requests []*http.Request
}

func newListServer(t *testing.T) *listServer {
	s := &listServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *listServer) set(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.requests = answer, nil
}

// seen returns the requests since set.
func (s *listServer) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// text answers with a list.
func text(list string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(list))
	}
}

func numbered(n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "w%d.example\n", i)
	}
	return list.String()
}

// typed answers with a list and a content type.
func typed(contentType, list string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(list))
	}
}

// fetched is a library with one list of 100 names that was fetched, and its server.
func fetched(t *testing.T, change func(*Config)) (*Library, *listServer, *clock) {
	t.Helper()
	server, now := newListServer(t), newClock()
	config := Config{MaxBytes: 64 << 10, Sources: []Source{
		{Name: "../../list", URL: server.URL + "/../list.txt", Format: Domains, Categories: []string{"piracy"}, Private: true}}}
	if change != nil {
		change(&config)
	}
	l := open(t, LibraryConfig{Lists: config, Now: now.Now})
	server.set(text(numbered(100)))
	wantResult(t, l, Updated, 100, "")
	return l, server, now
}

// wantResult updates the one list by name.
func wantResult(t *testing.T, l *Library, status Status, names int, why string) Result {
	t.Helper()
	results, err := l.Update(context.Background(), l.names()...)
	if err != nil || len(results) != 1 {
		t.Fatalf("Update: %v, %v", results, err)
	}
	r := results[0]
	if r.Status != status || r.Names != names || !strings.Contains(r.Why, why) || (why == "") != (r.Why == "") {
		t.Errorf("result %+v, want %s with %d names because of %q", r, status, names, why)
	}
	return r
}

// TestUpdateNeverLosesTheGoodList: whatever a server answers, the last good list stays and is what is compiled.
func TestUpdateNeverLosesTheGoodList(t *testing.T) {
	page := "<!DOCTYPE html>\n<html><body>Please log in. w0.example</body></html>"
	packed := gzipOf(t, []byte(numbered(5000)))
	tests := []struct {
		name   string
		answer http.HandlerFunc
		status Status
		why    string
		asked  int // requests: 2 where a second attempt may help
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, numbered(100), 500) }, Failed, "500", 2},
		{"404", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, numbered(100), 404) }, Failed, "404", 1},
		{"206", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(206)
			_, _ = w.Write([]byte(numbered(100)))
		}, Failed, "206", 1},
		{"empty", text(""), Refused, "empty", 1},
		{"only comments", text("# moved\n# see elsewhere\n"), Refused, "no name", 1},
		{"another format", text(strings.Repeat("||w.example^\n", 100)), Refused, "bad-label", 1},
		{"HTML by its type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(numbered(100)))
		}, Refused, "web page", 1},
		{"HTML by its look", text("\ufeff \n" + page), Refused, "web page", 1},
		{"HTML, packed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(gzipOf(t, []byte(page)))
		}, Refused, "web page", 1},
		{"JSON by its type", typed("application/problem+json", numbered(100)), Refused, "a JSON document", 1},
		{"JSON by its look", text("{\"error\": \"rate limit\"}\n" + numbered(100)), Refused, "a JSON document", 1},
		{"JSON array", text("[\n  \"w0.example\",\n  \"w1.example\"\n]\n"), Refused, "a JSON document", 1},
		{"XML by its look", text("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), Refused, "an XML document", 1},
		{"XML by its type", typed("application/xml", numbered(100)), Refused, "an XML document", 1},
		{"a picture", typed("image/png", numbered(100)), Refused, "image/png", 1},
		{"a page behind a notice", text("Error 1015\n<html>\n" + numbered(100)), Refused, "web page", 1},
		{"UTF-16", text("\xff\xfew\x000\x00.\x00e\x00"), Refused, "UTF-16", 1},
		{"mostly something else", text(numbered(100) + strings.Repeat("You are being rate limited!\n", 101)), Refused, "only 100 names", 1},
		{"hardly any name", text(numbered(1) + strings.Repeat("192.0.2.1\n", 101)), Refused, "only 1 names", 1},
		{"packed as nobody asked", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write([]byte("\x1b\x03"))
		}, Refused, "\"br\"", 1},
		{"one rule for all", text("*\n"), Refused, "no name", 1},
		{"oversize", text(strings.Repeat("# filler\n", 8<<10)), Refused, "max_bytes", 1},
		{"oversize without a length", func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				_, _ = w.Write([]byte(strings.Repeat("# filler\n", 1<<10)))
				_ = http.NewResponseController(w).Flush()
			}
		}, Refused, "max_bytes", 1},
		{"torn gzip", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed[:len(packed)/2]) }, Refused, "unexpected EOF", 1},
		{"bad gzip", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x1f\x8bnonsense")) }, Refused, "gzip", 1},
		{"bomb", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(gzipOf(t, bytes.Repeat([]byte("# nothing\n"), 400<<10)))
		}, Refused, "decompress", 1},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte(numbered(100)))
		}, Failed, "broke off", 2},
		{"redirects without end", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, Failed, "redirects", 8},
		{"redirect to a file", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		},
			Failed, "file", 2},
		{"redirect to cloud metadata", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		},
			Failed, "169.254.169.254", 2},
		{"304 unasked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, Unchanged, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, server, _ := fetched(t, nil)
			before, err := os.ReadFile(l.listPath("../../list"))
			if err != nil {
				t.Fatal(err)
			}
			server.set(tt.answer)
			wantResult(t, l, tt.status, 100, tt.why)
			if n := len(server.seen()); n != tt.asked {
				t.Errorf("%d requests, want %d", n, tt.asked)
			}
			after, err := os.ReadFile(l.listPath("../../list"))
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the last good list was replaced: %v", err)
			}
			if got := files(t, l.folder()); len(got) != 3 {
				t.Errorf("files %v, want the list, its record and its parsed state", got)
			}
			ix := compile(t, l, taxonomy(t))
			wantCategories(t, ix, "w99.example", "piracy")
			stat := l.Stats()[len(l.Stats())-1]
			if stat.Names != 100 || (stat.LastError == "") != (tt.why == "") || (stat.Failures == 0) != (tt.why == "") {
				t.Errorf("stat %+v", stat)
			}
		})
	}
}

// TestUpdateSlow: a download that takes longer than the limit is ended.
func TestUpdateSlow(t *testing.T) {
	l, server, _ := fetched(t, nil)
	l.lists.Timeout = 50 * time.Millisecond
	release := make(chan struct{})
	server.set(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("drip.example\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	wantResult(t, l, Failed, 100, "longer than")
	close(release)
}

// TestUpdateAsksOnlyForNews: the validators of the last answer are sent, and 304 keeps the list as it is.
func TestUpdateAsksOnlyForNews(t *testing.T) {
	l, server, now := fetched(t, nil)
	server.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v2"`)
		w.Header().Set("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")
		text(numbered(120))(w, r)
	})
	wantResult(t, l, Updated, 120, "")
	now.now = now.now.Add(time.Hour)
	server.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	wantResult(t, l, Unchanged, 120, "")
	asked := server.seen()[0].Header
	if asked.Get("If-None-Match") != `"v2"` || asked.Get("If-Modified-Since") != "Sat, 21 Nov 2026 10:00:00 GMT" {
		t.Errorf("headers %v", asked)
	}
	stat := l.Stats()[len(l.Stats())-1]
	if !stat.Confirmed.Equal(now.now) || !stat.Fetched.Equal(now.now.Add(-time.Hour)) {
		t.Errorf("stat %+v", stat)
	}

	again := open(t, LibraryConfig{Dir: l.config.Dir, Lists: l.lists, Now: now.Now})
	server.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	wantResult(t, again, Unchanged, 120, "")

	moved := l.lists
	moved.Sources = slices.Clone(moved.Sources)
	moved.Sources[0].URL = server.URL + "/elsewhere"
	other := open(t, LibraryConfig{Dir: l.config.Dir, Lists: moved, Now: now.Now})
	server.set(text(numbered(10)))
	wantResult(t, other, Updated, 10, "") // another origin: neither its validators nor its count mean anything
	if asked := server.seen()[0].Header; asked.Get("If-None-Match") != "" || asked.Get("If-Modified-Since") != "" {
		t.Errorf("headers %v", asked)
	}
}

// TestUpdatePacked: a list that comes packed is kept so and read.
func TestUpdatePacked(t *testing.T) {
	l, server, _ := fetched(t, nil)
	packed := gzipOf(t, []byte(numbered(200)))
	server.set(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	})
	r := wantResult(t, l, Updated, 200, "")
	if r.Bytes != int64(len(packed)) {
		t.Errorf("%d bytes kept, %d came", r.Bytes, len(packed))
	}
	wantCategories(t, compile(t, l, taxonomy(t)), "w199.example", "piracy")
}

// TestUpdateDue: without names only what is due is asked, and after a failure sooner than after a success.
func TestUpdateDue(t *testing.T) {
	l, server, now := fetched(t, func(c *Config) { c.Sources[0].Refresh = 6 * time.Hour })
	status := func() Status {
		t.Helper()
		results, err := l.Update(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Status
	}
	steps := []struct {
		after time.Duration
		code  int
		want  Status
	}{
		{0, 200, NotDue},
		{6*time.Hour - time.Second, 200, NotDue},
		{time.Second, 500, Failed},
		{9 * time.Minute, 500, NotDue},
		{time.Minute, 500, Failed},      // 10 minutes after the first failure
		{19 * time.Minute, 500, NotDue}, // 20 after the second
		{time.Minute, 200, Unchanged},
		{20 * time.Minute, 200, NotDue},
	}
	for i, s := range steps {
		now.now = now.now.Add(s.after)
		server.set(func(w http.ResponseWriter, r *http.Request) {
			if s.code != 200 {
				w.WriteHeader(s.code)
				return
			}
			text(numbered(100))(w, r)
		})
		if got := status(); got != s.want {
			t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
}

func TestUpdateUnknownName(t *testing.T) {
	l, _, _ := fetched(t, nil)
	if _, err := l.Update(context.Background(), "lst"); err == nil || !strings.Contains(err.Error(), "../../list") {
		t.Errorf("error %v does not name the lists", err)
	}
}

// TestUpdateEnds: the end of ctx is no failure of the list.
func TestUpdateEnds(t *testing.T) {
	l, server, _ := fetched(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	server.set(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	results, err := l.Update(ctx, "../../list")
	if err != nil || results[0].Status != Failed {
		t.Errorf("%v, %v", results, err)
	}
	if stat := l.Stats()[len(l.Stats())-1]; stat.Failures != 0 || stat.LastError != "" {
		t.Errorf("stat %+v", stat)
	}
}

// TestUpdatePath: a list on a path is looked at where it is, and nothing of it is copied.
func TestUpdatePath(t *testing.T) {
	path := write(t, t.TempDir()+"/list", numbered(10))
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}}}}})
	wantResult(t, l, Updated, 10, "")
	wantResult(t, l, Unchanged, 10, "")
	write(t, path, numbered(2)) // the operator's own file: shrinking is no fault
	wantResult(t, l, Updated, 2, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantResult(t, l, Failed, 2, "no such file")
	if got := files(t, l.folder()); len(got) != 3 || strings.Contains(strings.Join(got, ""), ".list") {
		t.Errorf("files %v, want the record and two parsed states alone", got)
	}
}

// TestKeptListDamaged: where a kept list is not what was fetched, its parsed state serves on, and it is fetched anew;
// without a state it is used as far as it goes.
func TestKeptListDamaged(t *testing.T) {
	for _, parsed := range []bool{true, false} {
		l, server, _ := fetched(t, nil)
		server.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v"`)
			text(numbered(100))(w, r)
		})
		wantResult(t, l, Unchanged, 100, "")
		write(t, l.listPath("../../list"), numbered(3))
		want, problems := Unchanged, 1
		if !parsed {
			want, problems = Updated, 0
			for _, slot := range l.slots("../../list") {
				_ = os.Remove(slot)
			}
		}
		ix, sum, err := l.Compile(t.Context(), taxonomy(t))
		if err != nil || len(sum.Problems) != problems || problems > 0 && sum.Problems[0].Serving != LastGood {
			t.Fatalf("Compile: %v, %v", sum.Problems, err)
		}
		wantCategories(t, ix, "w2.example", "piracy")
		if parsed {
			wantCategories(t, ix, "w99.example", "piracy")
		}
		wantResult(t, l, want, 100, "")
		if got := server.seen()[1].Header.Get("If-None-Match"); got != "" {
			t.Errorf("asked for news of %s only", got)
		}
		wantCategories(t, compile(t, l, taxonomy(t)), "w99.example", "piracy")
	}
}

// TestRecordDamaged: without its record a list is new.
func TestRecordDamaged(t *testing.T) {
	l, _, _ := fetched(t, nil)
	write(t, l.recordPath("../../list"), `{"name": "../..`)
	wantResult(t, open(t, LibraryConfig{Dir: l.config.Dir, Lists: l.lists}), Updated, 100, "")
}

// TestProgress: a writer that is no file gets lines; a file that is no terminal gets none.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "list", 3<<20)
	_, _ = p.Write(make([]byte, 3<<19))
	p.done()
	if !strings.Contains(out.String(), "list: 1.5 MiB of 3.0 MiB") {
		t.Errorf("%q", out.String())
	}
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p = newProgress(file, "list", -1)
	_, _ = p.Write([]byte("x"))
	p.done()
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("a file got %d bytes, %v", info.Size(), err)
	}
}
