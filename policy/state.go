package policy

// State is what holds for one household beside its definition: what people changed
// while the server ran. Times are unix seconds.
type State struct {
	Grants     []Grant
	Pauses     []Pause
	Offs       []FilterOff
	Uses       []Use
	Promotions []Promotion
	Things     []Thing
	Logs       []Log
}

// Subject is whom something concerns: a member, a device, or with neither the house.
type Subject struct {
	Member string `json:"member,omitempty"`
	Device string `json:"device,omitempty"`
}

// GrantKind is what a grant is for. The set is closed; each lifts the steps that its
// comment names, and nothing else.
type GrantKind string

// The kinds of grants.
const (
	GrantTime     GrantKind = "time"     // extra time: 5 and 6
	GrantBonus    GrantKind = "bonus"    // minutes onto the quota Value, for the day it is given
	GrantName     GrantKind = "name"     // 9 to 12 for a name and all beneath; with AtBedtime 5 and 6 too
	GrantService  GrantKind = "service"  // 9 and 10 for a service
	GrantCategory GrantKind = "category" // 9 and 10 for a category
	GrantContinue GrantKind = "continue" // one warning of a category, by whom it warned
	GrantSecurity GrantKind = "security" // 7 for exactly one name, after an adult's separate confirmation
)

// GrantKinds lists the kinds.
func GrantKinds() []GrantKind {
	return []GrantKind{GrantTime, GrantBonus, GrantName, GrantService, GrantCategory, GrantContinue, GrantSecurity}
}

// Grant lifts some steps of the order for somebody.
type Grant struct {
	ID        string    `json:"id"`
	Subject   Subject   `json:"subject"`
	Kind      GrantKind `json:"kind"`
	Value     string    `json:"value,omitempty"` // name, id of a category or service, what a quota is of
	AtBedtime bool      `json:"at_bedtime,omitempty"`
	Minutes   int       `json:"minutes,omitempty"` // of a bonus
	At        int64     `json:"at"`                // when it was given, and begins
	Until     int64     `json:"until,omitempty"`   // 0: until it is revoked
	By        string    `json:"by,omitempty"`
	Why       string    `json:"why,omitempty"`
}

// Pause stops the internet for somebody: all names but those that are always on.
type Pause struct {
	ID      string  `json:"id"`
	Subject Subject `json:"subject"`
	At      int64   `json:"at"`
	Until   int64   `json:"until,omitempty"` // 0: until it is ended
	By      string  `json:"by,omitempty"`
}

// FilterOff stops the filter for somebody, not the internet. The law, the resolver's own
// names and security stay in force. It always has an end.
type FilterOff struct {
	ID      string  `json:"id"`
	Subject Subject `json:"subject"`
	At      int64   `json:"at"`
	Until   int64   `json:"until"`
	By      string  `json:"by,omitempty"`
}

// Use says which of its members uses a shared device.
type Use struct {
	Device string `json:"device"`
	Member string `json:"member"`
	At     int64  `json:"at"`
	Until  int64  `json:"until"`
}

// Promotion is the band that a member with a birth date was last confirmed in. The
// band that the birth date gives counts only as far; at 18 the controls end by themselves.
type Promotion struct {
	Member string `json:"member"`
	Born   Date   `json:"born"` // another birth date in the definition begins anew
	Band   string `json:"band"`
	At     int64  `json:"at"`
	By     string `json:"by,omitempty"`
}
