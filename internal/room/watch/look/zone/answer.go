package zone

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// ask asks one server and judges its answers. ends is when the first signature among them
// ends.
func ask(ctx context.Context, by querier, now time.Time, server string, t target.Target) (ends time.Time, err error) {
	kinds := []string{t.Expect.Record}
	if t.Expect.Record == "" {
		kinds = []string{"A", "AAAA"}
	}
	var found []record
	for _, kind := range kinds {
		r, err := by.query(ctx, server, t.Address, kind)
		if err != nil {
			return ends, err
		}
		if err := judge(r, t.Address); err != nil {
			return ends, err
		}
		until, err := signed(r, now)
		if err != nil {
			return ends, err
		}
		if ends.IsZero() || !until.IsZero() && until.Before(ends) {
			ends = until
		}
		found = append(found, matching(r.records, kind)...)
		if len(found) > 0 && len(t.Expect.Answers) == 0 {
			return ends, nil
		}
	}
	if len(found) == 0 {
		return ends, look.Fail(look.Content, "%s has no %s record", t.Address, strings.Join(kinds, " or "))
	}
	for _, want := range t.Expect.Answers {
		if !slices.ContainsFunc(found, func(r record) bool { return r.is(want) }) {
			return ends, look.Fail(look.Content, "%.60q is not among the answers", want)
		}
	}
	return ends, nil
}

// judge says whether a server answered for the zone.
func judge(r reply, name string) error {
	switch {
	case r.code == "NXDOMAIN":
		return look.Fail(look.DNS, "%.80s does not exist", name)
	case r.code != "NOERROR":
		return look.Fail(look.DNS, "the server says %.20q", r.code)
	case !r.charge:
		return look.Fail(look.DNS, "the server is not in charge of the zone")
	}
	return nil
}

// matching are the records of a type. A name that is another name for one outside of the
// zone has only that to show: it counts.
func matching(all []record, kind string) []record {
	var out, other []record
	for _, r := range all {
		switch r.kind {
		case kind:
			out = append(out, r)
		case "CNAME":
			other = append(other, r)
		}
	}
	if len(out) == 0 {
		return other
	}
	return out
}

// is says whether a record is what is expected: an address however it is written, a name in
// any case and with or without its last dot, any other text as it is.
func (r record) is(want string) bool {
	return slices.ContainsFunc(r.values, func(v string) bool {
		if r.kind == "TXT" {
			return v == want
		}
		one, err := netip.ParseAddr(v)
		other, err2 := netip.ParseAddr(want)
		if err == nil && err2 == nil {
			return one == other
		}
		return strings.EqualFold(strings.TrimSuffix(v, "."), strings.TrimSuffix(want, "."))
	})
}

// short is the life of signatures that a server makes for each answer: their end is always
// near, and warns of nothing.
const short = 7 * 24 * time.Hour

// signed checks the times of all signatures in an answer, and says when the first one ends
// that somebody has to renew. Returns a ClassError of class DNS: those who check signatures
// get no answer at all.
func signed(r reply, now time.Time) (ends time.Time, err error) {
	for _, s := range slices.Concat(r.records, r.proofs) {
		if s.kind != "RRSIG" {
			continue
		}
		switch {
		case now.After(s.until):
			return ends, look.Fail(look.DNS, "the DNSSEC signature of %.20s ended on %s", s.covers, s.until.UTC().Format(time.DateTime))
		case now.Before(s.from):
			return ends, look.Fail(look.DNS, "the DNSSEC signature of %.20s begins on %s only", s.covers, s.from.UTC().Format(time.DateTime))
		case s.until.Sub(s.from) < short:
		case ends.IsZero() || s.until.Before(ends):
			ends = s.until
		}
	}
	return ends, nil
}

// moment reads a time of a signature: seconds since 1970. They wrap around in 2106, and
// RFC 4034 section 3.1.5 has them compared as such; until then they are what they are.
func moment(seconds uint32) time.Time { return time.Unix(int64(seconds), 0) }

func number(n uint16) string { return strconv.FormatUint(uint64(n), 10) }
