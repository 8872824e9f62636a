package portal

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// ExplainQuery asks what happens to a name for somebody at some moment. At most one of Client, Device and Member is
// set; none means this machine, 127.0.0.1.
type ExplainQuery struct {
	Name   string    // in any spelling, international ones too
	Client string    // an address and what else is known of the client, as policy.ReadFacts takes them
	Device string    // household/device, or the device alone where it is unique
	Member string    // household/member
	Type   string    // query type; "" means A
	At     string    // as policy.ParseAt reads it, in the household's zone; "" means Now
	Now    time.Time // the present
	// Presence adds what is known of the machine that has the client's address; nil knows nothing.
	Presence func(f *policy.Facts) bool
}

// QueryError says what is wrong with an ExplainQuery and what to write instead.
type QueryError struct {
	Field    string // name, client, device, member, type, at
	Unknown  bool   // well formed, but there is no such device or member
	Problem  string
	Original error
}

func (e *QueryError) Error() string { return e.Field + ": " + e.Problem }

func (e *QueryError) Unwrap() error { return e.Original }

// Explanation is the whole walk of one decision, for people and programs. A name on a legal list reads
// like one on a security list, and for both neither category nor list is named, so that nobody can
// read a legal list out of it.
type Explanation struct {
	Name       string      `json:"name"`
	Type       string      `json:"type"`
	Client     string      `json:"client,omitempty"`
	Status     string      `json:"status"` // known, guest, stranger or opted-out
	Household  string      `json:"household,omitempty"`
	Member     string      `json:"member,omitempty"`
	Device     string      `json:"device,omitempty"`
	Profile    string      `json:"profile,omitempty"`
	Band       string      `json:"band,omitempty"`
	At         time.Time   `json:"at"`
	Action     string      `json:"action"`
	Applied    bool        `json:"applied"`               // false: observed only
	Answer     string      `json:"answer"`                // what DNS says, in words
	SafeSearch string      `json:"safe_search,omitempty"` // the host as which the name answers, "" for itself
	Step       int         `json:"step"`                  // of the order of decisions; 0 for a stranger, and for who has not opted in
	StepName   string      `json:"step_name,omitempty"`
	Category   string      `json:"category,omitempty"`
	Categories []string    `json:"categories"` // all that the name is
	Rule       string      `json:"rule,omitempty"`
	Until      time.Time   `json:"until,omitzero"` // when what blocks it ends, or what is allowed may be blocked
	ID         string      `json:"id,omitempty"`   // decision id, as in the answer and on the page
	Lists      []ListEntry `json:"lists,omitempty"`
	Steps      []Step      `json:"steps"`
}

// Step is one step of the order that was asked; the last one decided.
type Step struct {
	Step    int    `json:"step"`
	Name    string `json:"name"`
	Verdict string `json:"verdict"` // pass, or the action
	Detail  string `json:"detail,omitempty"`
}

// Explain walks the order of decisions for a query, as the resolver does. Its errors are of type *QueryError.
func Explain(dir *policy.Directory, q ExplainQuery) (Explanation, error) {
	name, err := ParseName(q.Name)
	if err != nil {
		return Explanation{}, &QueryError{Field: "name", Original: err,
			Problem: fmt.Sprintf("%q is not a domain name (%v); write one such as example.com", q.Name, err)}
	}
	qtype, err := parseType(q.Type)
	if err != nil {
		return Explanation{}, err
	}
	client, addr, err := locate(dir, q)
	if err != nil {
		return Explanation{}, err
	}
	zone := q.Now.Location()
	if client.Household != nil && client.Household.Location != nil {
		zone = client.Household.Location
	}
	at, err := policy.ParseAt(q.At, q.Now, zone)
	if err != nil {
		return Explanation{}, &QueryError{Field: "at", Problem: err.Error(), Original: err}
	}
	e := Explanation{Name: name.String(), Type: qtype, At: at, Categories: []string{}, Steps: []Step{}}
	client = client.Now(at)
	e.identify(client, addr)
	if client.Profile == nil {
		e.Action, e.Answer = "refuse", "REFUSED: the client belongs to no household; add its network or device to one"
		return e, nil
	}
	if client.Status == policy.OptedOut { // whatever is blocked for it is so by the law, and what that is nobody is told
		e.Action, e.Answer = "untold", "nothing is filtered for a household that has not opted in but what the law demands, and that is told to nobody"
		return e, nil
	}
	var hashes blocklists.Hashes
	e.walk(dir, &client, dir.AskFor(name, typeNumber(qtype), &hashes))
	return e, nil
}

// ParseName reads a name in any spelling.
func ParseName(text string) (blocklists.Name, error) {
	for i := range len(text) {
		if text[i] < 0x80 {
			continue
		}
		ascii, err := toASCII(text)
		if err != nil {
			return nil, err
		}
		return blocklists.ParseName(ascii)
	}
	return blocklists.ParseName(text)
}

func parseType(text string) (string, error) {
	if text == "" {
		return "A", nil
	}
	text = strings.ToUpper(text)
	if len(text) > 16 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return "", &QueryError{Field: "type", Problem: fmt.Sprintf("%q is not a query type; write one such as A, AAAA or HTTPS", text)}
	}
	return text, nil
}

// locate finds whom the query is about.
func locate(dir *policy.Directory, q ExplainQuery) (policy.Client, netip.Addr, error) {
	given := 0
	for _, s := range []string{q.Client, q.Device, q.Member} {
		if s != "" {
			given++
		}
	}
	var none netip.Addr
	switch {
	case given > 1:
		return policy.Client{}, none, &QueryError{Field: "client", Problem: "client, device and member exclude each other; give one of them"}
	case q.Device != "":
		client, err := dir.LocateDevice(q.Device)
		return client, none, unknown("device", err)
	case q.Member != "":
		client, err := dir.LocateMember(q.Member)
		return client, none, unknown("member", err)
	case q.Client == "":
		q.Client = "127.0.0.1"
	}
	f, err := policy.ReadFacts(q.Client)
	if err != nil {
		return policy.Client{}, none, &QueryError{Field: "client", Original: err, Problem: err.Error()}
	}
	if q.Presence != nil && f.MAC.IsZero() && f.Name == "" {
		q.Presence(&f)
	}
	return dir.IdentifyBy(&f), f.Addr, nil
}

func unknown(field string, err error) error {
	if err == nil {
		return nil
	}
	return &QueryError{Field: field, Unknown: true, Problem: err.Error(), Original: err}
}

func (e *Explanation) identify(c policy.Client, addr netip.Addr) {
	e.Status = c.Status.String()
	if addr.IsValid() {
		e.Client = addr.String()
	}
	if c.Household != nil {
		e.Household = c.Household.ID
	}
	if c.Member != nil {
		e.Member = c.Member.Name
	}
	if c.Device != nil {
		e.Device = c.Device.Name
	}
	if c.Profile != nil {
		e.Profile, e.Band = c.Profile.Name(), c.Profile.Band().String()
	}
}
