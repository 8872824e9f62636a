package policy

import (
	"fmt"

	"github.com/hearthdns/hearth/blocklists"
)

// Step is a place in the order of decisions, 1 to 12.
type Step uint8

// The steps; decide.go says why each stands where it stands.
const (
	StepLaw      Step = 1  // illegal.*: vetted abuse list, legal order
	StepNeeded   Step = 2  // names the resolver itself needs, and ok.help.core
	StepDenied   Step = 3  // the parents' own rules, if the winning one is a deny
	StepAlwaysOn Step = 4  // ok.help and the always-on set
	StepBedtime  Step = 5  // time rules over all names
	StepHomework Step = 6  // time rules over timed names
	StepSecurity Step = 7  // security categories
	StepAllowed  Step = 8  // the parents' own rules, if the winning one is an allow
	StepService  Step = 9  // services
	StepCategory Step = 10 // categories of the band, with the household's changes
	StepLabel    Step = 11 // age label of an unlisted name
	StepUnknown  Step = 12 // unknown and newly registered names
)

var stepNames = [...]string{"", "law", "needed", "denied", "always-on", "bedtime", "homework",
	"security", "allowed", "service", "category", "label", "unknown"}

// StepOf gives the step of a number, false for none.
func StepOf(n int) (Step, bool) {
	if n < int(StepLaw) || n > int(StepUnknown) {
		return 0, false
	}
	return Step(n), true
}

// String gives the step's short key.
func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return fmt.Sprintf("step(%d)", uint8(s))
}

// Action is what a decision asks for. The set is closed.
type Action uint8

// The actions.
const (
	Allow Action = iota
	Block
	Warn  // a block whose page offers to continue
	Fixed // the resolver's own answer: its own names, canaries, special-use names
)

var actionNames = [...]string{"allow", "block", "warn", "fixed"}

// String gives the action's key.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}

// Decision is the verdict on one question for one profile. It carries no name
// and no person.
type Decision struct {
	Action      Action
	Step        Step                // the step that decided
	Category    blocklists.Category // what it was decided by, if HasCategory
	HasCategory bool
	// Applied false means observed: computed and counted, not put into force.
	// Steps 1, 2 and 7 are always applied.
	Applied bool
	// Timed says that a homework window or a quota may switch the name off: its
	// replies live for MaxTTL's second value.
	Timed bool
	// Clock is what stopped it at the steps 5 and 6.
	Clock Clock
	// Granted says that a grant let it through, or that it would have been stopped without one.
	Granted bool
	// Silent says that a block's answer must carry no reason and not end with the
	// clock: the name is on a legal list or in a security category, whatever step
	// blocked it first, and the two must look alike at every hour.
	Silent bool
	// Until is the unix second at which the decision may change by itself; the
	// decision is the same at every instant before. 0: no end known.
	Until int64
	// Ends is the unix second at which the time rule that stops a name ends. Another rule may stop the name by then,
	// and so change the decision at Until. 0: no time rule stops it, or a pause that somebody has to end.
	Ends int64
	Rule *Rule // the own rule that decided, or nil
}

// Told is the unix second until which people are told that the decision holds, 0 for none: of what is stopped, the end
// of what stops it, and of what is not, when it may be.
func (d Decision) Told() int64 {
	if d.Action == Block || d.Action == Warn {
		return d.Ends
	}
	return d.Until
}

// Blocks says that the name must not be answered.
func (d Decision) Blocks() bool {
	return d.Applied && (d.Action == Block || d.Action == Warn)
}

// Clock is what of time stops a name. The set is closed.
type Clock uint8

// The kinds of time rules.
const (
	NoClock   Clock = iota
	Window          // bedtime or homework time
	Paused          // somebody's hand
	QuotaUsed       // the day's minutes are used up
)

var clockNames = [...]string{"", "window", "pause", "quota"}

// String gives the kind's key, "" for none.
func (c Clock) String() string { return clockNames[c] }

// Rule is a parents' own rule.
type Rule struct {
	Name  string // presentation form
	Allow bool
	Exact bool // the name alone, not what lies beneath
	// Address says that it denies addresses: Name is a network, "country AQ" or "AS64500".
	Address bool
}

// String reads like "deny example.com and all beneath".
func (r *Rule) String() string {
	if r.Address {
		return "deny addresses in " + r.Name
	}
	word, scope := "deny ", " and all beneath"
	if r.Allow {
		word = "allow "
	}
	if r.Exact {
		scope = " alone"
	}
	return word + r.Name + scope
}

// BlockMode is how a block looks in DNS.
type BlockMode uint8

// The block modes: the landing page's address, NXDOMAIN, the null address, REFUSED.
const (
	Landing BlockMode = iota
	NXDOMAIN
	Null
	Refused
)

var blockModeNames = [...]string{"landing", "nxdomain", "null", "refused"}

// String gives the word that the configuration uses.
func (m BlockMode) String() string {
	if int(m) < len(blockModeNames) {
		return blockModeNames[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

func parseBlockMode(word string) (BlockMode, bool) {
	if word == "" {
		return Landing, true
	}
	for i, name := range blockModeNames {
		if name == word {
			return BlockMode(i), true
		}
	}
	return Landing, false
}
