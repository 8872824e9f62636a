package account

import (
	"slices"
	"time"
)

// freshFor is how long after a sign-in somebody may do what an unlocked phone in other hands must not: give accounts and
// tokens, change a passphrase, add a passkey.
const freshFor = 15 * time.Minute

// Actor is who gives accounts or takes them away. The zero Actor is nobody.
type Actor struct {
	Role      Role
	Household string
	Account   string // its id; of a token, of who made it; "" of the machine
	Name      string

	machine, token bool
	proved         time.Time // when who is signed in said so last
}

// Machine acts for whoever has the machine's shell.
func Machine() Actor { return Actor{Name: "the machine", machine: true} }

// Actor gives who is signed in.
func (s Session) Actor() Actor {
	return Actor{Role: s.Who.Role, Household: s.Household, Account: s.Account, Name: s.Who.Name, proved: s.Proved}
}

// Actor gives who acts by a token: an operator if it is for the whole machine, else nobody, because no scope of a
// household is about who may sign in there.
func (t Token) Actor() Actor {
	if !t.All || !slices.Contains(t.Scopes, scopeOperate) {
		return Actor{}
	}
	return Actor{Role: Operator, Account: t.Account, Name: t.Name, token: true}
}

// reads says whether somebody may see who has an account in a household. Another's household is as unknown as none.
func (b *Book) reads(a Actor, household string) error {
	if a.machine || a.Role == Operator || a.Role == Parent && a.Household == household && household != "" {
		return nil
	}
	return unknown("household", "there is no such household")
}

// governs says whether somebody may change who has an account in a household.
func (b *Book) governs(a Actor, household string) error {
	if err := b.reads(a, household); err != nil {
		return err
	}
	return b.fresh(a)
}

// fresh says whether somebody has proved lately who they are. The machine and tokens have nothing to prove.
func (b *Book) fresh(a Actor) error {
	if !a.machine && !a.token && b.now().Sub(a.proved) > freshFor {
		return stale()
	}
	return nil
}
