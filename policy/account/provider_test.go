package account_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// standIn is a provider on the loopback that speaks OpenID Connect Core 1.0 with the code flow and PKCE (RFC 7636).
type standIn struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey
	now func() time.Time

	mu    sync.Mutex
	codes map[string]url.Values // what was asked for with a code
	says  map[string]any        // claims of whoever signs in
	bend  func(claims map[string]any)
	sign  *rsa.PrivateKey
	alg   string
	asked int  // for tokens
	loose bool // takes a code twice
}

func newStandIn(t *testing.T) *standIn {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &standIn{t: t, key: key, sign: key, alg: "RS256", codes: map[string]url.Values{}, says: map[string]any{"sub": "subscriber-7", "hh": "line-42", "name": "Anna"}, bend: func(map[string]any) {}}
	mux := http.NewServeMux()
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", p.token)
	return p
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// authorize is what a person does in the browser: it gives the parameters that the provider sends back.
func (p *standIn) authorize(address string) url.Values {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" || q.Get("nonce") == "" || !strings.Contains(q.Get("scope"), "openid") {
		p.t.Fatalf("it asks without what is needed: %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
}

func (p *standIn) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	q, there := p.codes[r.PostFormValue("code")]
	if !p.loose {
		delete(p.codes, r.PostFormValue("code"))
	}
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, _ := r.BasicAuth()
	if !there || b64(challenge[:]) != q.Get("code_challenge") || id != "hearth" || secret != "s3cret" || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": p.URL, "aud": "hearth", "exp": p.now().Add(5 * time.Minute).Unix(), "iat": p.now().Unix(), "nonce": q.Get("nonce")}
	maps.Copy(claims, p.says)
	p.bend(claims)
	answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.jwt(claims)})
}

func (p *standIn) jwt(claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"alg": p.alg, "kid": "1", "typ": "JWT"})
	body, _ := json.Marshal(claims)
	text := b64(head) + "." + b64(body)
	if p.alg == "none" {
		return text + "."
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.sign, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// set changes what the provider says from now on.
func (p *standIn) set(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.says = claims
}

// subscribed is a house whose people sign in at a provider.
func subscribed(t *testing.T, change ...func(*account.Config)) (*house, *standIn) {
	p := newStandIn(t)
	h := open(t, append([]func(*account.Config){func(c *account.Config) {
		c.Provider = &account.Provider{
			Issuer: p.URL, ClientID: "hearth", Secret: "s3cret", Redirect: origin + "/signed-in", Household: "hh", Role: "groups",
			Roles: map[string]account.Role{"subscribers": account.Parent, "support": account.Operator}, Client: p.Client(),
		}
		p.now = c.Now
	}}, change...)...)
	p.set(map[string]any{"sub": "subscriber-7", "hh": "line-42", "name": "Anna", "groups": []string{"subscribers", "bowling"}})
	return h, p
}

// visits goes to the provider and comes back.
func (h *house) visits(p *standIn) (account.Signed, error) {
	h.t.Helper()
	address, sealed, err := h.BeginProvider(h.ctx)
	h.ok(err)
	return h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, p.authorize(address))
}

