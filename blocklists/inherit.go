package blocklists

import (
	"bytes"
	"slices"
)

// standing is a list's verdict over everything beneath a name.
type standing struct {
	list    ListID
	verdict verdict
}

// ancestor is a name on the path from the root to the one at hand that some list knows.
type ancestor struct {
	key       int // length of its reversed key, which is a prefix of the current one
	standings int // where its standings begin; they end where those of the next begin
	value     value
	redundant bool // it says nothing that it does not inherit
	open      bool // see Match.Open
}

// inheritance turns entries, in the order of reversed names, into the values that the deepest matching
// name alone has to carry. It keeps the path to the current name, nothing else.
type inheritance struct {
	lists     []Categories
	key       Key
	mark      Categories // the category of openness
	lifting   Categories // ok.* and services: more of them may mean that a name is allowed
	out       *hashSorter
	values    *interner
	plains    []uint32 // by list: 1 more than the number of the value of a name that is in it alone; 0 = not known
	exempt    *exemptions
	name      []byte       // reversed key of the name whose statements are being gathered
	pending   []statements // by ascending list
	path      []ancestor
	standings []standing // of the whole path, by ancestor and then ascending list
	names     uint64
	redundant int
}

func newInheritance(lists []Categories, config BuilderConfig, exempt *exemptions, out *hashSorter) *inheritance {
	t := config.Taxonomy
	return &inheritance{lists: lists, key: config.Key, mark: t.open(), lifting: t.lifting(), out: out, values: newInterner(),
		plains: make([]uint32, len(lists)), exempt: exempt}
}

// add takes the next entry; those of one name come together.
func (in *inheritance) add(name []byte, payload uint64) error {
	if !bytes.Equal(name, in.name) {
		if err := in.turn(name); err != nil {
			return err
		}
	}
	in.stated(ListID(payload >> 8)).add(statement(payload & 0xff))
	return nil
}

// turn decides the current name and makes name the next. Most names are in one list that covers them and all beneath
// them, with nothing listed above or beneath: these need none of the rest.
func (in *inheritance) turn(name []byte) error {
	if len(in.path) > 0 || len(in.pending) != 1 || !in.pending[0].plain() || bytes.HasPrefix(name, in.name) ||
		in.lists[in.pending[0].list].IsZero() {
		if err := in.flush(); err != nil {
			return err
		}
		return in.enter(name)
	}
	number, err := in.plain(in.pending[0].list)
	if err != nil {
		return err
	}
	err = in.out.add(in.hash(), number)
	in.names++
	in.pending = in.pending[:0]
	in.name = append(in.name[:0], name...)
	return err
}

// plain returns the number of the value of a name that is in one list with all beneath it.
func (in *inheritance) plain(list ListID) (uint16, error) {
	if n := in.plains[list]; n > 0 {
		return uint16(n - 1), nil
	}
	n, err := in.values.number(value{exact: in.lists[list], subtree: in.lists[list]})
	in.plains[list] = uint32(n) + 1
	return n, err
}

// stated returns where the statements of a list about the current name are gathered. Nearly always they come by ascending
// list.
func (in *inheritance) stated(list ListID) *statements {
	at := len(in.pending)
	if at == 0 || in.pending[at-1].list < list {
		in.pending = append(in.pending, statements{list: list})
		return &in.pending[at]
	}
	for at > 0 && in.pending[at-1].list > list {
		at--
	}
	if at == 0 || in.pending[at-1].list != list {
		in.pending = slices.Insert(in.pending, at, statements{list: list})
		return &in.pending[at]
	}
	return &in.pending[at-1]
}

// enter makes name the current one and leaves the ancestors that are not above it.
func (in *inheritance) enter(name []byte) error {
	n := len(in.path)
	for ; n > 0; n-- {
		if last := in.path[n-1]; last.key <= len(name) && bytes.Equal(in.name[:last.key], name[:last.key]) {
			break
		}
	}
	err := in.leave(n)
	in.name = append(in.name[:0], name...)
	return err
}

// finish decides the last name and hands on all that is left.
func (in *inheritance) finish() error {
	if err := in.flush(); err != nil {
		return err
	}
	return in.leave(0)
}

// leave hands on the path's names but the first n, of which all that lies beneath is known now.
func (in *inheritance) leave(n int) error {
	for i := len(in.path); i > n; i-- {
		last := in.path[i-1]
		in.standings = in.standings[:last.standings]
		in.path = in.path[:i-1]
		if last.redundant {
			in.redundant++
			continue
		}
		if err := in.emit(last); err != nil {
			return err
		}
	}
	return nil
}

func (in *inheritance) emit(a ancestor) error {
	if a.open {
		a.value.exact, a.value.subtree = a.value.exact.Or(in.mark), a.value.subtree.Or(in.mark)
	}
	number, err := in.values.number(a.value)
	if err != nil {
		return err
	}
	in.names++
	return in.out.add(in.key.hashReversed(in.name[:a.key]), number)
}

// flush decides the current name.
func (in *inheritance) flush() error {
	if len(in.pending) == 0 {
		return nil
	}
	above, inherited := []standing(nil), Categories{}
	if n := len(in.path); n > 0 {
		above, inherited = in.standings[in.path[n-1].standings:], in.path[n-1].value.subtree
	}
	begin := len(in.standings)
	v := in.decide(above)
	in.open(v)
	in.path = append(in.path, ancestor{
		key: len(in.name), standings: begin, value: v, redundant: v.exact == inherited && v.subtree == inherited,
	})
	in.pending = in.pending[:0]
	return nil
}

// hash returns the hash of the current name.
func (in *inheritance) hash() uint64 { return in.key.hashReversed(in.name) }

// open marks the ancestors whose blocks would take a name with value v along that is not blocked itself.
func (in *inheritance) open(v value) {
	for i := range in.path {
		a := &in.path[i]
		covers := a.value.exact.Or(a.value.subtree)
		fewer := !covers.AndNot(v.exact).IsZero() || !covers.AndNot(v.subtree).IsZero()
		a.open = a.open || fewer || v.exact.Or(v.subtree).AndNot(covers).Intersects(in.lifting)
	}
}

// decide weighs the pending statements against the standings from above, appends the current name's own
// standings and returns its value. Both inputs ascend by list.
func (in *inheritance) decide(above []standing) value {
	var v value
	pending := in.pending
	for len(above) > 0 || len(pending) > 0 {
		var list ListID
		var made uint32
		inherited := silent
		if len(pending) == 0 || len(above) > 0 && above[0].list < pending[0].list {
			list, inherited, above = above[0].list, above[0].verdict, above[1:]
		} else {
			list, made = pending[0].list, pending[0].made&^pending[0].undone
			pending = pending[1:]
			if in.exempt.want(list, made) {
				in.exempt.add(list, made, in.hash())
			}
			if len(above) > 0 && above[0].list == list {
				inherited, above = above[0].verdict, above[1:]
			}
		}
		if weigh(made&coversName, inherited).lists() {
			v.exact = v.exact.Or(in.lists[list])
		}
		below := weigh(made&coversBelow, inherited)
		if below.lists() {
			v.subtree = v.subtree.Or(in.lists[list])
		}
		if below != silent {
			in.standings = append(in.standings, standing{list: list, verdict: below})
		}
	}
	return v
}
