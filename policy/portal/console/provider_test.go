package console_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// standIn is a provider on the loopback that speaks OpenID Connect Core 1.0 with the code flow. policy/account tries what
// such a one can do wrong.
type standIn struct {
	*httptest.Server
	key   *rsa.PrivateKey
	now   func() time.Time
	nonce string
}

func newStandIn(t *testing.T) *standIn {
	p := &standIn{key: must(rsa.GenerateKey(rand.Reader, 2048))}
	mux := http.NewServeMux()
	p.Server = httptest.NewTLSServer(mux)
	t.Cleanup(p.Close)
	tell := func(path string, what func() any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(what())
		})
	}
	tell("GET /.well-known/openid-configuration", func() any {
		return map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}}
	})
	e := base64.RawURLEncoding.EncodeToString
	tell("GET /keys", func() any {
		return map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": e(p.key.N.Bytes()), "e": e(big.NewInt(int64(p.key.E)).Bytes())}}}
	})
	tell("POST /token", func() any {
		claims := map[string]any{"iss": p.URL, "aud": "hearth", "exp": p.now().Add(time.Minute).Unix(), "iat": p.now().Unix(), "nonce": p.nonce, "sub": "subscriber-7", "hh": "one", "name": "Anna"}
		text := e([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + e(must(json.Marshal(claims)))
		sum := sha256.Sum256([]byte(text))
		return map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text + "." + e(must(rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])))}
	})
	return p
}

// begin follows the link to the provider, and gives what the provider would send back.
func (p *standIn) begin(t *testing.T, who *person) url.Values {
	t.Helper()
	keep := who.http.CheckRedirect
	who.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { who.http.CheckRedirect = keep }()
	to := must(url.Parse(who.get("/signin/provider").is(http.StatusSeeOther).head.Get("Location")))
	if "https://"+to.Host != p.URL || to.Path != "/authorize" {
		t.Fatalf("it leads to %s", to)
	}
	p.nonce = to.Query().Get("nonce")
	return url.Values{"code": {"c"}, "state": {to.Query().Get("state")}, "iss": {p.URL}}
}

// TestProvider: who the provider vouches for is signed in, once, in the browser that asked, and led nowhere else.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := newStandIn(t)
	h := openWith(t, func(c *account.Config) {
		p.now = c.Now
		c.Provider = &account.Provider{Issuer: p.URL, ClientID: "hearth", Secret: "s3cret", Redirect: c.Origins[0] + "/signin/provider/back", Household: "hh", Client: p.Client()}
	}, "", family, another)
	h.signedIn("two", account.Parent, "Bert")
	anna := h.somebody()
	anna.get("/signin").says("Sign in at your provider", `href="/signin/provider"`)
	back := p.begin(t, anna)
	thief := h.somebody()
	thief.get("/signin/provider/back?" + back.Encode()).is(http.StatusForbidden).says("Sign in at your provider")
	thief.get("/").at("/signin")
	anna.get("/signin/provider/back?" + back.Encode() + "&next=https://evil.example").is(http.StatusOK).at("/").says("Mia").lacks("Zoe")
	anna.get("/signin/provider/back?" + back.Encode()).is(http.StatusForbidden) // its ceremony is over
	other := h.somebody()
	back = p.begin(t, other)
	back.Set("state", "forged")
	other.get("/signin/provider/back?" + back.Encode()).is(http.StatusForbidden)
	other.get("/signin/provider/back?error=access_denied&error_description=%3Cb%3Ecall+0900").is(http.StatusForbidden).says("did not sign you in").lacks("0900")
	other.get("/").at("/signin")
}

// TestNoProvider: where people sign in at none, there is no way to one.
func TestNoProvider(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.signedIn("one", account.Parent, "Anna")
	p := h.somebody()
	p.get("/signin").lacks("provider")
	p.get("/signin/provider/back").is(http.StatusNotFound)
	p.get("/signin/provider").is(http.StatusNotFound)
	p.get("/signin/provider/back?state=x&code=y").is(http.StatusNotFound)
}
