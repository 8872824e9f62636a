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
	"os"
	"path"
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

// fetch downloads the source's list into file, within the limits and with one more attempt where that may help.
func (l *Library) fetch(ctx context.Context, s Source, k kept, file *os.File) (download, error) {
	ctx, cancel := context.WithTimeout(withJourney(ctx), l.lists.Timeout)
	defer cancel()
	d, err := l.attempt(ctx, s, k, file)
	if err == nil || !isTransient(err) || ctx.Err() != nil {
		return d, l.timeoutError(ctx, err)
	}
	select {
	case <-ctx.Done():
		return d, l.timeoutError(ctx, err)
	case <-time.After(l.retry):
	}
	d, err = l.attempt(ctx, s, k, file)
	return d, l.timeoutError(ctx, err)
}

// timeoutError says which limit ended a download.
func (l *Library) timeoutError(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the download took longer than %s: %w", l.lists.Timeout, context.DeadlineExceeded)
	}
	return err
}

// attempt is one request. What an earlier one left in file is overwritten.
func (l *Library) attempt(ctx context.Context, s Source, k kept, file *os.File) (download, error) {
	req, err := request(ctx, s, k)
	if err != nil {
		return download{}, err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return download{}, withoutURL(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotModified && k.SHA256 != "":
		return download{unchanged: true}, nil
	case res.StatusCode != http.StatusOK:
		return download{}, &statusError{res.StatusCode}
	case res.ContentLength > l.lists.MaxBytes:
		return download{}, fmt.Errorf("%w: %d bytes announced, max_bytes is %d", ErrTooLarge, res.ContentLength, l.lists.MaxBytes)
	}
	d := download{etag: res.Header.Get("ETag"), lastModified: res.Header.Get("Last-Modified")}
	d.contentType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	return d, l.receive(s.Name, res, file, &d)
}

// receive writes the body to file, as it came: compressed bodies stay compressed.
func (l *Library) receive(name string, res *http.Response, file *os.File, d *download) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	sum := sha256.New()
	show := newProgress(l.config.Progress, name, res.ContentLength)
	n, err := io.Copy(io.MultiWriter(file, sum, show), io.LimitReader(res.Body, l.lists.MaxBytes+1))
	show.done()
	if err != nil {
		return fmt.Errorf("the download broke off after %d bytes: %w", n, err)
	}
	if n > l.lists.MaxBytes {
		return fmt.Errorf("%w: max_bytes is %d", ErrTooLarge, l.lists.MaxBytes)
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
	return !errors.Is(err, ErrTooLarge)
}

// withoutURL takes the URL off an error: a path in it may be a secret of the operator.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// isHTML reports whether a list is a web page: by its type, or because it begins like one. No list begins with "<".
func isHTML(file io.Reader, contentType string, maxInflated int64) (bool, error) {
	if contentType == "text/html" || contentType == "application/xhtml+xml" {
		return true, nil
	}
	plain, err := inflate(file, &maxInflated)
	if err != nil {
		return false, err
	}
	start, _ := plain.Peek(512) // shorter ones are fine, and errors come again when the list is parsed
	text := strings.TrimSpace(strings.TrimPrefix(string(start), "\ufeff"))
	return strings.HasPrefix(text, "<"), nil
}
