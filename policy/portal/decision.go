package portal

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Bounds of the memory behind the ids of decisions. docs/operations.md has the reasons.
const (
	decidedFor        = 24 * time.Hour
	decidedIDs        = 64   // of one household; the one seen last longest ago goes first
	decidedHouseholds = 4096 // beyond them the longest silent household is forgotten
)

// decided is what is remembered of the blocks that have one id, one category and one band in a household. Whose it was and
// of what it was, is remembered only while the household lets support see that.
type decided struct {
	id, category string
	band         policy.Band
	last         time.Time
	count        int

	name, member, device string
}

// decisions remembers the reasons of blocks by the ids that pages and answers tell, in memory only.
type decisions struct {
	mu    sync.Mutex
	homes map[string][]decided // by household; the last one last
	swept time.Time
}

// add remembers one block.
func (m *decisions) add(household string, one decided) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.homes == nil {
		m.homes = map[string][]decided{}
	}
	m.sweep(one.last)
	if _, known := m.homes[household]; !known && len(m.homes) >= decidedHouseholds {
		m.makeRoom()
	}
	all := m.homes[household]
	one.count = 1
	if i := slices.IndexFunc(all, one.alike); i >= 0 {
		one.count += all[i].count
		all = slices.Delete(all, i, i+1)
	} else if len(all) >= decidedIDs {
		all = slices.Delete(all, 0, 1)
	}
	m.homes[household] = append(all, one)
}

func (d decided) alike(o decided) bool {
	return d.id == o.id && d.category == o.category && d.band == o.band
}

// of lists what has an id in a household, the last one first.
func (m *decisions) of(household, id string, now time.Time) (found []decided) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range slices.Backward(m.homes[household]) {
		if d.id == id && now.Sub(d.last) <= decidedFor {
			found = append(found, d)
		}
	}
	return found
}

// forget drops what is remembered of a household.
func (m *decisions) forget(household string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.homes, household)
}

// held is how many are remembered.
func (m *decisions) held() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, all := range m.homes {
		n += len(all)
	}
	return n
}

// sweep forgets what is too old, at most once a minute.
func (m *decisions) sweep(now time.Time) {
	if now.Sub(m.swept) < time.Minute {
		return
	}
	m.swept = now
	for household, all := range m.homes {
		all = slices.DeleteFunc(all, func(d decided) bool { return now.Sub(d.last) > decidedFor })
		if m.homes[household] = all; len(all) == 0 {
			delete(m.homes, household)
		}
	}
}

// makeRoom forgets the longest silent household.
func (m *decisions) makeRoom() {
	victim, oldest := "", time.Time{}
	for household, all := range m.homes {
		if last := all[len(all)-1].last; victim == "" || last.Before(oldest) {
			victim, oldest = household, last
		}
	}
	delete(m.homes, victim)
}

// decide remembers the reason of a block that a client may be told. What the law or security blocks is not, because its id
// says no more than that, so that the two stay alike.
func (p *Portal) decide(client policy.Client, addr netip.Addr, b block, d policy.Decision) {
	home := client.Household
	if home == nil || client.Profile == nil || d.Step == policy.StepSecurity {
		return
	}
	one := decided{id: string(client.Profile.AppendID(nil, d)), category: b.category, band: client.Profile.Band(), last: b.at}
	if home.SupportNames {
		one.name, one.device = b.name, addr.Unmap().WithZone("").String()
		if client.Device != nil && !client.Assumed {
			one.device = client.Device.Name
		}
		if client.Member != nil && client.Status == policy.Known && !client.Assumed {
			one.member = client.Member.Name
		}
	}
	p.decided.add(home.ID, one)
}

// Decision is what the id of a decision says to support.
type Decision struct {
	ID       string         `json:"id"`
	Step     int            `json:"step" doc:"of the order of decisions"`
	StepName string         `json:"step_name"`
	Category string         `json:"category,omitempty" doc:"as the id has it; the ids of children, of security and of help have none"`
	Policy   string         `json:"policy" doc:"version of the policy that decided"`
	Lists    string         `json:"lists" doc:"version of the lists that decided"`
	InForce  bool           `json:"in_force" doc:"both versions are in force still"`
	Blocks   []DecidedBlock `json:"blocks" nullable:"false" doc:"what of the household had this id in 24 hours, the last one first"`
}

// DecidedBlock is what blocks had in common that had one id.
type DecidedBlock struct {
	At       time.Time `json:"at" doc:"the last time"`
	Count    int       `json:"count"`
	Band     string    `json:"band" doc:"of the profile"`
	Category string    `json:"category,omitempty"`
	Name     string    `json:"name,omitempty" doc:"of the last one, where the household lets support see names"`
	Member   string    `json:"member,omitempty" doc:"likewise"`
	Device   string    `json:"device,omitempty" doc:"likewise"`
}

// decisionID is how Profile.AppendID writes one.
var decisionID = regexp.MustCompile(`^([0-9]{1,2})(?:\.([a-z0-9_.-]{1,64}))?-([0-9a-f]{8})-([0-9a-f]{1,8})$`)

// Decision says what an id means, and what of a household had it: the reason and the band; the name, the member and the
// device only where the household lets support see them, and has them still. An id that is none is a *QueryError.
func (p *Portal) Decision(household, id string) (Decision, error) {
	dir := p.view()
	part := decisionID.FindStringSubmatch(id)
	wrong := &QueryError{Field: "id", Problem: "this is no id of a decision; write it as the page or the answer has it, such as 10.fun.games-0123abcd-4567cdef"}
	if part == nil {
		return Decision{}, wrong
	}
	n, _ := strconv.Atoi(part[1])
	step, there := policy.StepOf(n)
	if _, known := dir.Index().Taxonomy().Lookup(part[2]); !there || part[2] != "" && (!known || unnamed(part[2]) || !listable(part[2])) {
		return Decision{}, wrong
	}
	d := Decision{ID: id, Step: n, StepName: step.String(), Category: part[2], Policy: part[3], Lists: part[4], InForce: dir.Versions() == "-"+part[3]+"-"+part[4], Blocks: []DecidedBlock{}}
	h, there := dir.Household(household)
	if !there {
		return d, nil
	}
	for _, one := range p.decided.of(household, id, p.now()) {
		b := DecidedBlock{At: one.last.In(h.Location), Count: one.count, Band: one.band.String(), Category: one.category}
		if h.SupportNames && (one.member == "" || h.Has(one.member)) {
			b.Name, b.Member, b.Device = one.name, one.member, one.device
		}
		d.Blocks = append(d.Blocks, b)
	}
	return d, nil
}
