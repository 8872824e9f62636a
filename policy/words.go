package policy

import (
	"github.com/hearthdns/hearth/policy/words"
)

// Reason is why something is blocked, as people are told it.
type Reason uint8

// The reasons.
const (
	ReasonCategory Reason = iota // the fall-back of the others
	ReasonLaw
	ReasonRule
	ReasonBedtime
	ReasonHomework
	ReasonSecurity
	ReasonService
	ReasonSelfharm
	ReasonWarn
	ReasonUnknown
	ReasonNew
	ReasonPause
	ReasonQuota // the minutes of the day are used up
	reasons
)

var reasonNames = [reasons]string{"category", "law", "rule", "bedtime", "homework", "security", "service", "selfharm", "warn", "unknown", "new", "pause", "quota"}

// Reader is who reads a page: the wording follows the profile's band.
type Reader uint8

// The readers.
const (
	ReaderChild Reader = iota // to 9
	ReaderTeen                // 10 to 17
	ReaderAdult
	readers
)

// ReaderOf gives the wording for a band; things are read by whoever looks after them.
func ReaderOf(b Band) Reader {
	switch b {
	case Little, Child:
		return ReaderChild
	case Preteen, Teen, Young:
		return ReaderTeen
	case NoBand, Adult, Things:
	}
	return ReaderAdult
}

// Message is what a page says. {what} stands for the category in plain words or
// the service, {until} for a time of day, {who} for the person or device.
type Message struct {
	Headline string `yaml:"headline"`
	Why      string `yaml:"why"`
	Next     string `yaml:"next"`
}

// Phrases is the catalogue of one language. It must not be modified.
type Phrases struct {
	Language  string
	Direction string // dir in HTML
	// Reviewed says that a speaker has read the texts. Where not, the safety pages
	// carry the English text below.
	Reviewed   bool
	Groups     map[string]string  // by blocklists' group keys
	Bands      [Things + 1]string // who they are, such as "child, 6-9"
	Steps      [StepUnknown + 1]string
	Short      [reasons]string // Extended DNS Error texts; "" where none is sent
	ThisDevice string
	Unknown    string // a device that is not known yet
	Security   string // the name of the step, where no category is told
	Search     string // engines that cannot be held to safe search
	pages      [readers][reasons]Message
}

var phrases = words.Lazy(readPhrases)

// Languages lists the languages that have a catalogue, English first.
func Languages() []string { return words.Languages() }

// Words gives the catalogue for a household's language, a BCP 47 tag; English for
// one that nothing is written in, and for "".
func Words(tag string) *Phrases { return phrases.In(words.Match(tag, "")) }

// Page gives what a reader is told, with the parts that a reason has no words
// of its own for taken from the general one.
func (w *Phrases) Page(r Reader, why Reason) Message {
	if r >= readers || why >= reasons {
		r, why = ReaderAdult, ReasonCategory
	}
	m, general := w.pages[r][why], w.pages[r][ReasonCategory]
	for _, part := range []struct{ own, general *string }{
		{&m.Headline, &general.Headline}, {&m.Why, &general.Why}, {&m.Next, &general.Next},
	} {
		if *part.own == "" {
			*part.own = *part.general
		}
	}
	return m
}

// Why says in a sentence why a step stands where it stands for a household.
func (s Step) Why(tag string) string {
	if s > StepUnknown {
		return ""
	}
	return Words(tag).Steps[s]
}

// Reason gives the reason of a block; ReasonCategory for what is not blocked.
func (p *Profile) Reason(d Decision) Reason {
	switch d.Clock {
	case Paused:
		return ReasonPause
	case QuotaUsed:
		return ReasonQuota
	case NoClock, Window:
	}
	switch d.Step {
	case StepLaw:
		return ReasonLaw
	case StepDenied:
		return ReasonRule
	case StepBedtime:
		return ReasonBedtime
	case StepHomework:
		return ReasonHomework
	case StepSecurity:
		return ReasonSecurity
	case StepUnknown:
		if d.HasCategory && d.Category == p.ground.newNames {
			return ReasonNew
		}
		return ReasonUnknown
	case StepService, StepCategory:
		return p.content(d)
	case StepNeeded, StepAlwaysOn, StepAllowed, StepLabel:
	}
	return ReasonCategory
}

func (p *Profile) content(d Decision) Reason {
	switch {
	case d.HasCategory && d.Category == p.ground.selfharm:
		return ReasonSelfharm
	case d.Action == Warn:
		return ReasonWarn
	case d.Step == StepService:
		return ReasonService
	}
	return ReasonCategory
}

// What names in plain words what a decision was made by: the operator's title,
// the service, or the group that parents see. "" for the law, for self-harm, and
// where there is no category.
func (p *Profile) What(d Decision) string {
	if !d.HasCategory || d.Step == StepLaw || d.Category == p.ground.selfharm {
		return ""
	}
	return p.texts.what[d.Category]
}
