package source

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// raw answers with exactly these octets and closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(answer))
	}
}

// drip sends one octet of a list after the other, without end.
func drip(pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for {
			for _, c := range []byte("drip.example\n") {
				if r.Context().Err() != nil {
					return
				}
				_, _ = w.Write([]byte{c})
				_ = http.NewResponseController(w).Flush()
				time.Sleep(pause)
			}
		}
	}
}

// TestHostileServer: beside what TestUpdateNeverLosesTheGoodList sends, answers that lie about how long they are, never
// end, or unpack to more than there is room for. The good list stays, what comes is bounded, and nothing is left.
func TestHostileServer(t *testing.T) {
	list := numbered(100)
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		status Status
		why    string
	}{
		{"slow", drip(20 * time.Millisecond), Failed, "longer than"},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Failed, "longer than"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(list))
			}
		}, Refused, "max_bytes"},
		{"endless line", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(strings.Repeat("a", 4096)))
			}
		}, Refused, "max_bytes"},
		{"endless headers", raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("a", 1000)+"\r\n", 200)), Failed, ""},
		{"no HTTP", raw("220 smtp.example ESMTP\r\n"), Failed, "malformed"},
		{"length too short", raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + list), Held, "only 1 names"},
		{"length too long", raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(list)+1, list)), Failed, "broke off"},
		{"length no number", raw("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + list), Failed, "Content-Length"},
		{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 1190\r\n\r\n" + list), Failed, "Content-Length"},
		{"chunks without an end", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4a6\r\n" + list), Failed, "broke off"},
		{"zstd bomb", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(zstdOf(t, []byte(strings.Repeat("# nothing\n", 400<<10))))
		}, Refused, "decompress"},
		{"zstd bomb by its encoding", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "zstd")
			_, _ = w.Write(zstdOf(t, []byte(strings.Repeat("# nothing\n", 400<<10))))
		}, Refused, "decompress"},
		{"torn zstd", func(w http.ResponseWriter, _ *http.Request) {
			packed := zstdOf(t, []byte(numbered(5000)))
			_, _ = w.Write(packed[:len(packed)/2])
		}, Refused, "unexpected EOF"},
		{"a bomb in a bomb", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(gzipOf(t, gzipOf(t, []byte(strings.Repeat("# nothing\n", 400<<10)))))
		}, Refused, "decompress"},
		{"redirects in a circle", func(w http.ResponseWriter, r *http.Request) {
			to := map[string]string{"/a": "/b", "/b": "/a"}[r.URL.Path]
			http.Redirect(w, r, "/"+strings.TrimPrefix(to, "/")+map[bool]string{true: "a"}[to == ""], http.StatusFound)
		}, Failed, "redirects"},
		{"redirect to this machine by another name", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://0x7f000001/", http.StatusFound)
		}, Failed, ""},
		{"the same content again", text(list), Unchanged, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, server, _ := fetched(t, nil)
			if tt.why == "longer than" { // these alone never end by themselves
				l.lists.Timeout = 500 * time.Millisecond
			}
			server.set(tt.answer)
			results, err := l.Update(t.Context(), l.names()...)
			if err != nil || results[0].Status != tt.status || results[0].Names != 100 || !strings.Contains(results[0].Why, tt.why) {
				t.Errorf("%+v, %v; want %s because of %q", results, err, tt.status, tt.why)
			}
			for _, name := range files(t, l.folder()) {
				if strings.Contains(name, tempMark) {
					t.Errorf("%s is left behind", name)
				}
			}
			content, err := os.ReadFile(l.listPath("../../list"))
			if err != nil || string(content) != list {
				t.Errorf("the last good list was replaced: %v", err)
			}
			wantCategories(t, compile(t, l, taxonomy(t)), "w99.example", "piracy")
		})
	}
}

// TestNotModifiedNeedsACopy: a server that says "not modified" to one that has nothing, or something from elsewhere,
// has given nothing.
func TestNotModifiedNeedsACopy(t *testing.T) {
	server := newListServer(t)
	server.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	source := Source{Name: "l", URL: server.URL, Format: Domains, Categories: []string{"piracy"}, Private: true}
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{source}}})
	wantResult(t, l, Failed, 0, "304")
	server.set(text(numbered(10)))
	wantResult(t, l, Updated, 10, "")
	source.URL += "/elsewhere"
	l = open(t, LibraryConfig{Dir: l.config.Dir, Lists: Config{Sources: []Source{source}}})
	server.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	wantResult(t, l, Failed, 10, "304")
}

// TestWrongValidators: validators are hints. Other content under the old ETag is new, the old content under another
// ETag is not, and what cannot stand in a header is not sent back.
func TestWrongValidators(t *testing.T) {
	l, server, _ := fetched(t, nil)
	answer := func(etag string, n int) {
		server.set(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", etag)
			text(numbered(n))(w, r)
		})
	}
	answer(`"v1"`, 110)
	wantResult(t, l, Updated, 110, "")
	answer(`"v1"`, 111)
	wantResult(t, l, Updated, 111, "")
	answer(`"v2"`, 111)
	wantResult(t, l, Unchanged, 111, "")
	answer(`"v1"`, 110) // an older version again: as good as any other within the guards
	wantResult(t, l, Updated, 110, "")
	answer(strings.Repeat("x", 8<<10), 110)
	wantResult(t, l, Unchanged, 110, "")
	answer(`"v3"`, 110)
	wantResult(t, l, Unchanged, 110, "")
	if got := server.seen()[0].Header.Get("If-None-Match"); len(got) > maxValidator {
		t.Errorf("%d octets were sent back", len(got))
	}
}
