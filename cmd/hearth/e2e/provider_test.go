package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// provider is one at which people sign in: OpenID Connect Core 1.0 with the code flow, PKCE (RFC 7636) and the issuer in its
// answer (RFC 9207). Whoever comes is who it was told last.
type provider struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu    sync.Mutex
	codes map[string]url.Values // what was asked for with a code
	who   map[string]any        // claims
	sign  *rsa.PrivateKey
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p := &provider{key: key, sign: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"authorization_response_iss_parameter_supported": true,
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		e := base64.RawURLEncoding.EncodeToString
		tell(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": e(key.N.Bytes()), "e": e(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	return p
}

func tell(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// authorize sends the browser of who signs in back with a code.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "hearth" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.codes[code] = q
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), http.StatusSeeOther)
}

// token gives what it says of who came, once for a code, to who has the secret and the verifier.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, there := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	e := base64.RawURLEncoding.EncodeToString
	if !there || e(challenge[:]) != q.Get("code_challenge") || id != "hearth" || secret != "s3cret" || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") {
		tell(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": "hearth", "exp": time.Now().Add(5 * time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": q.Get("nonce")}
	maps.Copy(claims, p.who)
	body, _ := json.Marshal(claims)
	text := e([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + e(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.sign, crypto.SHA256, sum[:])
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	tell(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text + "." + e(signature)})
}

// sends has the provider say who comes next.
func (p *provider) sends(who map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.who = who
}

// atProvider goes to the provider from the page of the sign-in, and gives the path that it sends the browser back to.
func (b *browser) atProvider(p *provider) string {
	b.s.t.Helper()
	b.does("/signin", nil).says(`href="/signin/provider"`)
	to := b.does("/signin/provider", nil)
	client := p.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := client.Get(to.to) //nolint:noctx // a test
	must(b.s.t, err)
	_ = r.Body.Close()
	back, ours := strings.CutPrefix(r.Header.Get("Location"), b.base)
	if to.code != http.StatusSeeOther || !strings.HasPrefix(to.to, p.URL+"/authorize?") || r.StatusCode != http.StatusSeeOther || !ours {
		b.s.t.Fatalf("to the provider: %d %s; from there: %d %s", to.code, to.to, r.StatusCode, r.Header.Get("Location"))
	}
	return back
}

// TestProvider: people sign in at a provider, as parent, child or operator as its claims say, come to the page that they
// came for, and who it does not vouch for gets nowhere; who has an account here signs in as before, also while it is away.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	s := unfounded(t, "")
	s.believes(p.Server)
	before, rest, _ := strings.Cut(s.read(), "  provider:\n")
	_, after, found := strings.Cut(rest, "    roles: []")
	_, after, _ = strings.Cut(after, "\n")
	if !found {
		t.Fatal("config.example.yaml has no provider")
	}
	s.write(before + fmt.Sprintf("  provider: {issuer: %q, client_id: hearth, secret_file: %q, household: hh, role: groups, roles: [{claim: subscribers, role: parent}, {claim: kids, role: child}, {claim: support, role: operator}]}\n",
		p.URL, s.secret("provider.secret", "s3cret")) + after)
	s.start()
	anna := s.browser("127.0.0.1")
	anna.founds()
	anna.enrols("Pre", "pre-phone", "127.0.0.2")
	_, id := s.asks("127.0.0.2", "naked.example", "")

	claims := func(sub, household, group string) map[string]any {
		return map[string]any{"sub": sub, "hh": household, "name": "Nele", "groups": []string{group, "bowling"}}
	}
	p.sends(claims("subscriber-7", "lighthouse", "subscribers"))
	nele := s.browser("127.0.0.1")
	nele.does("/requests/"+id, nil).is(http.StatusSeeOther, "/signin")
	back := nele.atProvider(p)
	s.browser("127.0.0.1").does(back, nil).is(http.StatusForbidden, "") // in a browser that did not ask
	back = nele.atProvider(p)
	nele.does(back, nil).is(http.StatusSeeOther, "/requests/"+id)
	nele.does("/requests/"+id, nil).says("Pre asks", "naked.example")
	s.browser("127.0.0.1").does(back, nil).is(http.StatusForbidden, "")
	nele.does("/answer", url.Values{"id": {id}, "for": {"30m"}}).is(http.StatusSeeOther, "/?done=answered")
	s.sees("127.0.0.2", "naked.example", false)

	p.sends(claims("subscriber-8", "lighthouse", "kids"))
	kid := s.browser("127.0.0.1")
	kid.does(kid.atProvider(p), nil).is(http.StatusSeeOther, "/")
	kid.does("/", nil).is(http.StatusForbidden, "")
	p.sends(claims("staff-1", "", "support"))
	staff := s.browser("127.0.0.1")
	staff.does(staff.atProvider(p), nil).is(http.StatusSeeOther, "/")
	staff.does("/", nil).says("lighthouse")

	stranger := 20
	for name, who := range map[string]map[string]any{
		"no group of ours": claims("subscriber-9", "lighthouse", "bowling"), "no household": claims("subscriber-9", "", "subscribers"), "for another": {"sub": "subscriber-9", "hh": "lighthouse", "groups": "subscribers", "aud": "other"},
		"too late": {"sub": "subscriber-9", "hh": "lighthouse", "groups": "subscribers", "exp": time.Now().Add(-time.Hour).Unix()}, "of an old question": {"sub": "subscriber-9", "hh": "lighthouse", "groups": "subscribers", "nonce": "n"},
	} {
		p.sends(who)
		stranger++ // each has tries of their own
		b := s.browser(fmt.Sprintf("127.0.0.%d", stranger))
		if got := b.does(b.atProvider(p), nil); got.code != http.StatusForbidden && got.code != http.StatusUnprocessableEntity || got.to != "" {
			t.Errorf("%s: %d to %q\n%s", name, got.code, got.to, got.text)
		}
		b.does("/", nil).is(http.StatusSeeOther, "/signin")
	}
	forged, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p.sends(claims("subscriber-7", "lighthouse", "subscribers"))
	p.mu.Lock()
	p.sign = forged
	p.mu.Unlock()
	b := s.browser("127.0.0.19")
	b.does(b.atProvider(p), nil).is(http.StatusForbidden, "")
	if out := s.must("household", "audit"); !strings.Contains(out, "Nele") || strings.Contains(out, "subscriber-9") {
		t.Errorf("the audit:\n%s", out)
	}

	p.Close()
	s.signsIn("127.0.0.1", "Anna", passphrase)
	nele.does("/", nil).says("Pre")
	b.does("/signin/provider", nil)
	b.does("/", nil).is(http.StatusSeeOther, "/signin")
	if out := s.log.String(); strings.Contains(out, "s3cret") || strings.Contains(out, "subscriber-") {
		t.Errorf("the log has what it must not:\n%s", out)
	}
}
