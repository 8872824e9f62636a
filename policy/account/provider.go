package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/hearthdns/hearth/policy/store"
)

// Provider is where people of an Internet provider sign in: OpenID Connect, code flow with PKCE.
type Provider struct {
	Issuer   string `yaml:"issuer"` // https://login.provider.example
	ClientID string `yaml:"client_id"`
	Secret   string `yaml:"-"`
	Redirect string `yaml:"redirect"` // of the console, as the provider knows it
	// Scopes are asked for beside openid.
	Scopes []string `yaml:"scopes"`
	// Household is the claim with the id of the household, which the provider chose: never an address of e-mail, which
	// people may choose themselves.
	Household string `yaml:"household"`
	// Role is the claim, a text or a list of texts, that Roles translates; "": everybody is a parent.
	Role  string          `yaml:"role"`
	Roles map[string]Role `yaml:"roles"`
	// Client speaks to the provider; nil means one of our own. Its time-out and its bounds are ours.
	Client *http.Client `yaml:"-"`
}

const (
	providerTimeout = 10 * time.Second
	// exchanges bounds who is signed in at the provider at once.
	exchanges = 8
	// awayFor is how long a provider that did not answer is not asked again.
	awayFor  = 30 * time.Second
	maxClaim = 1024 // octets
)

// Validate says what is wrong with the settings.
func (p Provider) Validate() error {
	var errs []error
	for name, text := range map[string]string{"issuer": p.Issuer, "redirect": p.Redirect} {
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			errs = append(errs, fmt.Errorf("%s: %q is no address of https: write such as https://login.provider.example", name, text))
		}
	}
	if p.ClientID == "" {
		errs = append(errs, errors.New("client_id: is missing: write what the provider calls Hearth"))
	}
	for name, claim := range map[string]string{"household": p.Household, "role": p.Role} {
		if strings.EqualFold(claim, "email") {
			errs = append(errs, fmt.Errorf("%s: an address of e-mail proves nothing: write a claim that the provider alone sets", name))
		}
	}
	if p.Household == "" && !slices.Contains(values(p.Roles), Operator) {
		errs = append(errs, errors.New("household: is missing: write the claim with the household's id"))
	}
	if p.Role == "" && len(p.Roles) > 0 {
		errs = append(errs, errors.New("role: is missing: write the claim that roles translates"))
	}
	for value, role := range p.Roles {
		if !slices.Contains([]Role{Parent, Child, Operator}, role) {
			errs = append(errs, fmt.Errorf("roles: %s: there is no role %q here: write parent, child or operator", value, role))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func values(m map[string]Role) (all []Role) {
	for _, r := range m {
		all = append(all, r)
	}
	return all
}

// relying is this side of the provider, which is asked for its settings when somebody first signs in.
type relying struct {
	Provider
	client *http.Client
	now    func() time.Time
	slots  chan struct{}

	mu     sync.Mutex
	config *oauth2.Config        // which remembers how the provider wants to be told the secret; nil until it answers
	tokens *oidc.IDTokenVerifier // which remembers its keys
	away   error                 // why it was not met
	asked  time.Time
}

func newRelying(p Provider, now func() time.Time) (*relying, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("the provider's settings: %w", err)
	}
	client := &http.Client{}
	if p.Client != nil {
		*client = *p.Client
	}
	client.Timeout = providerTimeout
	client.Transport = bounded{cmp.Or(client.Transport, http.DefaultTransport)}
	client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("the provider sends elsewhere: write the address that it sends to")
	}
	return &relying{Provider: p, client: client, now: now, slots: make(chan struct{}, exchanges)}, nil
}

// bounded reads no more of an answer than anybody has to say.
type bounded struct{ http.RoundTripper }

func (t bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxResponse), answer.Body}
	}
	return answer, err
}

// meet asks the provider for its settings, once it answers.
func (r *relying) meet(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config != nil {
		return nil
	}
	if passed := r.now().Sub(r.asked); r.away != nil && passed >= 0 && passed < awayFor {
		return r.away
	}
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), r.client) // who gives up waiting must not keep others away
	found, err := oidc.NewProvider(ctx, r.Issuer)
	if err != nil {
		r.away, r.asked = fmt.Errorf("asking the provider: %w", err), r.now()
		return r.away
	}
	r.tokens = found.VerifierContext(ctx, &oidc.Config{ClientID: r.ClientID, Now: r.now})
	r.config = &oauth2.Config{
		ClientID: r.ClientID, ClientSecret: r.Secret, Endpoint: found.Endpoint(), RedirectURL: r.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, r.Scopes...),
	}
	return nil
}

