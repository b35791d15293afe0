package schedule

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// The bounds of what runs at once.
const (
	mostLooks    = 512 // in all; half of it is dealt out as shares, half is for who needs more
	mostOfHost   = 4   // at one host
	slowOfHost   = 2   // of these, at targets that are slow
	slowFrom     = 2 * time.Second
	mostQuestion = 64 // calls of Ask that wait, for each hoster
)

// The bounds of looks in time; what is ours is only bound by target.
const (
	targetRate  = 1 // a second
	targetBurst = 8
	prefixRate  = 4 // a second, at one IPv4 /24 or IPv6 /48
	hosterRate  = 10
	mostIdle    = 4096 // buckets that are kept of targets nobody schedules, and of prefixes
)

type budget = *rate.Limiter

func newBudget() budget { return rate.NewLimiter(targetRate, targetBurst) }

// limits are the counts of all hosters together; Scheduler.mu guards them.
type limits struct {
	hosts        map[string]*host
	prefixes     map[netip.Prefix]budget
	turns        []*hoster // those with looks that wait, who is next first
	waits        int       // looks that wait, of all
	running      int
	borrowed     int
	slowBorrowed int
}

func newLimits() limits {
	return limits{hosts: map[string]*host{}, prefixes: map[netip.Prefix]budget{}}
}

// host is one name or address that targets stand on.
type host struct {
	running, slow int
	prefix        netip.Prefix // of its address at the last look; zero = not known
}

// hoster is the owner of targets.
type hoster struct {
	own, ownSlow int // looks that run within its share
	rate         budget
	quick, late  []*waiting // late: of slow targets
	questions    int        // calls of Ask among quick
	listed       bool       // in turns
}

func (h *hoster) waits() bool { return len(h.quick)+len(h.late) > 0 }

// waiting is a look that is to begin as soon as the limits let it.
type waiting struct {
	entry     *entry
	target    target.Target
	ask       *question // nil = routine
	afterSlow bool      // the target was slow the last time
	lent      bool      // it runs beyond the hoster's share
	begun     time.Duration
}

// place says whose an entry is and where it stands.
func (s *Scheduler) place(e *entry) {
	h := s.hosters[e.Target.Owner]
	if h == nil {
		h = &hoster{rate: rate.NewLimiter(hosterRate, hosterRate)}
		s.hosters[e.Target.Owner] = h
	}
	name := hostOf(e.Target)
	at := s.hosts[name]
	if at == nil {
		at = &host{}
		s.hosts[name] = at
	}
	e.hoster, e.host = h, at
}

// hostOf is the host of an address; without one, of a backup, the target stands alone.
func hostOf(t target.Target) string {
	name := t.Address
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		name = u.Hostname()
	} else if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	if name == "" || t.Kind == target.Backup {
		return string(t.Owner) + " " + t.ID
	}
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

// prune forgets hosters and hosts that nothing refers to, and buckets that are full again.
func (s *Scheduler) prune() {
	hosters, hosts := map[*hoster]bool{}, map[*host]bool{}
	for _, all := range []map[key]*entry{s.entries, s.asked} {
		for _, e := range all {
			hosters[e.hoster], hosts[e.host] = true, true
		}
	}
	for id, h := range s.hosters {
		if !hosters[h] && h.own == 0 && !h.waits() {
			delete(s.hosters, id)
		}
	}
	for name, h := range s.hosts {
		if !hosts[h] && h.running == 0 {
			delete(s.hosts, name)
		}
	}
	s.forget(s.Now())
}

// forget drops buckets that are full again, when there are many.
func (s *Scheduler) forget(now time.Time) {
	if len(s.prefixes) > mostIdle {
		maps.DeleteFunc(s.prefixes, func(_ netip.Prefix, b budget) bool { return b.TokensAt(now) >= prefixRate })
	}
	if len(s.asked) > mostIdle {
		maps.DeleteFunc(s.asked, func(_ key, e *entry) bool { return e.budget.TokensAt(now) >= targetBurst })
	}
}

// share is how many looks of each hoster may always run, and how many more all of them
// together.
func (s *Scheduler) share() (each, more int) {
	n := max(1, len(s.hosters))
	each = max(1, mostLooks/2/n)
	return each, max(0, mostLooks-each*n)
}

type answer int

const (
	yes        answer = iota
	notThis           // its target or host has enough; others of the hoster may go
	notAnybody        // nothing of this lane of the hoster may go now
)

