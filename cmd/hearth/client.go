package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// errNoServer says that nothing answers on the control socket.
var errNoServer = errors.New("no server answers")

// client speaks the control API: to the running server over its socket, or
// offline to the same handlers in this process.
type client struct {
	http  *http.Client
	where string // said to the person who asked
	by    string // who asks, for the record of what was changed
	at    string // address of a server elsewhere; "": this machine's
	token string // for it
}

// dial makes a client of the running server.
func dial(socket string) client {
	var d net.Dialer
	return client{
		where: "the running server (" + socket + ")",
		http: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := d.DialContext(ctx, "unix", socket)
				switch {
				case err == nil:
					return conn, nil
				case errors.Is(err, fs.ErrPermission):
					return nil, fmt.Errorf("%w; run this as the server's user or in its group", err)
				}
				return nil, fmt.Errorf("%w (%w)", errNoServer, err)
			},
		}},
	}
}

// within makes a client of handlers in this process.
func within(h http.Handler, where string) client {
	return client{where: where, http: &http.Client{Transport: inProcess{h}}}
}

// inProcess answers requests by a handler, without a network.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &reply{header: make(http.Header), status: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Header: w.header, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

// reply collects what a handler writes.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }

// request is one call of the control API.
type request struct {
	method, path string // the path is escaped
	query        url.Values
	body         any // nil for none
}

// call sends one request and decodes the reply into result.
func (c client) call(ctx context.Context, r request, result any) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	return nil
}

// stream sends one request and copies the reply to w.
func (c client) stream(ctx context.Context, r request, w io.Writer) error {
	response, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	return nil
}

// maxAnswer bounds a reply that is decoded, in octets.
const maxAnswer = 64 << 20

// send sends one request. The reply is a good one: what the server refuses is an error with the server's own words.
func (c client) send(ctx context.Context, r request) (*http.Response, error) {
	for part := range strings.SplitSeq(strings.TrimPrefix(r.path, "/"), "/") {
		if part == "" || part == "." || part == ".." { // else it would be another route
			return nil, usageError{fmt.Errorf("a name or number that is needed is %q; write which one is meant", part)}
		}
	}
	var body bytes.Buffer
	if r.body != nil {
		if err := json.NewEncoder(&body).Encode(r.body); err != nil {
			return nil, fmt.Errorf("asking %s: %w", c.where, err)
		}
	}
	target := cmp.Or(c.at, "http://hearth") + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	message, err := http.NewRequestWithContext(ctx, r.method, target, &body)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", c.where, err)
	}
	if c.by != "" {
		message.Header.Set("Hearth-By", c.by)
	}
	if c.token != "" {
		message.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(message)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("asking %s: %w", c.where, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.where, err)
	}
	if err = errors.New(refusal(said, response.StatusCode)); response.StatusCode == http.StatusBadRequest {
		return nil, usageError{err} // what was asked cannot be understood
	}
	return nil, err
}

// refusal gives the words of an error reply (RFC 9457).
func refusal(body []byte, status int) string {
	var said struct {
		Detail string `json:"detail"`
		Field  string `json:"field"`
	}
	switch {
	case json.Unmarshal(body, &said) != nil || said.Detail == "":
		return fmt.Sprintf("the server answered %d %s; its log says more", status, http.StatusText(status))
	case said.Field != "":
		return said.Field + ": " + said.Detail
	}
	return said.Detail
}