// HasProvider says whether people sign in at a provider.
func (b *Book) HasProvider() bool { return b.provider != nil }

func noProvider() error { return refused("", "nobody signs in at a provider here").with("provider") }

// elsewhere refuses what would open an account without its provider, which may have taken its role away.
func elsewhere() error {
	return refused("", "you sign in at the provider, and nowhere else: what proves you is there").with("provider")
}

var errAway = errors.New("it does not answer")

func wrongProvider() error {
	return &Error{Reason: Wrong, Text: "signing in at the provider did not come to its end here: try again"}
}

// BeginProvider gives where to send the browser, and the ceremony for a cookie.
func (b *Book) BeginProvider(ctx context.Context) (address, sealed string, err error) {
	if b.provider == nil {
		return "", "", noProvider()
	}
	if err := b.provider.meet(ctx); err != nil {
		b.Report.Error("the provider at which people sign in does not answer as it should", "error", err)
		return "", "", &Error{Reason: Wait, Case: "busy", Wait: time.Minute, Text: "the provider does not answer at this moment: try again in a minute"}
	}
	c := ceremony{What: toProvide, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	if sealed, err = b.sealed(c); err != nil {
		return "", "", err
	}
	return b.provider.config.AuthCodeURL(c.State, oidc.Nonce(c.Nonce), oauth2.S256ChallengeOption(c.Verifier)), sealed, nil
}

// FinishProvider signs in who comes back from the provider with these parameters of the address. Who has no account gets
// one, with the role and in the household that the provider says; both are read anew at each sign-in.
func (b *Book) FinishProvider(ctx context.Context, client Client, sealed string, back url.Values) (Signed, error) {
	if b.provider == nil {
		return Signed{}, noProvider()
	}
	c, ok := b.unsealed(toProvide, sealed)
	if !ok || subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(c.State)) != 1 || back.Get("code") == "" || len(back.Get("code")) > maxClaim {
		b.counts.signIn(ByProvider, false)
		return Signed{}, wrongProvider()
	}
	if issuer := back.Get("iss"); issuer != "" && issuer != b.provider.Issuer { // RFC 9207: the answer of another
		b.counts.signIn(ByProvider, false)
		return Signed{}, wrongProvider()
	}
	t, err := b.attempt(client, "", "provider", Account{})
	if err != nil {
		return Signed{}, err
	}
	a, err := b.provided(ctx, c, back.Get("code"))
	if err != nil {
		b.counts.signIn(ByProvider, false)
		e := new(Error)
		known := errors.As(err, &e)
		if errors.Is(err, errAway) || known && e.Reason == Wait {
			b.forgive(t) // nothing was guessed
		}
		if known {
			return Signed{}, err
		}
		b.Report.Error("what the provider says of somebody is not believed", "error", err)
		return Signed{}, wrongProvider()
	}
	b.forgive(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.used.first(c.State, c, b.now()) {
		return Signed{}, wrongProvider()
	}
	return b.enterProvided(ctx, client, a)
}

// provided asks the provider who came with a code.
func (b *Book) provided(ctx context.Context, c ceremony, code string) (Account, error) {
	select {
	case b.provider.slots <- struct{}{}:
		defer func() { <-b.provider.slots }()
	default:
		return Account{}, busy()
	}
	if err := b.provider.meet(ctx); err != nil {
		return Account{}, fmt.Errorf("%w: %w", errAway, err)
	}
	answer, err := b.provider.config.Exchange(oidc.ClientContext(ctx, b.provider.client), code, oauth2.VerifierOption(c.Verifier))
	if no := new(oauth2.RetrieveError); errors.As(err, &no) && no.Response.StatusCode/100 == 4 {
		return Account{}, errors.New("it does not take the code") // its words may hold what is secret
	}
	if err != nil {
		return Account{}, errAway
	}
	raw, _ := answer.Extra("id_token").(string)
	token, err := b.provider.tokens.Verify(ctx, raw)
	if err != nil {
		return Account{}, fmt.Errorf("its token of identity: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(c.Nonce)) != 1 {
		return Account{}, errors.New("its token of identity answers another question")
	}
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return Account{}, err
	}
	return b.provider.account(token.Issuer, token.Subject, claims, b.now())
}

// account translates claims. The id of the account follows from who the provider says that it is, and from nothing else.
func (r *relying) account(issuer, subject string, claims map[string]json.RawMessage, now time.Time) (Account, error) {
	a := Account{ID: "oidc-" + hashed(issuer+"\x00"+subject), Role: Parent, At: now, Provider: true}
	if subject == "" || len(subject) > maxClaim {
		return a, errors.New("it does not say who it is")
	}
	if r.Role != "" {
		roles := map[Role]bool{}
		for _, word := range words(claims[r.Role]) {
			if role, known := r.Roles[word]; known {
				roles[role] = true
			}
		}
		if len(roles) != 1 {
			return a, refused("role", "the provider does not say as whom you sign in here: ask its support").with("provider")
		}
		for role := range roles {
			a.Role = role
		}
	}
	if a.Household = Operators; a.Role != Operator {
		households := words(claims[r.Household])
		if r.Household == "" || len(households) != 1 || !validHousehold(households[0]) || households[0] == Operators {
			return a, refused("household", "the provider does not say which household is yours: ask its support").with("provider")
		}
		a.Household = households[0]
	}
	for _, claim := range []string{"name", "preferred_username"} {
		if said := words(claims[claim]); len(said) == 1 && a.Name == "" {
			a.Name, _ = goodName(said[0])
		}
	}
	a.Name = cmp.Or(a.Name, string(a.Role))
	return a, nil
}

// words reads a claim that is a text or a list of texts.
func words(claim json.RawMessage) []string {
	var one string
	if json.Unmarshal(claim, &one) == nil && one != "" && len(one) <= maxClaim {
		return []string{one}
	}
	var many []string
	if len(claim) > maxResponse || json.Unmarshal(claim, &many) != nil {
		return nil
	}
	return many
}

func subjectPointer(id string) store.Key { return pointer{ID: id}.key() }

// enterProvided signs in an account as the provider says that it is now. The caller holds mu.
func (b *Book) enterProvided(ctx context.Context, client Client, a Account) (Signed, error) {
	was, err := read[pointer](ctx, b, subjectPointer(a.ID))
	if err != nil {
		return Signed{}, err
	}
	if was.revision > 0 && was.value.Household != a.Household { // it moved: nothing of the old household stays with it
		if _, err := b.erase(ctx, was.value.Household, func(old Account) bool { return old.ID == a.ID }); err != nil {
			return Signed{}, err
		}
		was.revision = 0
	}
	before, err := read[Account](ctx, b, a.key())
	if err != nil {
		return Signed{}, err
	}
	if before.revision > 0 {
		a.Name, a.At = before.value.Name, before.value.At
	}
	if before.revision == 0 || before.value.Role != a.Role {
		a.Name, err = b.unused(ctx, a)
	}
	if err != nil {
		return Signed{}, err
	}
	p, err := b.proofOf(ctx, a)
	if err != nil {
		return Signed{}, err
	}
	w, err := set(a, before.revision)
	if err != nil {
		return Signed{}, err
	}
	to, err := set(pointer{ID: a.ID, Household: a.Household, Account: a.ID}, was.revision)
	if err != nil {
		return Signed{}, err
	}
	signed, err := b.begin(ctx, a, entry{client: client, means: ByProvider, proof: p, writes: []store.Write{w, to}})
	if err == nil {
		b.somebody.Store(true)
	}
	return signed, err
}

// unused gives an account that is new, or of another role than before, a name that nobody else of the household has.
func (b *Book) unused(ctx context.Context, a Account) (string, error) {
	name := a.Name
	for n := 2; ; n++ {
		other, _, err := b.named(ctx, a.Household, name)
		if err != nil {
			return "", err
		}
		switch fits := b.Fits(a.Household, name, a.Role) == nil; {
		case fits && other.revision == 0:
			return name, b.free(ctx, a.Household, name)
		case fits && other.value.ID == a.ID:
			return name, nil
		}
		name = fmt.Sprintf("%s %d", a.Name[:min(len(a.Name), maxName-5)], n)
	}
}