// TestProvider: who the provider vouches for gets an account with its role in its household, the same each time; what the
// provider says of them later holds from the next sign-in.
func TestProvider(t *testing.T) {
	h, p := subscribed(t)
	s, err := h.visits(p)
	h.ok(err)
	want(t, "household", s.Session.Household, "line-42")
	want(t, "role", s.Session.Who.Role, account.Parent)
	want(t, "name", s.Session.Who.Name, "Anna")
	want(t, "means", s.Session.Means, account.ByProvider)
	again, err := h.visits(p)
	h.ok(err)
	want(t, "account", again.Session.Account, s.Session.Account)
	want(t, "accounts", h.kinds("account"), 1)

	p.set(map[string]any{"sub": "subscriber-8", "hh": "line-42", "name": "anna", "groups": "subscribers"})
	second, err := h.visits(p)
	h.ok(err)
	want(t, "another of the same name", second.Session.Who.Name, "anna 2")

	p.set(map[string]any{"sub": "subscriber-7", "hh": "line-43", "name": "Anna", "groups": "subscribers"})
	moved, err := h.visits(p)
	h.ok(err)
	want(t, "household", moved.Session.Household, "line-43")
	want(t, "a session of the old household", h.valid(s.Cookie), false)
	for _, k := range h.keys(true) {
		if strings.HasPrefix(k, "line-42/") && strings.Contains(k, s.Session.Account) {
			t.Errorf("left in the old household: %s", k)
		}
	}
	p.set(map[string]any{"sub": "staff-1", "preferred_username": "Ops", "groups": []string{"support"}})
	op, err := h.visits(p)
	h.ok(err)
	want(t, "role", op.Session.Who.Role, account.Operator)
	want(t, "household", op.Session.Household, account.Operators)
	want(t, "an operator's session stays", op.Session.Own, false)
	staff := at("203.0.113.9")
	staff.Cookie = op.Cookie
	_, err = h.SetPassphrase(h.ctx, staff, "", words) // which would open it when the provider does not
	h.refuses(err, account.Refused)
	_, _, err = h.BeginPasskey(h.ctx, op.Cookie)
	h.refuses(err, account.Refused)
	end := h.Now().Add(time.Hour) // which the next sign-in would forget
	_, err = h.Amend(h.ctx, account.Machine(), account.Operators, op.Session.Account, account.Amendment{Until: &end})
	h.refuses(err, account.Refused)
	empty, err := h.Empty(h.ctx)
	h.ok(err)
	want(t, "nobody has an account", empty, false)
	_, err = h.signIn(at("192.0.2.1"), "line-43", "Anna", "")
	h.refuses(err, account.Wrong)
}

// TestHostileProviderAnswers: what is not signed by the provider, for us, for this question and this moment, is not
// believed; nor are households and roles that it does not clearly say.
func TestHostileProviderAnswers(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, v any) func(*standIn) {
		return func(p *standIn) { p.bend = func(c map[string]any) { c[name] = v } }
	}
	for what, bend := range map[string]func(*standIn){
		"another issuer":      claim("iss", "https://evil.example"),
		"another audience":    claim("aud", "somebody-else"),
		"another nonce":       claim("nonce", "x"),
		"no nonce":            claim("nonce", ""),
		"expired":             claim("exp", 1),
		"no subject":          claim("sub", ""),
		"another's key":       func(p *standIn) { p.sign = stranger },
		"not signed":          func(p *standIn) { p.alg = "none" },
		"another algorithm":   func(p *standIn) { p.alg = "HS256" },
		"no household":        claim("hh", ""),
		"two households":      claim("hh", []string{"line-1", "line-2"}),
		"a household of ours": claim("hh", "operators"),
		"a path":              claim("hh", "../x"),
		"no role":             claim("groups", []string{}),
		"a role of nobody":    claim("groups", "kings"),
		"two roles":           claim("groups", []string{"subscribers", "support"}),
		"an object":           claim("groups", map[string]any{"subscribers": true}),
	} {
		t.Run(what, func(t *testing.T) {
			h, p := subscribed(t)
			bend(p)
			_, err := h.visits(p)
			if err == nil {
				t.Fatal("it is believed")
			}
			want(t, "records", strings.Join(h.keys(false), " "), "")
		})
	}
}