// admit counts a look that may begin now.
func (s *Scheduler) admit(w *waiting, now time.Time) answer {
	e, h := w.entry, w.entry.hoster
	each, more := s.share()
	within := h.own < each && (!w.afterSlow || h.ownSlow < max(1, each/2))
	if !within && (s.borrowed >= more || w.afterSlow && s.slowBorrowed >= more/2) {
		return notAnybody
	}
	if e.host.running >= mostOfHost || w.afterSlow && e.host.slow >= slowOfHost {
		return notThis
	}
	if a := s.pay(e, now); a != yes {
		return a
	}
	w.lent = !within
	s.book(w, 1)
	return yes
}

// pay takes one token of each bucket the look must pass, or none.
func (s *Scheduler) pay(e *entry, now time.Time) answer {
	if e.budget.TokensAt(now) < 1 {
		return notThis
	}
	if e.Target.Owner == s.Self || e.Target.Local {
		e.budget.AllowN(now, 1)
		return yes
	}
	if e.hoster.rate.TokensAt(now) < 1 {
		return notAnybody
	}
	if e.host.prefix.IsValid() && !s.prefix(e.host.prefix).AllowN(now, 1) {
		return notThis
	}
	e.budget.AllowN(now, 1)
	e.hoster.rate.AllowN(now, 1)
	return yes
}

func (s *Scheduler) prefix(p netip.Prefix) budget {
	b := s.prefixes[p]
	if b == nil {
		b = rate.NewLimiter(prefixRate, prefixRate)
		s.prefixes[p] = b
	}
	return b
}

// book counts a look that begins (1) or ends (-1).
func (s *Scheduler) book(w *waiting, n int) {
	e := w.entry
	s.running += n
	e.host.running += n
	if w.afterSlow {
		e.host.slow += n
	}
	switch {
	case w.lent:
		s.borrowed += n
		if w.afterSlow {
			s.slowBorrowed += n
		}
	default:
		e.hoster.own += n
		if w.afterSlow {
			e.hoster.ownSlow += n
		}
	}
}

// enqueue has a look wait for the limits.
func (s *Scheduler) enqueue(w *waiting) {
	h := w.entry.hoster
	switch {
	case w.ask != nil: // a vote is worth more than routine, and must not wait behind slow ones
		h.quick = append([]*waiting{w}, h.quick...)
		h.questions++
	case w.entry.slow:
		w.afterSlow = true
		h.late = append(h.late, w)
	default:
		h.quick = append(h.quick, w)
	}
	s.waits++
	if !h.listed {
		h.listed = true
		s.turns = append(s.turns, h)
	}
}

// dispatch begins all looks that may begin: of each hoster in turn, quick ones first.
func (s *Scheduler) dispatch() {
	if s.ctx == nil || s.ended {
		return
	}
	now := s.Now()
	for _, h := range s.turns {
		h.quick = s.sift(h.quick, now)
	}
	for _, h := range s.turns {
		h.late = s.sift(h.late, now)
	}
	keep := s.turns[:0]
	for _, h := range s.turns {
		if h.listed = h.waits(); h.listed {
			keep = append(keep, h)
		}
	}
	clear(s.turns[len(keep):])
	s.turns = keep
	if len(keep) > 1 { // who was asked first comes last the next time
		s.turns = append(keep[1:], keep[0])
	}
}

// sift begins what may begin and returns what still waits.
func (s *Scheduler) sift(all []*waiting, now time.Time) []*waiting {
	keep := all[:0]
	for i, w := range all {
		if w.ask != nil && w.ask.left || w.ask == nil && w.entry.gone {
			s.unqueue(w)
			continue
		}
		switch s.admit(w, now) {
		case yes:
			s.unqueue(w)
			s.start(w)
			continue
		case notAnybody:
			keep = append(keep, all[i:]...)
			clear(all[len(keep):])
			return keep
		case notThis:
			keep = append(keep, w)
		}
	}
	clear(all[len(keep):])
	return keep
}

func (s *Scheduler) unqueue(w *waiting) {
	s.waits--
	if w.ask != nil {
		w.entry.hoster.questions--
	}
}

// isSlow says that a target may hang again at its next look.
func isSlow(r look.Result, took time.Duration) bool {
	return r.Class == look.Timeout || took >= slowFrom
}

// PrefixOf is the part of an address that is bound as one: IPv4 /24 or IPv6 /48.
func PrefixOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	length := 48
	if a.Is4() {
		length = 24
	}
	p, _ := a.Prefix(length) // fails for the zero address only, whose prefix is the zero one
	return p
}

// Counts is what happened since the start.
type Counts struct {
	Looks   int64 // routine looks that ended
	Missed  int64 // routine looks left out because the one before had not ended or could not begin
	Asked   int64 // looks for votes
	Refused int64 // looks for votes that the limits did not let through in time
	Running int   // now
	Waiting int   // now, for a limit
	Targets int   // now
}
