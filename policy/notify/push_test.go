package notify

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// browser is what subscribes to Web Push and can read what comes.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth)
	return browser{key, auth}
}

// channel subscribes at an endpoint.
func (b browser) channel(endpoint string) Channel {
	e := base64.RawURLEncoding.EncodeToString
	return Channel{Kind: Push, To: endpoint, P256dh: e(b.key.PublicKey().Bytes()), Auth: e(b.auth), Name: "phone"}
}

// open decrypts a message as RFC 8291 3.4 and RFC 8188 2 say: one record, whose padding goes with it.
func (b browser) open(body []byte) ([]byte, error) {
	if len(body) < 21+65 || body[20] != 65 {
		return nil, errors.New("no header of RFC 8188 with a key of P-256")
	}
	salt, size, sender := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86]
	if int(size) < len(body)-86 {
		return nil, fmt.Errorf("more than one record of %d octets", size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	ikm, err := hkdf.Key(sha256.New, shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, body[86:], nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("the record is not marked as the last")
	}
	return []byte(strings.TrimSuffix(text, "\x02")), nil
}

// TestStandInReadsRFC8291 holds the stand-in to the example of RFC 8291 5.
func TestStandInReadsRFC8291(t *testing.T) {
	d := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, err := ecdh.P256().NewPrivateKey(d("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key, d("BTBZMqHH6r4Tts7J_aSIgg")}
	text, err := b.open(d("DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"))
	if err != nil || string(text) != "When I grow up, I want to be a watermelon" {
		t.Errorf("%q, %v", text, err)
	}
}

// checkVAPID checks who a request says that it comes from, as RFC 8292 2 and 3 say.
func checkVAPID(header, origin, key, contact string) error {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(header, "vapid ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	if !ok || fields["k"] != key {
		return fmt.Errorf("no key of ours: %q", header)
	}
	parts := strings.Split(fields["t"], ".")
	if len(parts) != 3 {
		return errors.New("no JWT")
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return err
		}
	}
	public, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return err
	}
	verifier, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(raw[2]) != 64 || !ecdsa.Verify(verifier, sum[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
		return errors.New("the signature is wrong")
	}
	var head struct{ Typ, Alg string }
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := errors.Join(jsonInto(raw[0], &head), jsonInto(raw[1], &claims)); err != nil {
		return err
	}
	left := time.Until(time.Unix(claims.Exp, 0))
	if head.Alg != "ES256" || claims.Aud != origin || claims.Sub != contact || left <= 0 || left > 24*time.Hour {
		return fmt.Errorf("%+v %+v, want %s for %s within a day", head, claims, contact, origin)
	}
	return nil
}

// pushService is a stand-in of a push service, by RFC 8030 5.
type pushService struct {
	t      *testing.T
	phone  browser
	key    func() string
	origin func() string

	mu     sync.Mutex
	status int
	header http.Header // of the last request
	got    []pushed
	length int // of the last body
}

func (s *pushService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != 0 {
		w.WriteHeader(s.status)
		return
	}
	if err := checkVAPID(r.Header.Get("Authorization"), s.origin(), s.key(), "mailto:admin@home.example"); err != nil {
		s.t.Error(err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4097))
	if err != nil || len(body) > 4096 { // RFC 8030 7.2
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if r.Method != http.MethodPost || r.Header.Get("TTL") == "" || r.Header.Get("Content-Encoding") != "aes128gcm" {
		s.t.Errorf("%s with %v", r.Method, r.Header)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	text, err := s.phone.open(body)
	if err != nil {
		s.t.Error(err)
		return
	}
	var m pushed
	if err := jsonInto(text, &m); err != nil {
		s.t.Error(err)
	}
	s.header, s.length, s.got = r.Header, len(body), append(s.got, m)
	w.Header().Set("Location", s.origin()+"/message/1")
	w.WriteHeader(http.StatusCreated)
}

func newPushService(t *testing.T) (*pushService, *Post, string) {
	t.Helper()
	s := &pushService{t: t, phone: newBrowser(t)}
	server, roots := secure(t, s.ServeHTTP)
	p := post(t, roots, func(c *Config) {
		c.Settings.Private, c.Settings.Contact = true, "admin@home.example"
	})
	s.key, s.origin = p.PublicKey, func() string { return server.URL }
	return s, p, server.URL + "/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"
}

// TestPush: a message reaches the browser alone, signed by our key.
func TestPush(t *testing.T) {
	s, p, endpoint := newPushService(t)
	c := add(t, p, s.phone.channel(endpoint))
	l := p.letter(c, "1", Message{Household: "h-home", Kind: Request, Member: "Kim", Site: "games.example", Path: "/requests/7"}, 1, false)
	if f := p.send(t.Context(), l); f != nil {
		t.Fatal(f)
	}
	want := notice{Title: "1 request", Body: "Kim", Navigate: home + "/requests/7", Tag: "hearth-request", Actions: []noticeAction{{home + "/requests", "Answer", home + "/requests"}}}
	if got := s.got[0]; got.Version != 8030 || fmt.Sprint(got.Notification) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, want := range map[string]string{"Urgency": "high", "TTL": "86400"} {
		if got := s.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// RFC 8030 5.4: at most 32 characters of base64url.
	topic := s.header.Get("Topic")
	if b, err := base64.RawURLEncoding.DecodeString(topic); err != nil || len(b) == 0 || len(topic) > 32 {
		t.Errorf("topic %q", topic)
	}
	if s.length != 4096 {
		t.Errorf("%d octets: the length of a message tells of it", s.length)
	}
}

// TestPushFits: the longest texts fit into a push, and what they lose is their end.
func TestPushFits(t *testing.T) {
	s, p, endpoint := newPushService(t)
	p.cfg.Words = func(Draft) Text {
		long := strings.Repeat("\u6f22\"<", 2000)
		return Text{Title: long, Body: long, Actions: []Action{{long, "/" + long}, {long, "/x"}, {long, "/y"}, {long, "/z"}}}
	}
	if err := p.Test(t.Context(), "h-home", s.phone.channel(endpoint)); err != nil {
		t.Fatal(err)
	}
	if n := s.got[0].Notification; !strings.HasPrefix(n.Title, "\u6f22\"<") || len([]rune(n.Title)) != maxTitle {
		t.Errorf("the title is %q", n.Title)
	}
}

// TestPushEnds: 404 and 410 remove the subscription (RFC 8030 7.3), and nothing else does.
func TestPushEnds(t *testing.T) {
	for status, want := range map[int]struct {
		why  Why
		left int
	}{
		http.StatusNotFound: {Gone, 0}, http.StatusGone: {Gone, 0},
		http.StatusForbidden: {Login, 1}, http.StatusTooManyRequests: {Busy, 1}, http.StatusInternalServerError: {Busy, 1},
		http.StatusBadRequest: {Refused, 1}, http.StatusRequestEntityTooLarge: {Refused, 1},
	} {
		s, p, endpoint := newPushService(t)
		c := add(t, p, s.phone.channel(endpoint))
		s.status = status
		f := p.attempt(t.Context(), laneKey{"h-home", c.ID, Push, Request}, "1", Message{Household: "h-home", Kind: Request}, 1)
		if f == nil || f.Why != want.why {
			t.Errorf("%d: %v, want %s", status, f, want.why)
		}
		if found, err := p.Channels(t.Context(), "h-home"); err != nil || len(found) != want.left {
			t.Errorf("%d: %d channels are left (%v), want %d", status, len(found), err, want.left)
		}
		if r, ok := p.Last("h-home", c.ID); !ok || r.Failure == nil {
			t.Errorf("%d: the last result is %v %t", status, r, ok)
		}
	}
}

// TestPushRenewed: a browser that subscribed again meanwhile is not removed for its old subscription's end.
func TestPushRenewed(t *testing.T) {
	s, p, endpoint := newPushService(t)
	c := add(t, p, s.phone.channel(endpoint))
	old, _, err := p.one(t.Context(), "h-home", c.ID)
	if err != nil {
		t.Fatal(err)
	}
	add(t, p, newBrowser(t).channel(endpoint))
	p.unsubscribe(t.Context(), laneKey{"h-home", c.ID, Push, Request}, old.revision)
	if found, _ := p.Channels(t.Context(), "h-home"); len(found) != 1 {
		t.Errorf("%d channels are left", len(found))
	}
}

// TestKey: the key is made once, for us alone, and a broken one is not replaced.
func TestKey(t *testing.T) {
	dir := t.TempDir()
	one, err := openKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, keyFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.Chmod(file, 0o644); err != nil { //nolint:gosec // what it must mend
		t.Fatal(err)
	}
	if again, err := openKey(dir); err != nil || again != one {
		t.Errorf("another key after a restart: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	for _, text := range []string{"", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKey(dir); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%q: %v", text, err)
		}
		if got, _ := os.ReadFile(file); string(got) != text {
			t.Error("a broken key was replaced")
		}
	}
}

// TestNoKey: a key that cannot be read or kept costs Web Push and nothing else, and the operator is told.
func TestNoKey(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := post(t, nil, func(c *Config) { c.State, c.Report = dir, slog.New(slog.NewTextHandler(&log, nil)) })
	if _, err := p.Add(t.Context(), "h-home", newBrowser(t).channel("https://push.example/x")); why(t, err) != Off {
		t.Errorf("%v", err)
	}
	if p.PublicKey() != "" || fmt.Sprint(p.Offers()) != "[webhook]" || !strings.Contains(log.String(), "there is no Web Push") {
		t.Errorf("%q %v %s", p.PublicKey(), p.Offers(), &log)
	}
	add(t, p, hook(1))
}

// TestContact: what push services are told is an address of the internet, in the form that RFC 8292 2.1 wants.
func TestContact(t *testing.T) {
	for want, s := range map[string]Settings{
		"mailto:a@home.example":               {Contact: "a@home.example", Mail: MailSettings{From: "b@home.example"}},
		"mailto:b@home.example":               {Mail: MailSettings{From: "b@home.example"}},
		"https://home.example":                {Contact: "https://home.example"},
		"https://github.com/hearthdns/hearth": {},
	} {
		var header string
		server, roots := secure(t, func(_ http.ResponseWriter, r *http.Request) { header = r.Header.Get("Authorization") })
		p := post(t, roots, private)
		if err := (pushCarrier{newWeb(p.cfg.Resolve, p.guard, roots), mustKey(t, p), s.contact()}).send(context.Background(), p.letter(newBrowser(t).channel(server.URL), "1", Message{Kind: test}, 1, false)); err != nil {
			t.Fatal(err)
		}
		if err := checkVAPID(header, server.URL, p.PublicKey(), want); err != nil {
			t.Error(err)
		}
	}
}

func mustKey(t *testing.T, p *Post) pushKey {
	t.Helper()
	key, err := openKey(p.cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
