package policy

import (
	"net/netip"
	"time"
)

// Household is a family, compiled.
type Household struct {
	ID       string
	Tenant   string
	Language string // BCP 47, or "": not chosen
	Country  string // ISO 3166-1 alpha-2, or ""
	Location *time.Location
	Enabled  bool // false: opted out
	Members  []*Member
	Devices  []*Device
	Guest    *Profile // of devices that are not known

	TwoAnswer    bool // requests of children are granted once two parents have said yes
	SupportNames bool // support sees by the id of a decision which site it was, and whose

	stands      // what people changed; Directory.Apply replaces it
	days        *days
	budget      *budget      // of guests
	recognition *recognition // nil: its devices are known by addresses and ids alone
}

// Member is a person of a household. Names are for the household's own eyes.
type Member struct {
	Name    string
	Band    Band
	Profile *Profile

	budget *budget
}

// Device is something that somebody uses.
type Device struct {
	Name string
	ID   string // its secret name in encrypted DNS, "" for none: never show it to anybody else
	// Addresses are the configured ones.
	Addresses []netip.Addr
	Members   []*Member // none if the device has a profile of its own and nobody's name
	Profile   *Profile
	Use       string // "school", "work", or ""
	Thing     *Thing // what it learned; nil: nothing, or it is no thing

	seats
	budget *budget
}

// Status says how well a client is known. The set is closed.
type Status uint8

// The states of knowledge.
const (
	Stranger Status = iota // of no household; has no profile
	Guest                  // an unknown device of a household
	Known                  // a device of a household
	OptedOut               // of a household that has not opted in: only the law applies, and nothing is kept
)

var statusNames = [...]string{"stranger", "guest", "known", "opted-out"}

// String gives the status' key.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "status"
}

// Client is who asks. The result of identification is never half known: a
// Stranger has nothing, everyone else a household and a profile.
type Client struct {
	Status    Status
	Household *Household
	Member    *Member // nil unless the device is one member's alone
	Device    *Device
	Profile   *Profile
	// Assumed: all that speaks for the device is what anybody can say of themselves. It is a Guest, whose Profile
	// allows no more than a guest's; what people take away from the device holds, what they grant it does not, and
	// nothing of the device is told or shown.
	Assumed bool
	// Forwarder is who asks for somebody behind it, nil for nearly all. Directory.IdentifyTold goes on from there;
	// the client itself is whoever it tells nothing of.
	Forwarder *Forwarder

	budget *budget // nil: no quotas
}
