package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

const (
	dialTime  = 10 * time.Second
	quietTime = 30 * time.Second // without a message
	udpTime   = 2 * time.Second  // for an answer by UDP, until TCP is tried
	fudge     = 300              // seconds that clocks may differ, RFC 8945 section 10

	// mostUnsigned is how many messages in a row may come without a signature: the next one's covers them all, RFC 8945
	// section 5.3.1.
	mostUnsigned = 99
)

// ErrTooLarge means that a zone is larger than its limit.
var ErrTooLarge = errors.New("the zone is larger than its limit")

// errSignature is every way in which an answer is not signed as it must be.
var errSignature = errors.New("TSIG")

// rcodeError is an answer that says no.
type rcodeError int

func (e rcodeError) Error() string { return "the primary answered " + dns.RcodeToString[int(e)] }

// session is one request to a primary and the messages that answer it. It holds what miekg/dns's Transfer leaves open:
// that each message is covered by a signature where the request was signed, and is an answer to this question.
type session struct {
	conn     *dns.Conn
	key      *Key // nil: nothing is signed
	question dns.Question
	id       uint16
	buf      []byte
	left     int64 // bytes that may still come
	messages int

	mac      string   // of the last signature, in hexadecimal
	covered  [][]byte // messages since, for the next signature
	answered bool     // a signed message has come
}

// open connects to a primary. The session ends at the deadline of ctx, or when ctx is cancelled.
func (c *Client) open(ctx context.Context, network string, primary netip.AddrPort) (*session, func(), error) {
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, network, primary.String())
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	s := &session{conn: &dns.Conn{Conn: conn}, key: c.Key, buf: make([]byte, dns.MaxMsgSize), left: c.MaxBytes}
	return s, func() {
		stop()
		_ = conn.Close()
	}, nil
}

// ask sends the request.
func (s *session) ask(m *dns.Msg) error {
	s.id, s.question = m.Id, m.Question[0]
	out, err := m.Pack()
	if err == nil && s.key != nil {
		m.SetTsig(s.key.name, s.key.algorithm, fudge, time.Now().Unix())
		out, s.mac, err = dns.TsigGenerateWithProvider(m, s.key, "", false)
	}
	if err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(dialTime)); err != nil {
		return err
	}
	_, err = s.conn.Write(out)
	return err
}

// read returns the next message of the answer, checked. An error of the signature wraps errSignature.
func (s *session) read(quiet time.Duration) (*dns.Msg, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(quiet)); err != nil {
		return nil, err
	}
	n, err := s.conn.Read(s.buf)
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", err)
	}
	if s.left -= int64(n); s.left < 0 {
		return nil, ErrTooLarge
	}
	m := new(dns.Msg)
	if err := m.Unpack(s.buf[:n]); err != nil {
		return nil, fmt.Errorf("the primary sent a message that cannot be read: %w", err)
	}
	if err := s.isAnswer(m); err != nil {
		return nil, err
	}
	s.messages++
	return m, s.verify(s.buf[:n], m)
}

// isAnswer holds that m answers this question. Only the first message need repeat the question (RFC 5936 section
// 2.2.1); of those that say no some servers leave it out.
func (s *session) isAnswer(m *dns.Msg) error {
	switch {
	case m.Id != s.id, !m.Response, m.Opcode != dns.OpcodeQuery:
		return errors.New("the primary sent a message that is no answer to the question")
	case len(m.Question) > 1, len(m.Question) == 0 && s.messages == 0 && m.Rcode == dns.RcodeSuccess:
		return errors.New("the answer does not say to which question")
	case len(m.Question) == 1 && !sameQuestion(m.Question[0], s.question):
		return fmt.Errorf("the primary answered another question: %s", m.Question[0].Name)
	}
	return nil
}

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && dns.CanonicalName(a.Name) == dns.CanonicalName(b.Name)
}

