package e2e

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// arrived is what a stand-in was sent.
type arrived struct {
	header http.Header
	body   []byte
}

// receiver takes what is posted to it over TLS, on loopback.
func receiver(t *testing.T) (*httptest.Server, chan arrived) {
	t.Helper()
	got := make(chan arrived, 32)
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got <- arrived{r.Header, body}
		w.WriteHeader(http.StatusCreated) // RFC 8030 5
	}))
	t.Cleanup(web.Close)
	return web, got
}

// believes has the program trust the certificate of a stand-in, as an operator has it trust one of their own.
func (s *server) believes(web *httptest.Server) {
	s.t.Helper()
	file := filepath.Join(s.dir, "roots.pem")
	must(s.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600))
	s.env = append(s.env, "SSL_CERT_FILE="+file)
}

// secret writes a file that the program alone may read, and gives its path.
func (s *server) secret(name, text string) string {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	must(s.t, os.WriteFile(file, []byte(text+"\n"), 0o600))
	return file
}

// mail is a message that a mail server took.
type mail struct{ from, to, login, text string }

// mailServer is a submission server (RFC 6409) that takes mail after STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4616) alone.
func mailServer(t *testing.T, certificates []tls.Certificate) (address string, got chan mail) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	got = make(chan mail, 32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				submission(conn, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}, got)
			}()
		}
	}()
	return l.Addr().String(), got
}

// submission is one dialog of it.
func submission(conn net.Conn, secure *tls.Config, got chan<- mail) {
	var m mail
	in, encrypted := bufio.NewReader(conn), false
	say := func(text string) { _, _ = fmt.Fprint(conn, text+"\r\n") }
	say("220 mail ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case verb == "EHLO" && !encrypted:
			say("250-mail\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-mail\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go on")
			conn, encrypted = tls.Server(conn, secure), true
			in = bufio.NewReader(conn)
		case verb == "AUTH" && encrypted:
			proof, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			m.login = string(proof)
			say("235 welcome")
		case m.login == "" && verb != "QUIT":
			say("530 who are you")
		case verb == "DATA":
			say("354 go on")
			for line = ""; line != ".\r\n" && err == nil; line, err = in.ReadString('\n') {
				m.text += line
			}
			got <- m
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			m.from, m.to = pick(verb == "MAIL", rest, m.from), pick(verb == "RCPT", rest, m.to)
			say("250 good")
		}
	}
}

func pick(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// phone is a browser that is subscribed to Web Push, and can read what comes.
type phone struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newPhone(t *testing.T) phone {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	must(t, err)
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	return phone{key, auth}
}

// subscription is what it tells the console (W3C Push API, PushSubscription.toJSON).
func (p phone) subscription(endpoint string) string {
	e := base64.RawURLEncoding.EncodeToString
	text, _ := json.Marshal(map[string]any{"endpoint": endpoint, "keys": map[string]string{"p256dh": e(p.key.PublicKey().Bytes()), "auth": e(p.auth)}})
	return string(text)
}

// reads decrypts a message by RFC 8291 3.4 and RFC 8188 2.
func (p phone) reads(body []byte) ([]byte, error) {
	if len(body) < 86 || body[20] != 65 {
		return nil, errors.New("no header of RFC 8188 with a key of P-256")
	}
	sender, err := ecdh.P256().NewPublicKey(body[21:86])
	if err != nil {
		return nil, err
	}
	shared, err := p.key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, _ := hkdf.Key(sha256.New, secret, salt, info, n) // of these lengths it never fails
		return out
	}
	ikm := derive(shared, p.auth, "WebPush: info\x00"+string(p.key.PublicKey().Bytes())+string(body[21:86]), 32)
	block, err := aes.NewCipher(derive(ikm, body[:16], "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, derive(ikm, body[:16], "Content-Encoding: nonce\x00", 12), body[86:], nil)
	text, last := strings.CutSuffix(strings.TrimRight(string(plain), "\x00"), "\x02")
	if err == nil && !last {
		err = errors.New("the record is not marked as the last")
	}
	return []byte(text), err
}
