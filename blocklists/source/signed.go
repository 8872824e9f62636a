package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"aead.dev/minisign"
)

// detached is what the name of a signature ends in; before it stands that of what it signs.
const detached = ".minisig"

// maxSignature bounds a signature in bytes: minisign's have about 300, and a trusted comment may be long.
const maxSignature = 16 << 10

// signed checks the key of a source.
func (v *validation) signed(path string, s Source) {
	if s.Key == "" {
		return
	}
	var key minisign.PublicKey
	switch err := key.UnmarshalText([]byte(strings.TrimSpace(s.Key))); {
	case err != nil:
		v.fail(path+".key", "no minisign public key: write the line that begins with RW")
	case s.isZone():
		v.fail(path+".key", "a zone is signed with tsig: leave the key out")
	case s.isLegal():
		v.fail(path+".key", "a legal list comes by contract, with a token, a certificate or tsig: leave the key out")
	}
}

// verify holds that the content of a candidate is signed with the source's key. What is not is refused.
func (l *Library) verify(ctx context.Context, s Source, c candidate) error {
	var key minisign.PublicKey
	if err := key.UnmarshalText([]byte(strings.TrimSpace(s.Key))); err != nil {
		return fmt.Errorf("reading the key: %w", err)
	}
	signature, err := l.signature(ctx, s)
	if err != nil {
		return fmt.Errorf("%w: the list must be signed, and its signature, of the same name with %s at the end, cannot be read: %w", errRefused, detached, err)
	}
	file, err := os.Open(c.path(s)) //nolint:gosec // the operator's own path, or the library's
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return errors.Join(err, fmt.Errorf("%w: a folder has no signature; write the path of one file", errRefused))
	}
	text := minisign.NewReader(file)
	if _, err := io.Copy(io.Discard, text); err != nil {
		return err
	}
	if !text.Verify(key, signature) {
		return fmt.Errorf("%w: the signature is not one of this list by the configured key; sign it anew, with a minisign that signs the hash (-H)", errRefused)
	}
	if name := signedName(signature); name != "" && name != s.fileName() {
		return fmt.Errorf("%w: the signature is that of another file, %q: sign this one by its own name", errRefused, name)
	}
	if now, err := digest(c.path(s)); err != nil || now != c.record.SHA256 {
		return errors.Join(err, errors.New("it is being changed"))
	}
	return nil
}

// signedName is the name of the file that was signed, as minisign writes it beside the time; "" where it says none. It keeps
// one list of an owner from being put in the place of another, such as what is blocked in that of what is let through.
func signedName(signature []byte) string {
	var s minisign.Signature
	if s.UnmarshalText(signature) != nil {
		return ""
	}
	_, rest, _ := strings.Cut(s.TrustedComment, "\tfile:")
	name, _, _ := strings.Cut(rest, "\t")
	return name
}

// fileName is the name of the file that a source is.
func (s Source) fileName() string {
	if at, err := url.Parse(s.URL); s.Path == "" && err == nil {
		return path.Base(at.Path)
	}
	return path.Base(s.Path)
}

// signature brings the signature of a source.
func (l *Library) signature(ctx context.Context, s Source) ([]byte, error) {
	if s.Path != "" {
		file, err := os.Open(s.Path + detached) //nolint:gosec // the operator's own path
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("there is none")
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return io.ReadAll(io.LimitReader(file, maxSignature))
	}
	ctx, cancel := context.WithTimeout(ctx, l.lists.Timeout)
	defer cancel()
	beside := s
	at, err := url.Parse(s.URL)
	if err != nil {
		return nil, withoutURL(err)
	}
	at.Path, at.RawPath = at.Path+detached, at.EscapedPath()+detached // before the query, which may be what lets us in
	beside.URL = at.String()
	req, err := request(withJourney(ctx, beside), beside, kept{})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if err := l.authorize(req, s); err != nil {
		return nil, err
	}
	client, err := l.clientOf(s)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &statusError{res.StatusCode}
	}
	return io.ReadAll(io.LimitReader(res.Body, maxSignature))
}
