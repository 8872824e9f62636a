package api

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

// TestAnswersAreBounded: who has many or long requests repeated loses the oldest of their own answers, and takes no room
// of others. The bounds are those of docs/operations.md.
func TestAnswersAreBounded(t *testing.T) {
	const share, all = 1 << 20, 16 << 20
	r, now := newRepeats(), time.Unix(1_800_000_000, 0)
	send := func(tenant string, i int) digest {
		key := digest(sha256.Sum256(fmt.Append(nil, tenant, i)))
		if _, again := r.begin(key, answer{tenant: tenant, at: now}); again {
			t.Fatalf("%s %d was sent before", tenant, i)
		}
		r.end(key, answer{tenant: tenant, at: now, done: true, status: 200, text: make([]byte, 100<<10)})
		return key
	}
	kept := func(key digest) bool { return r.all.Contains(key) }
	quiet, first := send("quiet", 0), send("loud", 0)
	last := first
	for i := range 50 {
		last = send("loud", i+1)
		if r.tenants["loud"] > share {
			t.Fatalf("after %d answers one tenant has %d octets", i, r.tenants["loud"])
		}
	}
	if !kept(quiet) || kept(first) || !kept(last) {
		t.Errorf("kept are another's %v, the first %v, the last %v", kept(quiet), kept(first), kept(last))
	}
	for i := range 40 {
		for j := range 9 {
			send(fmt.Sprint("tenant ", i), j)
		}
	}
	if held := r.held(); held > all || kept(quiet) {
		t.Errorf("%d octets are held, and the oldest answer of all: %v", held, kept(quiet))
	}
}

// TestAnswersThatComeLater: what is answered after its household's answers were dropped has no text, and the octets are
// right after all.
func TestAnswersThatComeLater(t *testing.T) {
	r := newRepeats()
	first := answer{tenant: "one", home: "home"}
	key, other := digest{1}, digest{2}
	r.begin(key, first)
	r.begin(other, answer{tenant: "one", home: "away"})
	r.forget("home")
	for _, at := range []digest{key, other} {
		x := first
		x.done, x.status, x.text = true, 200, []byte("Mia")
		r.end(at, x)
	}
	was, _ := r.all.Peek(key)
	kept, _ := r.all.Peek(other)
	if was == nil || !was.bare || was.text != nil || string(kept.text) != "Mia" {
		t.Errorf("%+v, %+v", was, kept)
	}
	if r.forget("home"); r.held() != 2*answerCost || r.tenants["one"] != 2*answerCost {
		t.Errorf("%d octets are held, of the tenant %d", r.held(), r.tenants["one"])
	}
}
