package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// userAgent tells list servers who asks.
const userAgent = "hearth (+https://github.com/hearthdns/hearth)"

// download is what a server gave.
type download struct {
	unchanged    bool // 304: nothing was written
	bytes        int64
	sha256       string
	etag         string
	lastModified string
	contentType  string
}

// statusError is an answer other than 200 and 304.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.code, http.StatusText(e.code))
}

// fetch asks for the source's list, only for a newer one than old, and writes what comes to what begin returns: an empty
// place, asked for once an attempt. What comes is as the server sent it, packed or not, and at most max_bytes (one more
// is an error). A second attempt is made where that may help; the time of both is limited.
func (l *Library) fetch(ctx context.Context, s Source, old kept, begin func() (io.Writer, error)) (download, error) {
	client, err := l.clientOf(s)
	if err != nil {
		return download{}, err
	}
	a := attempt{library: l, client: client, source: s, old: old, begin: begin}
	ctx, cancel := context.WithTimeout(ctx, l.lists.Timeout)
	defer cancel()
	d, err := a.run(ctx)
	if err == nil || !isTransient(err) || ctx.Err() != nil {
		return d, l.timeoutError(ctx, err)
	}
	select {
	case <-ctx.Done():
		return d, l.timeoutError(ctx, err)
	case <-time.After(l.retry):
	}
	d, err = a.run(ctx)
	return d, l.timeoutError(ctx, err)
}

// timeoutError says which limit ended a download.
func (l *Library) timeoutError(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the download took longer than %s: %w", l.lists.Timeout, context.DeadlineExceeded)
	}
	return err
}

// attempt is one request of a download.
type attempt struct {
	library *Library
	client  *http.Client
	source  Source
	old     kept
	begin   func() (io.Writer, error)
}

func (a attempt) run(ctx context.Context) (download, error) {
	req, err := request(withJourney(ctx, a.source), a.source, a.old)
	if err != nil {
		return download{}, err
	}
	if err := a.library.authorize(req, a.source); err != nil {
		return download{}, err
	}
	res, err := a.client.Do(req)
	if err != nil {
		return download{}, withoutURL(err)
	}
	defer res.Body.Close()
	limit, packing := a.library.lists.MaxBytes, strings.ToLower(res.Header.Get("Content-Encoding"))
	switch {
	case res.StatusCode == http.StatusNotModified && a.old.SHA256 != "" && a.old.sameOrigin(a.source):
		return download{unchanged: true}, nil
	case res.StatusCode != http.StatusOK:
		return download{}, &statusError{res.StatusCode}
	case res.ContentLength > limit:
		return download{}, fmt.Errorf("%w: %d bytes announced, max_bytes is %d", ErrTooLarge, res.ContentLength, limit)
	case !slices.Contains([]string{"", "identity", "gzip", "x-gzip", "zstd"}, packing):
		return download{}, fmt.Errorf("%w: the server packed the list as %q, which nobody asked for", errRefused, packing)
	}
	d := download{etag: validator(res.Header.Get("ETag")), lastModified: validator(res.Header.Get("Last-Modified"))}
	d.contentType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	return d, a.receive(res, &d)
}

// maxValidator bounds what a server is reminded of, in bytes.
const maxValidator = 1 << 10

// validator is a header field that is kept and sent back; one that is no sensible length is none.
func validator(field string) string {
	if len(field) > maxValidator {
		return ""
	}
	return field
}

// receive passes the body on, as it came: compressed bodies stay compressed.
func (a attempt) receive(res *http.Response, d *download) error {
	out, err := a.begin()
	if err != nil {
		return err
	}
	limit := a.library.lists.MaxBytes
	sum := sha256.New()
	show := newProgress(a.library.config.Progress, a.source.Name, res.ContentLength)
	n, err := io.Copy(io.MultiWriter(out, sum, show), io.LimitReader(res.Body, limit+1))
	show.done()
	if err != nil {
		return fmt.Errorf("the download broke off after %d bytes: %w", n, err)
	}
	if n > limit {
		return fmt.Errorf("%w: max_bytes is %d", ErrTooLarge, limit)
	}
	d.bytes, d.sha256 = n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// request asks for the list, and only for a newer one than the kept copy.
func request(ctx context.Context, s Source, k kept) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "gzip")
	if ext := path.Ext(req.URL.Path); ext == ".gz" || ext == ".tgz" {
		req.Header.Set("Accept-Encoding", "identity")
	}
	if k.SHA256 == "" || !k.sameOrigin(s) {
		return req, nil
	}
	if k.ETag != "" {
		req.Header.Set("If-None-Match", k.ETag)
	}
	if k.LastModified != "" {
		req.Header.Set("If-Modified-Since", k.LastModified)
	}
	return req, nil
}

// isTransient reports whether a second attempt may succeed.
func isTransient(err error) bool {
	var status *statusError
	if errors.As(err, &status) {
		return status.code >= 500 || status.code == http.StatusTooManyRequests
	}
	return !errors.Is(err, ErrTooLarge) && !errors.Is(err, errRefused)
}

// withoutURL takes the URL off an error: a path in it may be a secret of the operator.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
