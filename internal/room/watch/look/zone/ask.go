package zone

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/room/watch/look"
)

// record is one record of an answer, without the types of the DNS library.
type record struct {
	kind string // "A", "MX", "RRSIG"...
	// values are how the record may be written in what a target expects: an MX record with
	// and without its number.
	values []string
	from   time.Time // of a signature: it holds from, until
	until  time.Time
	covers string // of a signature: the type of the records it signs
}

// reply is what one server answered.
type reply struct {
	code    string // "NOERROR", "NXDOMAIN", "SERVFAIL"...
	charge  bool   // the server says that it is in charge of the zone
	cut     bool   // the answer did not fit: ask again over TCP
	records []record
	proofs  []record // what stands beside the answer: signatures of a denial
}

// querier asks a server one question; the only part that knows the DNS library.
type querier interface {
	query(ctx context.Context, server, name, kind string) (reply, error)
}

// wire is a querier over an attempt's connections.
type wire struct{ a *look.Attempt }

const (
	patience = 2 * time.Second // for an answer over UDP, then the question is sent again
	tries    = 2
	maxReply = 4 << 10 // bytes of an answer over UDP; we announce less
	announce = 1232    // bytes, the common bound that avoids fragments (DNS flag day 2020)
)

// query asks over UDP, and over TCP when the answer is cut.
func (w wire) query(ctx context.Context, server, name, kind string) (reply, error) {
	q, packet, err := question(name, kind)
	if err != nil {
		return reply{}, err
	}
	address := net.JoinHostPort(server, "53")
	c, err := w.a.Dial(ctx, "udp", address)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = c.Close() }() // what we asked was answered, or not
	r, err := overUDP(ctx, c, q, packet)
	if err != nil || !r.cut {
		return r, err
	}
	t, err := w.a.Dial(ctx, "tcp", address)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = t.Close() }()
	stream := dns.Conn{Conn: t}
	if _, err := stream.Write(packet); err != nil {
		return reply{}, err
	}
	m, err := stream.ReadMsg()
	if err != nil {
		return reply{}, unreadable(err)
	}
	if !answers(m, q) {
		return reply{}, look.Fail(look.Content, "an answer over TCP to another question")
	}
	return read(m), nil
}

// question is one question, with room for signatures.
func question(name, kind string) (*dns.Msg, []byte, error) {
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), dns.StringToType[kind])
	q.RecursionDesired = false
	q.SetEdns0(announce, true)
	packet, err := q.Pack()
	if err != nil {
		return nil, nil, look.Fail(look.Blocked, "%.80q is no name: %v", name, err)
	}
	return q, packet, nil
}

// overUDP sends the question, and again when nothing comes. What comes and is no answer to
// it is passed over: it may be forged.
func overUDP(ctx context.Context, c net.Conn, q *dns.Msg, packet []byte) (reply, error) {
	buf := make([]byte, maxReply)
	var last error
	for range tries {
		if _, err := c.Write(packet); err != nil {
			return reply{}, err
		}
		again := time.AfterFunc(patience, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) }) // an error: it is closed already
		r, err := listen(c, q, buf)
		again.Stop()
		if err == nil || ctx.Err() != nil {
			return r, err
		}
		var wait net.Error
		if !errors.As(err, &wait) || !wait.Timeout() {
			return reply{}, err
		}
		last = err
		end, _ := ctx.Deadline() // the zero time takes the deadline away, as it should
		if err := c.SetReadDeadline(end); err != nil {
			return reply{}, err
		}
	}
	return reply{}, last
}

// listen reads until an answer to the question comes.
func listen(c net.Conn, q *dns.Msg, buf []byte) (reply, error) {
	for {
		n, err := c.Read(buf)
		if err != nil {
			return reply{}, err
		}
		if r, ok := parse(buf[:n], q); ok {
			return r, nil
		}
	}
}

// parse reads a packet; ok is false when it is no answer to the question.
func parse(packet []byte, q *dns.Msg) (reply, bool) {
	m := new(dns.Msg)
	err := m.Unpack(packet)
	// The library takes a packet that ends too early for one with fewer records.
	whole := err == nil && len(packet) >= 12 && int(binary.BigEndian.Uint16(packet[6:])) == len(m.Answer)
	if !answers(m, q) || !whole && !m.Truncated {
		return reply{}, false
	}
	return read(m), true
}

// answers says whether m is an answer to q.
func answers(m, q *dns.Msg) bool {
	return m.Response && m.Id == q.Id && m.Opcode == dns.OpcodeQuery && len(m.Question) == 1 &&
		m.Question[0].Qtype == q.Question[0].Qtype && strings.EqualFold(m.Question[0].Name, q.Question[0].Name)
}

// unreadable is an error of a stream: a cut stays one, bad bytes are an unexpected answer.
func unreadable(err error) error {
	if _, ok := errors.AsType[*dns.Error](err); ok {
		return look.Fail(look.Content, "an answer that cannot be read: %v", err)
	}
	return err
}

func read(m *dns.Msg) reply {
	return reply{
		code: dns.RcodeToString[m.Rcode], charge: m.Authoritative, cut: m.Truncated,
		records: records(m.Answer), proofs: records(m.Ns),
	}
}

func records(list []dns.RR) []record {
	out := make([]record, 0, len(list))
	for _, rr := range list {
		if rr == nil {
			continue
		}
		out = append(out, convert(rr))
	}
	return out
}

// convert takes from a record what a look needs.
func convert(rr dns.RR) record {
	r := record{kind: dns.TypeToString[rr.Header().Rrtype]}
	switch rr := rr.(type) {
	case *dns.A:
		r.values = []string{rr.A.String()}
	case *dns.AAAA:
		r.values = []string{rr.AAAA.String()}
	case *dns.MX:
		host := strings.TrimSuffix(rr.Mx, ".")
		r.values = []string{host, strings.Join([]string{number(rr.Preference), host}, " ")}
	case *dns.NS:
		r.values = []string{rr.Ns}
	case *dns.CNAME:
		r.values = []string{rr.Target}
	case *dns.SOA:
		r.values = []string{rr.Ns}
	case *dns.TXT:
		r.values = []string{strings.Join(rr.Txt, "")}
	case *dns.RRSIG:
		r.covers, r.from, r.until = dns.TypeToString[rr.TypeCovered], moment(rr.Inception), moment(rr.Expiration)
	}
	return r
}
