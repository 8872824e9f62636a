package listen

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// httpProblem is what a request gets that holds no query.
type httpProblem struct {
	status int
	text   string // what to send instead; never anything of the request
}

const mediaType = "application/dns-message" // RFC 8484 6

var (
	notHere        = httpProblem{http.StatusNotFound, "There is nothing here. DNS over HTTPS (RFC 8484) is asked at the path that the resolver's owner gave you."}
	wrongMethod    = httpProblem{http.StatusMethodNotAllowed, "Send GET with the parameter dns, or POST."}
	wrongMediaType = httpProblem{http.StatusUnsupportedMediaType, "Send the query with the content type " + mediaType + "."}
	wrongParameter = httpProblem{http.StatusBadRequest, "Send one parameter dns that is a DNS query in base64url without padding (RFC 8484 4.1)."}
	notAQuery      = httpProblem{http.StatusBadRequest, "Send a DNS query: a header of 12 octets without the response bit, and a question."}
	brokenBody     = httpProblem{http.StatusBadRequest, "The body ended early or came too slowly. Send it again."}
)

// refuseHTTP tells a client what is wrong with its request.
func refuseHTTP(w http.ResponseWriter, p httpProblem) {
	if p.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD, POST")
	}
	w.Header()["Cache-Control"] = noStore
	http.Error(w, p.text, p.status)
}

// below says whether a path is the listener's, and gives what stands in it behind a slash.
func (l *httpsListener) below(path string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(path, l.settings.Path)
	if !ok || rest == "" {
		return "", ok
	}
	id, ok = strings.CutPrefix(rest, "/")
	return id, ok && !strings.Contains(id, "/")
}

// read takes the query out of a request, into r's buffer.
func (l *httpsListener) read(w http.ResponseWriter, req *http.Request, r *Request) ([]byte, *httpProblem) {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		packet, ok := fromParameter(req.URL.Query()["dns"], r)
		if !ok {
			return nil, &wrongParameter
		}
		return packet, nil
	case http.MethodPost:
		if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != mediaType {
			return nil, &wrongMediaType
		}
		packet, problem := l.fromBody(w, req, r)
		if problem == nil && len(packet) < wire.HeaderLen {
			problem = &notAQuery
		}
		if problem == nil && req.ProtoMajor < 2 {
			// The connection is read on for as long as the query takes, to see it end.
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		return packet, problem
	}
	return nil, &wrongMethod
}

// fromParameter decodes the only value of the parameter dns into r's buffer.
func fromParameter(values []string, r *Request) ([]byte, bool) {
	if len(values) != 1 || strings.ContainsAny(values[0], "\r\n") { // which the decoder would skip
		return nil, false
	}
	size := base64.RawURLEncoding.DecodedLen(len(values[0]))
	if size < wire.HeaderLen || size > maxFrame {
		return nil, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(r.room(size), []byte(values[0]))
	return r.in[:n], err == nil
}

// fromBody reads the body into r's buffer.
func (l *httpsListener) fromBody(w http.ResponseWriter, req *http.Request, r *Request) ([]byte, *httpProblem) {
	most := min(l.server.cfg.Limits.HTTPS.Body, maxFrame)
	tooLong := &httpProblem{http.StatusRequestEntityTooLarge, fmt.Sprintf("A query has at most %d octets here.", most)}
	if req.ContentLength > most {
		return nil, tooLong
	}
	body, n := http.MaxBytesReader(w, req.Body, most), 0
	for {
		m, err := body.Read(r.in[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return r.in[:n], nil
		case errors.As(err, new(*http.MaxBytesError)):
			return nil, tooLong
		case err != nil:
			return nil, &brokenBody
		case n == len(r.in):
			r.grow()
		}
	}
}
