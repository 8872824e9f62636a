package blocklists

// statement is what one entry of one list says of its name, or (as bits of a mask) what all of them say.
type statement uint8

const (
	saysExact statement = 1 << iota // covers the name alone
	saysBelow                       // covers what is beneath alone; neither: both
	saysException
	saysImportant
	saysYield
	saysCancel
)

func (e Entry) statement() statement {
	var s statement
	switch e.Scope {
	case Exact:
		s = saysExact
	case Below:
		s = saysBelow
	case Subtree:
	}
	if e.Exception {
		s |= saysException
	}
	if e.Important {
		s |= saysImportant
	}
	if e.Yield {
		s |= saysYield
	}
	if e.Cancel {
		s |= saysCancel
	}
	return s
}

// statements is a set of statements: bit n is set if the statement with the number n was made. Cancelling ones
// have their own set.
type statements struct {
	list         ListID
	made, undone uint32
}

func (s *statements) add(x statement) {
	if x&saysCancel != 0 {
		s.undone |= 1 << (x &^ saysCancel)
		return
	}
	s.made |= 1 << x
}

// plain reports whether all that was said is that the name and all beneath it are in the list.
func (s *statements) plain() bool { return s.made == 1 && s.undone == 0 }

// verdict is what a list says of a name when all of its entries are weighed.
type verdict uint8

const (
	silent    verdict = 0 // no entry covers it
	listed    verdict = 1 // the list's categories apply
	excepted  verdict = 2 // an exception took it out
	important verdict = 4 // flag beside listed or excepted: an important entry decided
)

// The bits of a set of statements that cover the name itself and those that cover what is beneath. A
// statement is one of exact, below or neither, times exception (4) times importance (8) times yielding (16).
const (
	coversName  uint32 = 0x3333_3333 // numbers whose bit "below" is clear
	coversBelow uint32 = 0x5555_5555 // numbers whose bit "exact" is clear
	plainBlock  uint32 = 0x0000_000f
	plainExcept uint32 = 0x0000_00f0
	firmBlock   uint32 = 0x0000_0f00
	firmExcept  uint32 = 0x0000_f000
	plainYield  uint32 = 0x00f0_0000
	firmYield   uint32 = 0xf000_0000
)

// weigh returns the verdict over statements made at a name, given the one inherited from above. The deepest entry
// decides, so any statement here beats the inherited one, unless that is important and these are not; at
// one name an exception beats a block of the same weight. A yielding exception only undoes a block from above that
// is not more important than itself: after it the list is as silent as if it had said nothing yet.
func weigh(made uint32, inherited verdict) verdict {
	if made&firmYield != 0 && inherited == listed|important {
		inherited = silent
	}
	switch {
	case made&firmExcept != 0:
		return excepted | important
	case made&firmBlock != 0:
		return listed | important
	case inherited&important != 0:
		return inherited
	case made&plainExcept != 0:
		return excepted
	case made&plainBlock != 0:
		return listed
	case made&(plainYield|firmYield) != 0:
		return silent
	}
	return inherited
}

// lists reports whether v puts a name into the list's categories.
func (v verdict) lists() bool { return v&^important == listed }
