package console

import "net/http"

// toProvider sends the browser to the provider at which people sign in. It is a link and no form: the policy of the pages
// lets no form end elsewhere, and to be sent there proves nothing of anybody.
func (c *Console) toProvider(v *visit) error {
	if !c.Book.HasProvider() {
		return v.missing()
	}
	address, sealed, err := c.Book.BeginProvider(v.r.Context())
	if err != nil {
		return v.again("signin", v.signInForm(), err)
	}
	v.keep(ceremonyCookie, sealed, v.c.Now().Add(ceremonyLife))
	v.to(address)
	return nil
}

// fromProvider takes in who comes back.
func (c *Console) fromProvider(v *visit) error {
	if !c.Book.HasProvider() {
		return v.missing()
	}
	v.drop(ceremonyCookie) // it is good for one return
	back := v.r.URL.Query()
	if back.Has("error") { // OpenID Connect Core 1.0, 3.1.2.6: its words are the provider's, and are not shown
		return v.again("signin", v.signInForm(), &refusal{http.StatusForbidden, nil, v.say("signin.provider_problem")})
	}
	s, err := c.Book.FinishProvider(v.r.Context(), v.client(), v.cookie(ceremonyCookie), back)
	if err != nil {
		return v.again("signin", v.signInForm(), err)
	}
	v.signed(s)
	v.to(v.goal())
	return nil
}