// verify checks the signature and then the response code. A refusal may lack a signature: it can only end the session.
func (s *session) verify(raw []byte, m *dns.Msg) error {
	signature := m.IsTsig()
	if m.Rcode != dns.RcodeSuccess {
		if signature != nil && signature.Error != 0 {
			return s.refusedKey(signature)
		}
		return rcodeError(m.Rcode)
	}
	if s.key == nil {
		return nil
	}
	if signature == nil {
		return s.cover(raw)
	}
	if countTSIG(m) > 1 {
		return fmt.Errorf("%w: a message has two signatures", errSignature)
	}
	err := dns.TsigVerifyWithProvider(raw, coveringKey{s.key, s.covered, s.mac}, s.mac, s.answered)
	switch {
	case errors.Is(err, dns.ErrTime):
		at := time.Unix(int64(signature.TimeSigned), 0).UTC() //nolint:gosec // 48 bits
		return fmt.Errorf("%w: the primary signed at %s, more than %d s from this machine's time: set the clocks", errSignature,
			at.Format(time.RFC3339), signature.Fudge)
	case errors.Is(err, dns.ErrSecret):
		return fmt.Errorf("%w: the answer is signed with the key %s (%s), the request was with %s (%s)", errSignature,
			signature.Hdr.Name, signature.Algorithm, s.key.name, s.key.algorithm)
	case err != nil:
		return fmt.Errorf("%w: the signature of message %d is wrong: is the secret the same at both ends?", errSignature, s.messages)
	}
	s.mac, s.covered, s.answered = signature.MAC, nil, true
	return nil
}

// cover keeps a message without a signature until the next one covers it.
func (s *session) cover(raw []byte) error {
	if !s.answered {
		return fmt.Errorf("%w: the answer is not signed, the request was with the key %s: give the primary this key for the zone",
			errSignature, s.key.name)
	}
	if len(s.covered) == mostUnsigned {
		return fmt.Errorf("%w: more than %d messages without a signature", errSignature, mostUnsigned)
	}
	s.covered = append(s.covered, bytes.Clone(raw))
	return nil
}

// end holds that nothing is left unsigned.
func (s *session) end() error {
	if len(s.covered) > 0 {
		return fmt.Errorf("%w: the last message is not signed", errSignature)
	}
	return nil
}

// refusedKey says what a server did not like, RFC 8945 section 5.2.
func (s *session) refusedKey(t *dns.TSIG) error {
	why := "error " + dns.RcodeToString[int(t.Error)]
	switch t.Error {
	case dns.RcodeBadKey:
		why = "BADKEY: it does not know this key with this algorithm; name and algorithm must be the same at both ends"
	case dns.RcodeBadSig:
		why = "BADSIG: its secret is another one; write the same secret at both ends"
	case dns.RcodeBadTime:
		why = "BADTIME: its clock and this machine's differ by more than 5 minutes; set the clocks"
	case dns.RcodeBadTrunc:
		why = "BADTRUNC: it wants a longer signature"
	}
	if s.key == nil {
		return fmt.Errorf("%w: the primary answered %s", errSignature, why)
	}
	return fmt.Errorf("%w: the primary refused the key %s (%s) with %s", errSignature, s.key.name, s.key.algorithm, why)
}

func countTSIG(m *dns.Msg) (n int) {
	for _, rr := range m.Extra {
		if rr.Header().Rrtype == dns.TypeTSIG {
			n++
		}
	}
	return n
}

// coveringKey verifies a signature over several messages: RFC 8945 section 5.3.1 digests the last signature, the
// messages since in their order, the signed message and the times. miekg/dns gives all but the messages between.
type coveringKey struct {
	*Key
	between [][]byte
	mac     string
}

func (k coveringKey) Verify(msg []byte, t *dns.TSIG) error {
	head := min(2+len(k.mac)/2, len(msg)) // length and octets of the last signature
	parts := append([][]byte{msg[:head]}, k.between...)
	return k.verify(t, append(parts, msg[head:])...)
}