// TestHostileReturns: whoever comes back must be who went, with the answer to what was asked, once, in time.
func TestHostileReturns(t *testing.T) {
	h, p := subscribed(t)
	address, sealed, err := h.BeginProvider(h.ctx)
	h.ok(err)
	_, eves, err := h.BeginProvider(h.ctx)
	h.ok(err)
	back := p.authorize(address)
	with := func(name, v string) url.Values {
		q := maps.Clone(back)
		q[name] = []string{v}
		return q
	}
	for what, do := range map[string]func() (account.Signed, error){
		"another browser": func() (account.Signed, error) { return h.FinishProvider(h.ctx, at("203.0.113.9"), eves, back) },
		"no ceremony":     func() (account.Signed, error) { return h.FinishProvider(h.ctx, at("203.0.113.9"), "", back) },
		"another state": func() (account.Signed, error) {
			return h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, with("state", "x"))
		},
		"no code": func() (account.Signed, error) {
			return h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, with("code", ""))
		},
		"another provider": func() (account.Signed, error) {
			return h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, with("iss", "https://evil.example"))
		},
		"nothing": func() (account.Signed, error) { return h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, nil) },
	} {
		_, err := do()
		h.refuses(err, account.Wrong)
		want(t, what+": the provider is asked", p.asked, 0)
	}
	p.loose = true
	_, err = h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, back)
	h.ok(err)
	_, err = h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, back)
	h.refuses(err, account.Wrong)
	p.loose = false
	// A code that was stolen from another's return is of no use without the verifier that went with it.
	address, _, err = h.BeginProvider(h.ctx)
	h.ok(err)
	stolen := p.authorize(address)
	mine, sealed, err := h.BeginProvider(h.ctx)
	h.ok(err)
	q := p.authorize(mine)
	q["code"] = stolen["code"]
	_, err = h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, q)
	h.refuses(err, account.Wrong)
	address, sealed, err = h.BeginProvider(h.ctx)
	h.ok(err)
	late := p.authorize(address)
	h.later(10 * time.Minute)
	_, err = h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, late)
	h.refuses(err, account.Wrong)
	// Who makes up codes is slowed, and with that how often the provider is asked.
	asked := p.asked
	for range 20 {
		address, sealed, err := h.BeginProvider(h.ctx)
		h.ok(err)
		q := p.authorize(address)
		q["code"] = []string{"made-up"}
		_, _ = h.FinishProvider(h.ctx, at("198.51.100.66"), sealed, q)
	}
	want(t, "asked", p.asked-asked, 5)
}

// TestProviderAway: while the provider is away nobody signs in there, and whoever is signed in stays so.
func TestProviderAway(t *testing.T) {
	h, p := subscribed(t)
	s, err := h.visits(p)
	h.ok(err)
	h.joins(account.Offer{Household: "home", Role: account.Parent, Name: "Bert"}, other)
	p.Close()
	for range 6 { // nobody guessed: no try is used up
		address, sealed, err := h.BeginProvider(h.ctx)
		h.ok(err)
		_, err = h.FinishProvider(h.ctx, at("203.0.113.9"), sealed, p.authorize(address))
		h.refuses(err, account.Wrong)
	}
	_, err = h.signIn(at("203.0.113.9"), "home", "Bert", other)
	h.ok(err)
	want(t, "session", h.valid(s.Cookie), true)
	away := open(t, func(c *account.Config) {
		c.Provider = &account.Provider{Issuer: p.URL, ClientID: "hearth", Redirect: origin, Household: "hh", Client: p.Client()}
	})
	_, _, err = away.BeginProvider(away.ctx)
	away.refuses(err, account.Wait)
	_, _, err = open(t).BeginProvider(h.ctx)
	h.refuses(err, account.Refused)
}

// TestProviderSettings: bad settings are refused with what to write instead.
func TestProviderSettings(t *testing.T) {
	good := account.Provider{Issuer: "https://login.provider.example", ClientID: "hearth", Redirect: origin, Household: "hh"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*account.Provider){
		"issuer":    func(p *account.Provider) { p.Issuer = "http://login.provider.example" },
		"redirect":  func(p *account.Provider) { p.Redirect = "/back" },
		"client_id": func(p *account.Provider) { p.ClientID = "" },
		"household": func(p *account.Provider) { p.Household = "email" },
		"role":      func(p *account.Provider) { p.Roles = map[string]account.Role{"x": account.Parent} },
		"roles":     func(p *account.Provider) { p.Role, p.Roles = "groups", map[string]account.Role{"x": "king"} },
	} {
		p := good
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
