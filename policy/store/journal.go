package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Day is a day of a household's own calendar, YYYY-MM-DD. Days compare as strings do.
type Day string

// DayOf gives the day of a time in its own location.
func DayOf(t time.Time) Day { return Day(t.Format(time.DateOnly)) }

// Partition is what is kept of one person on one day, of one kind: what ends at another time is of another kind.
type Partition struct {
	Kind      string `json:"kind"` // [a-z]{1,32}: minutes, totals, names, …
	Day       Day    `json:"day"`
	Household string `json:"household"`
	Person    string `json:"person"` // or a device that is nobody's: 1 to 255 octets, as the ID of a Key
}

// Record is one line of a partition, of one of three forms. Adding to a record of the same key merges counts
// by addition and bits by OR, and replaces JSON or what was of another form.
type Record struct {
	Key   string          `json:"key"` // 1 to 255 octets of UTF-8
	Count uint64          `json:"count,omitempty"`
	Bits  []uint64        `json:"bits,omitempty"` // bit i is bit i%64 of word i/64; at most MaxWords words
	JSON  json.RawMessage `json:"json,omitempty"` // at most MaxNote octets
}

// Addition is records to merge into one partition.
type Addition struct {
	Partition
	Records []Record
}

// Limits of the Journal.
const (
	// MaxWords bounds the bits of a record: the 1,440 minutes of a day take 23, those of a day of 25 hours 24.
	MaxWords = 32
	// MaxNote bounds the JSON of a record in octets: a name, a time, a type and a reason take 400.
	MaxNote = 1 << 10
	// MaxRecords bounds the records of one partition: a busy person asks for 5,000 different names a day.
	MaxRecords = 20_000
)

// Validate says what is wrong with the partition.
func (p Partition) Validate() error {
	if err := validKind(p.Kind); err != nil {
		return err
	}
	if _, err := time.Parse(time.DateOnly, string(p.Day)); err != nil {
		return fmt.Errorf("%q is no day; write YYYY-MM-DD", p.Day)
	}
	if err := validHousehold(p.Household); err != nil {
		return err
	}
	return validID(p.Person)
}

func (r Record) validate() error {
	switch {
	case r.Key == "" || len(r.Key) > maxID:
		return fmt.Errorf("a record's key has %d octets; 1 to %d are kept", len(r.Key), maxID)
	case len(r.Bits) > MaxWords:
		return fmt.Errorf("%s: %d words of bits; at most %d are kept", r.Key, len(r.Bits), MaxWords)
	case len(r.JSON) > MaxNote:
		return fmt.Errorf("%s: %d octets of JSON; at most %d are kept", r.Key, len(r.JSON), MaxNote)
	case r.JSON != nil && !json.Valid(r.JSON):
		return fmt.Errorf("%s: what is to be kept is not JSON", r.Key)
	}
	return nil
}
