package forward

import (
	"errors"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// unproven is an error that somebody else than the upstream may have brought about. One of
// them is not held against it.
type unproven struct{ error }

func (e unproven) Unwrap() error { return e.error }

// doubtful reports whether r, which came over UDP, is to be asked for again over TCP: it is
// cut, it lacks the cookie that the server used to send, or it is an error that would be held
// against the upstream and that anybody may have sent. SERVFAIL is about the name.
func doubtful(as *form, r *reply) bool {
	if r.truncated || r.uncookied && as.cookie.known() {
		return true
	}
	why, ok := r.failure()
	return !ok && why != reasonServfail && (!r.proven || r.rcode == dns.RcodeBadCookie)
}

// follow makes the further queries that the first reply of an ask calls for. What is
// doubtful is asked for over TCP: a forged packet costs a connection and gains nothing. A
// server that does not know EDNS, or does not keep the spelling of the question, is asked
// once more in the way that it knows, and remembered as such a one only if that was answered
// and there is proof of it.
func (u *upstream) follow(q question, as form, r reply, err error, patience time.Duration, until time.Time) (reply, error) {
	if errors.Is(err, errMisspelt) {
		r, err = u.respell(q, &as, patience, until)
	}
	if err == nil && r.rcode == dns.RcodeBadCookie && r.proven { // with the one that it wants (RFC 7873 section 5.3)
		as.cookie = u.jar.present(u.now())
		r, err = u.send(q.packet(as), patience, until)
	}
	if r, err = u.confirm(q, as, r, err, patience, until); err != nil || !as.edns || !r.refusesEDNS() {
		return r, err
	}
	proven := r.proven
	as.edns = false
	r, err = u.send(q.packet(as), patience, until)
	if r, err = u.confirm(q, as, r, err, patience, until); err != nil {
		return r, err
	}
	if _, ok := r.failure(); ok && u.health.lacksEDNS(u.now(), proven) {
		u.log.Info("upstream does not know EDNS; asking it without", "upstream", u.url, "for", plainFor)
	}
	return r, nil
}

// confirm asks over TCP for what is doubtful, or for what an ICMP packet says of a socket. If
// nothing is to be had there, what was said over UDP stands, without proof; a reply that is
// cut or lacks its cookie does not, unless the cookie was lacking twice.
func (u *upstream) confirm(q question, as form, r reply, err error, patience time.Duration, until time.Time) (reply, error) {
	refused := errors.Is(err, syscall.ECONNREFUSED)
	if u.at.network != "udp" || err != nil && !refused || err == nil && !doubtful(&as, &r) {
		return r, err
	}
	if r.truncated {
		patience = maxTimeout
	}
	lost := r.uncookied && as.cookie.known()
	if !lost {
		as.cookie = cookie{} // TCP needs none, unless that is the question
	}
	sure, failed := u.overChannel(q.packet(as), patience, until)
	if failed == nil {
		if lost && sure.uncookied {
			u.jar.forget(u.now())
		}
		return sure, nil
	}
	switch {
	case refused && errors.Is(failed, syscall.ECONNREFUSED):
		return r, err // which nobody forges blindly over TCP
	case refused:
		return r, unproven{err}
	case r.truncated:
		return reply{}, unproven{failed}
	case lost && !u.jar.doubted():
		return reply{}, errUncookied
	case lost:
		u.jar.forget(u.now())
	}
	return r, nil
}

// respell asks once more where the only reply was misspelt, over TCP, where nobody can
// forge one blindly. A single forged packet must not have an upstream asked in lower case
// from now on: it is if the reply over TCP is misspelt too. One that never kept a spelling
// is also if it answers nothing over TCP, or lost a second spelling over UDP alone.
func (u *upstream) respell(q question, as *form, patience time.Duration, until time.Time) (reply, error) {
	kept := u.health.keptSpelling()
	r, err := u.overChannel(q.packet(*as), maxTimeout, until)
	if err != nil && kept {
		return reply{}, errMisspelt
	}
	lost := r.misspelt
	if err != nil {
		as.spelled = false
		r, err = u.send(q.packet(*as), patience, until)
		lost = err == nil
	}
	if lost || err == nil && !kept && u.health.doubted() {
		as.spelled = false
		u.health.losesSpelling(u.now())
		u.log.Info("upstream does not keep the spelling of names; asking it in lower case", "upstream", u.url, "for", respellAfter)
	}
	return r, err
}
