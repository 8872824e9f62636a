package blocklists

import (
	"encoding/binary"
	"net/netip"
)

// Record is one statement of a list: exactly one of Entry.Name, Pattern and Prefix is set. Entry has the statement in any
// case: a pattern's and a network's Exception and Important too.
type Record struct {
	Entry   Entry
	Pattern *Pattern
	Prefix  netip.Prefix
	Part    string // of the list, such as a directory of UT1
	Line    int    // the first that says it
	Seen    Day    // when the list was first seen to say it
}

// String returns what the record is about: the name, the expression between slashes, or the network.
func (r Record) String() string {
	switch {
	case r.Pattern != nil:
		return "/" + r.Pattern.Expr + "/"
	case r.Prefix.IsValid():
		return r.Prefix.String()
	}
	return r.Entry.Name.String()
}

// recordAbout returns a record with what a key of a table stands for.
func recordAbout(table int, key []byte) (Record, error) {
	switch table {
	case patternTable:
		return patternAbout(key)
	case prefixTable:
		return prefixAbout(key)
	}
	return Record{Entry: Entry{Name: nameOf(key)}}, nil
}

// spelled returns what a key of a table stands for as Record.String does.
func spelled(table int, key []byte) string {
	r, err := recordAbout(table, key)
	if err != nil {
		return ""
	}
	return r.String()
}

// nameOf turns a key of appendReversed back into its name.
func nameOf(key []byte) Name {
	name := make(Name, len(key)+1)
	at := len(key)
	for from := 0; from < len(key); {
		size := min(1+int(key[from]), at)
		at -= size
		copy(name[at:], key[from:from+size])
		from += 1 + int(key[from])
	}
	return name
}

func patternAbout(key []byte) (Record, error) {
	if len(key) < 2 || key[0] > 1 || len(key) < 3+2*int(key[1]) || len(key)-2-2*int(key[1]) > MaxExpression {
		return Record{}, corrupt("a pattern of %d octets", len(key))
	}
	p := &Pattern{Except: key[0] == 1}
	rest := key[2:]
	for range key[1] {
		p.Types, rest = append(p.Types, binary.BigEndian.Uint16(rest)), rest[2:]
	}
	p.Expr = string(rest)
	return Record{Pattern: p}, nil
}

func prefixAbout(key []byte) (Record, error) {
	if len(key) > 1 && int(key[0]) == len(key)-2 {
		address, ok := netip.AddrFromSlice(key[1 : len(key)-1])
		p := netip.PrefixFrom(address, int(key[len(key)-1]))
		if ok && p.IsValid() && p == p.Masked() {
			return Record{Prefix: p}, nil
		}
	}
	return Record{}, corrupt("a network of %d octets", len(key))
}

// with returns what is said of what the record is about.
func (r Record) with(s said, part string) Record {
	e := s.says.entry()
	e.Name = r.Entry.Name
	r.Entry, r.Part, r.Line, r.Seen = e, part, int(s.line), s.seen
	if r.Pattern != nil {
		p := *r.Pattern
		p.Exception, p.Important = e.Exception, e.Important
		r.Pattern = &p
	}
	return r
}

// entry returns an entry without a name that makes the statement.
func (s statement) entry() Entry {
	e := Entry{Exception: s&saysException != 0, Important: s&saysImportant != 0, Yield: s&saysYield != 0, Cancel: s&saysCancel != 0}
	switch {
	case s&saysExact != 0:
		e.Scope = Exact
	case s&saysBelow != 0:
		e.Scope = Below
	}
	return e
}

// check reports a current record that no writer makes.
func (c *tableCursor) check(table int) error {
	if table != nameTable {
		_, err := recordAbout(table, c.key)
		return err
	}
	if c.says&(saysExact|saysBelow) == saysExact|saysBelow || c.says&saysYield != 0 && c.says&saysException == 0 {
		return corrupt("statement %#x", c.says)
	}
	if len(c.key) > maxNameOctets-1 {
		return corrupt("a name of %d octets", len(c.key)+1)
	}
	at := 0
	for at < len(c.key) {
		if c.key[at] == 0 || c.key[at] > maxLabelOctets {
			return corrupt("a label of %d octets", c.key[at])
		}
		at += 1 + int(c.key[at])
	}
	if at != len(c.key) {
		return corrupt("a label is cut")
	}
	for _, octet := range c.key[c.shared:] {
		if octet != lower(octet) {
			return corrupt("a name with an upper-case letter")
		}
	}
	return nil
}
