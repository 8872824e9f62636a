//go:build browser

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/portal/chromium"
)

// TestBrowserPasskey walks through the program as it is built with Chromium's own authenticator: a parent adds a passkey,
// follows the link of a message while nobody is signed in, signs in by the passkey, and is at the page of the request,
// where one tap answers.
func TestBrowserPasskey(t *testing.T) {
	s := founded(t, "")
	anna := s.browser("127.0.0.1")
	anna.founds()
	anna.enrols("Pre", "pre-phone", "127.0.0.2")
	_, id := s.asks("127.0.0.2", "naked.example", "for the museum")

	b := chromium.Open(t, fmt.Sprintf("MAP hearth.home.arpa %s", strings.TrimSuffix(s.console, ":"+portOf(s.console))), chromedp.IgnoreCertErrors)
	if _, err := chromedp.Call(b.Ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, AutomaticPresenceSimulation: true,
	}
	if _, err := chromedp.Call(b.Ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options}); err != nil {
		t.Fatal(err)
	}
	b.Go(anna.base + "/signin")
	b.Write("[name=name]", "Anna")
	b.Write("[name=passphrase]", passphrase)
	b.Click("main form button")
	b.At("/")
	b.Go(anna.base + "/account")
	b.Click("[data-passkey=add]")
	b.Says("The passkey is added")
	b.Click("form[action='/signout'] button")
	b.At("/signin")

	path := "/requests/" + id
	b.Go(anna.base + path)
	b.At("/signin")
	b.Clicks = 0
	b.Click("[data-passkey=get]")
	b.At(path)
	b.Says("Pre asks")
	for _, size := range chromium.Screens() {
		for _, light := range []string{"light", "dark"} {
			b.Screen(size, light)
			b.Fits("request " + size.Name)
			b.Picture("request-" + size.Name + "-" + light)
		}
	}
	s.sees("127.0.0.2", "naked.example", true)
	b.Click("button[value='30m']")
	b.At(path + "?done=answered")
	b.Says("Anna said yes, until")
	s.sees("127.0.0.2", "naked.example", false)
	b.Picture("request-answered")
	t.Logf("from the link of the message, signed out, to the answer: %d clicks", b.Clicks)
}
