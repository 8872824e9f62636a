package tickets

import (
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Kind is what somebody says of a name.
type Kind string

// The kinds of tickets.
const (
	Appeal Kind = "appeal" // it is blocked by mistake
	Report Kind = "report" // it is bad, and not blocked
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Appeal, Report} }

// Why is the reason that somebody gives. The set is closed, so that a page can offer it in every language.
type Why string

// The reasons.
const (
	WhyFine     Why = "fine"     // it does no harm to whom it is blocked for
	WhyCategory Why = "category" // it is something else than the list says
	WhyHelp     Why = "help"     // it is a place where people find help
	WhyScary    Why = "scary"    // something there was bad or frightened somebody
	WhyOther    Why = "other"    // none of these
)

// Reasons lists those of a kind, in the order in which a page offers them.
func Reasons(k Kind) []Why {
	if k == Report {
		return []Why{WhyScary, WhyCategory, WhyOther}
	}
	return []Why{WhyFine, WhyCategory, WhyHelp, WhyOther}
}

// Outcome is what became of a ticket; "" while it is open. The set is closed.
type Outcome string

// The outcomes.
const (
	Open      Outcome = ""
	Upheld    Outcome = "upheld"    // the person is right: it is a proposal for the signed list now
	Declined  Outcome = "declined"  // it stays as it is
	Sent      Outcome = "sent"      // whoever makes the list is to decide
	Duplicate Outcome = "duplicate" // another ticket has the outcome
	Expired   Outcome = "expired"   // nobody decided it in time
)

// Outcomes lists what a ticket can be decided as.
func Outcomes() []Outcome { return []Outcome{Upheld, Declined, Sent, Duplicate} }

// Ticket is a name that somebody wants looked at, as the operator sees it.
type Ticket struct {
	Number     string      `json:"number"` // the first of the numbers that people were given for it
	Kind       Kind        `json:"kind"`
	Name       string      `json:"name"`
	Category   string      `json:"category,omitempty"` // appeal: that it is blocked for; report: that it should have, "" if nobody said
	List       string      `json:"list,omitempty"`     // that says so
	Version    string      `json:"version,omitempty"`  // short hash of that list's content
	Entry      string      `json:"entry,omitempty"`    // by which it does
	Help       bool        `json:"help,omitempty"`     // it is a protected name of help, or was said to be one
	Why        map[Why]int `json:"why,omitempty"`
	Words      []string    `json:"words,omitempty"` // what people wrote to it, until it is decided
	Households int         `json:"households"`      // how many different ones asked; from MaxHouseholds on they are not told apart
	Before     Outcome     `json:"before,omitempty"`
	Opened     time.Time   `json:"opened"`
	Due        time.Time   `json:"due"` // what the first who asked was promised

	Outcome Outcome   `json:"outcome,omitempty"`
	Word    string    `json:"word,omitempty"` // told to who knows a number
	Decided time.Time `json:"decided,omitzero"`
	By      string    `json:"by,omitempty"`
	Of      string    `json:"of,omitempty"` // Duplicate: number of the other
}

// record is a ticket as it is kept.
type record struct {
	Ticket
	Numbers []string `json:"numbers"`          // sorted: all that were given for it
	Voters  []string `json:"voters,omitempty"` // sorted keyed hashes of who asked; none once it is decided
}

// clone is a copy that can be changed.
func (r *record) clone() *record {
	c := *r
	c.Why = make(map[Why]int, len(r.Why)+1)
	for why, n := range r.Why {
		c.Why[why] = n
	}
	c.Words, c.Numbers, c.Voters = slices.Clone(r.Words), slices.Clone(r.Numbers), slices.Clone(r.Voters)
	return &c
}

// shown is a copy for others.
func (r *record) shown() Ticket { return r.clone().Ticket }

// subject is what one open ticket is about.
type subject struct {
	kind           Kind
	name, category string
}

func (t *Ticket) subject() subject { return subject{t.Kind, t.Name, t.Category} }

// Standing is what the lists and the law say of a name.
type Standing struct {
	Illegal bool    // a legal list has it
	Own     bool    // the resolver answers it itself
	Help    bool    // it is a protected name of help
	Claims  []Claim // lists that put it into a category
}

// Claim is one list that puts a name into a category.
type Claim struct {
	Category string
	List     string
	Version  string // short hash of its content
	Entry    string // as it stands in the list
}

// claim chooses the one that an appeal is about: that of the category by which the name was blocked, or the first.
func (s *Standing) claim(category string) (Claim, bool) {
	if i := slices.IndexFunc(s.Claims, func(c Claim) bool { return c.Category == category }); i >= 0 {
		return s.Claims[i], true
	}
	if len(s.Claims) == 0 {
		return Claim{}, false
	}
	return s.Claims[0], true
}

// blocking says whether names can be proposed for a category.
func blocking(t *blocklists.Taxonomy, category string) bool {
	_, known := t.Lookup(category)
	return known && !reserved(category)
}
