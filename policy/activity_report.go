package policy

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ActivityReport is what is remembered of somebody, as parents and the person themselves see it.
type ActivityReport struct {
	Household string `json:"household"`
	// Person is a member, a device that is not one member's alone, or the guests; "" for the household.
	Person string        `json:"person,omitempty"`
	People []string      `json:"people,omitempty"` // of a household: of whom there is something
	Days   []ActivityDay `json:"days"`
	Logs   []LogReport   `json:"logs,omitempty"` // that are asked for
}

// LogReport is a Log as it is told.
type LogReport struct {
	Member    string    `json:"member"`
	Full      bool      `json:"full"`
	At        time.Time `json:"at"`
	Until     time.Time `json:"until"`
	By        string    `json:"by,omitempty"`
	Told      time.Time `json:"told,omitzero"`
	Confirmed time.Time `json:"confirmed,omitzero"`
}

// Report tells of a log, with the times of a place.
func (l *Log) Report(in *time.Location) LogReport {
	return LogReport{Member: l.Member, Full: l.Full, At: moment(l.At, in), Until: moment(l.Until, in), By: l.By, Told: moment(l.Told, in), Confirmed: moment(l.Confirmed, in)}
}

// NoticeReport is a Notice as it is told.
type NoticeReport struct {
	ID         string     `json:"id"`
	Kind       NoticeKind `json:"kind"`
	Member     string     `json:"member,omitempty"`
	Device     string     `json:"device,omitempty"`
	At         time.Time  `json:"at"`
	Seen       time.Time  `json:"seen,omitzero"`
	Name       string     `json:"name,omitempty"`
	Categories []string   `json:"categories,omitempty"`
	Text       string     `json:"text"`
}

// Report tells of a notice, with the times of a place.
func (n *Notice) Report(in *time.Location) NoticeReport {
	return NoticeReport{ID: n.ID, Kind: n.Kind, Member: n.Member, Device: n.Device, At: moment(n.At, in), Seen: moment(n.Seen, in), Name: n.Name, Categories: n.Categories, Text: n.Text()}
}

// moment is a time of what is kept; 0 is none.
func moment(unix int64, in *time.Location) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).In(in)
}

// ActivityDay is one day of somebody.
type ActivityDay struct {
	Person string         `json:"person"`
	Day    string         `json:"day"`
	Sums   []ActivitySum  `json:"sums"`
	Names  []ActivityName `json:"names,omitempty"`
}

// ActivitySum is how many queries there were: in all, or with a category, or a step of the order that has none. One page
// makes several queries, and a query may count in several categories.
type ActivitySum struct {
	Verdict string `json:"verdict"` // allowed, blocked, or observed: it would have been blocked
	Cause   string `json:"cause,omitempty"`
	Count   uint64 `json:"count"`
}

// ActivityName is a name that was asked for, and in which minutes of the household's day.
type ActivityName struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Cause   string `json:"cause,omitempty"`
	First   string `json:"first"` // HH:MM
	Last    string `json:"last"`
	Minutes int    `json:"minutes"` // in how many of them
}

// ActivityExport is everything that is kept of somebody, as it is kept.
type ActivityExport struct {
	Household  string           `json:"household"`
	Person     string           `json:"person"`
	Partitions []ActivityKept   `json:"partitions"`
	State      []ActivityRecord `json:"state"`
	Memory     ActivityMemory   `json:"memory"` // that is not on disk, and gone at the next restart
}

// ActivityKept is one partition.
type ActivityKept struct {
	Kind    string          `json:"kind"`
	Day     string          `json:"day"`
	Records json.RawMessage `json:"records"`
}

// ActivityRecord is one record of the state that names somebody.
type ActivityRecord struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// ActivityMemory is what is known of somebody in memory alone.
type ActivityMemory struct {
	Companions []Companion `json:"companions,omitempty"`
	Devices    []Sighting  `json:"devices,omitempty"`
}

// ActivityErased is what was erased.
type ActivityErased struct {
	Household string `json:"household"`
	Person    string `json:"person,omitempty"` // a member, device:NAME or guests:; "": the whole household
	// Gone says that the household, or its member or device, is not configured any more: then State counts what else was
	// kept and is gone with it, by kind, such as grant or pin.
	Gone       bool           `json:"gone,omitempty"`
	Partitions int            `json:"partitions"`
	Records    int            `json:"records"` // notices, and what a thing was heard to ask for
	State      map[string]int `json:"state,omitempty"`
}

// Of says whose it was, as people write it.
func (e *ActivityErased) Of() string {
	if e.Person == "" {
		return e.Household
	}
	return e.Household + "/" + e.Person
}

// Has says whether activity of a person, as Client.Person gives it, or of a device by its name, is of somebody or
// something that is configured.
func (h *Household) Has(person string) bool {
	device := strings.TrimPrefix(person, personDevice)
	return person == PersonGuests ||
		slices.ContainsFunc(h.Members, func(m *Member) bool { return m.Name == person }) ||
		slices.ContainsFunc(h.Devices, func(v *Device) bool { return v.Name == device })
}

// ActivityOf is whom a report is about, as somebody writes it: HOUSEHOLD, HOUSEHOLD/MEMBER or HOUSEHOLD/DEVICE.
type ActivityOf struct {
	Household *Household
	Member    *Member
	Device    *Device
	Person    string // under which activity lies; "" for the household
}
