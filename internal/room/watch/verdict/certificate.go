package verdict

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
)

// TypeVerdict is a certificate in its collector's logbook.
// spec: docs/spec/watch.md#certificates
const TypeVerdict = "entrechat/watch-verdict/1"

// Certificate is the votes that prove a state. Anybody can check it.
type Certificate struct {
	Case
	State State `json:"state"`
	// At is the first suspicion, or the first good look, by the collector's clock.
	At core.Moment `json:"at"`
	// After is the nonce of the case whose state this one changes; empty = of none. It puts
	// certificates in order whatever their clocks say.
	After string `json:"after,omitempty"`
	Votes []Vote `json:"votes"`
}

// Facts are what a certificate is checked against.
type Facts struct {
	Assignment Assignment // of its target, by the roster it names
	Barred     map[core.MemberID]bool
	// Keys are those a member signed with, past ones too.
	Keys map[core.MemberID][]ed25519.PublicKey

	Holds func(key ed25519.PublicKey, text, sig []byte) bool // nil = seal.Holds
}

// Event is what a certificate that holds says.
type Event struct {
	Key
	Nonce string
	After string
	Outcome
	// Since is when the state began, Last when the last votes were given: medians of
	// the voters' clocks.
	Since, Last core.Moment
	Collector   core.MemberID
	Hash        string // leaf hash of its entry, hex; empty = not in a logbook yet
	// Place is the index of that entry and one more; 0 = we did not read it there yet.
	Place   int64
	Against []Stand
}

// Stand is how a voter's votes in one case agree with its outcome.
type Stand struct {
	Voter    core.MemberID `json:"v"`
	Votes    int           `json:"n"`
	Disagree int           `json:"d"`
}

// Bounds of time within a case.
const (
	// RoundSpread is how far the votes of one round may lie apart: two clocks and the
	// time of the calls.
	RoundSpread = 2*skew + fresh
	// leastPause and mostPause are between the two votes of one voter, by its one clock.
	leastPause, mostPause = 5 * time.Second, 60 * time.Second
	// suspected is how long before its own first vote a collector may have begun to
	// suspect: who takes a case over suspected while the other one died.
	suspected = 3 * time.Minute
)

// ParseCertificate reads the body of a certificate. Returns CodeInvalid.
func ParseCertificate(body []byte) (Certificate, error) {
	var c Certificate
	if err := wire.Peek(body, &c); err != nil {
		return c, err
	}
	if err := c.Form(); err != nil {
		return Certificate{}, err
	}
	return c, nil
}

// Form says whether a certificate has the form of one.
func (c Certificate) Form() error {
	if !c.sound() || c.At <= 0 || c.After != "" && !nonceForm.MatchString(c.After) ||
		c.State != Up && c.State != Partial && c.State != Down || len(c.Votes) > 2*voters {
		return Bad("it has not the form of one")
	}
	for _, v := range c.Votes {
		if !v.Sound() {
			return Bad("a vote has not the form of one")
		}
	}
	return nil
}

// Bad is what Check returns for a certificate that does not hold.
func Bad(format string, args ...any) error {
	return core.Invalid("watch.verdict.bad_certificate", fmt.Errorf("certificate: "+format, args...))
}

// Rounds sorts the votes into the two rounds; the second may be empty.
func (c Certificate) Rounds() (all [2][]Vote) {
	for _, v := range c.Votes {
		all[v.Round-1] = append(all[v.Round-1], v)
	}
	return all
}

// Check says what a certificate proves; it reads no clock and no store. Returns
// CodeInvalid for one that does not hold: a vote of who has no seat, a signature that is
// not the voter's, votes of other times or other cases, or votes that do not come to what
// it says.
// spec: docs/spec/watch.md#certificates
func Check(c Certificate, f Facts) (Event, error) {
	a := f.Assignment
	if a.Owner != c.Owner || a.Target != c.Target || a.Roster != c.Roster {
		return Event{}, Bad("another target's facts")
	}
	if _, rank := a.Seat(c.Collector); rank < 0 || f.Barred[c.Collector] {
		return Event{}, Bad("%s has no vote there", c.Collector)
	}
	if err := c.checkVotes(f); err != nil {
		return Event{}, err
	}
	rounds := c.Rounds()
	if len(rounds[0]) == 0 {
		return Event{}, Bad("no first round")
	}
	used := rounds[:1]
	if len(rounds[1]) > 0 {
		used = rounds[:]
	}
	if err := checkTimes(rounds); err != nil {
		return Event{}, err
	}
	o := Judge(a, f.Barred, used...)
	if !o.Decided || o.State == Unknown || o.State != c.State {
		return Event{}, Bad("its votes come to %q, not to %q", o.State, c.State)
	}
	since, err := c.since(rounds[0])
	if err != nil {
		return Event{}, err
	}
	e := Event{
		Key: Key{c.Owner, c.Target}, Nonce: c.Nonce, After: c.After, Outcome: o, Since: since, Collector: c.Collector,
		Last: Median(used[len(used)-1], nil), Against: stands(c.Votes, o.State),
	}
	if o.State == Up {
		e.Since = Median(used[len(used)-1], func(v Vote) bool { return v.State == VoteUp })
	}
	return e, nil
}

func (c Certificate) checkVotes(f Facts) error {
	type place struct {
		voter core.MemberID
		round int
	}
	seen, holds := map[place]bool{}, f.Holds
	if holds == nil {
		holds = seal.Holds
	}
	for _, v := range c.Votes {
		if !v.Sound() || seen[place{v.Voter, v.Round}] {
			return Bad("a vote that is none, or is there twice")
		}
		seen[place{v.Voter, v.Round}] = true
		if _, rank := f.Assignment.Seat(v.Voter); rank < 0 {
			return Bad("%s has no seat there", v.Voter)
		}
		text := v.Text(c.Case)
		if !slices.ContainsFunc(f.Keys[v.Voter], func(k ed25519.PublicKey) bool { return holds(k, text, v.Sig) }) {
			return Bad("%s did not sign its vote", v.Voter)
		}
	}
	return nil
}

// checkTimes holds the votes of one round together, and the rounds apart.
func checkTimes(rounds [2][]Vote) error {
	first := map[core.MemberID]core.Moment{}
	for r, votes := range rounds {
		if len(votes) == 0 {
			continue
		}
		middle := Median(votes, nil)
		for _, v := range votes {
			if d := v.At.Sub(middle).Abs(); d > RoundSpread {
				return Bad("%s voted %s from the others", v.Voter, d)
			}
			if r == 0 {
				first[v.Voter] = v.At
			} else if at, ok := first[v.Voter]; ok && (v.At.Sub(at) < leastPause || v.At.Sub(at) > mostPause) {
				return Bad("%s let %s pass between its votes", v.Voter, v.At.Sub(at))
			}
		}
	}
	if len(rounds[1]) > 0 {
		if d := Median(rounds[1], nil).Sub(Median(rounds[0], nil)); d < -RoundSpread || d > RoundSpread {
			return Bad("%s between the rounds", d)
		}
	}
	return nil
}

// since puts the first suspicion on the voters' middle clock: it is as long before the
// collector's own vote as the collector's one clock says.
func (c Certificate) since(first []Vote) (core.Moment, error) {
	middle := Median(first, nil)
	i := slices.IndexFunc(first, func(v Vote) bool { return v.Voter == c.Collector })
	if i < 0 {
		return middle, nil
	}
	before := first[i].At.Sub(c.At)
	if before < 0 || before > suspected {
		return 0, Bad("%s from the suspicion to the first vote", before)
	}
	return middle.Add(-before), nil
}

// Median is the middle of the votes' times, the earlier of two; is may be nil = all.
func Median(votes []Vote, is func(Vote) bool) core.Moment {
	var at []core.Moment
	for _, v := range votes {
		if is == nil || is(v) {
			at = append(at, v.At)
		}
	}
	if len(at) == 0 {
		return 0
	}
	slices.Sort(at)
	return at[(len(at)-1)/2]
}

// stands compares each voter with what it came to. Where only some paths fail, everybody
// may be right.
func stands(votes []Vote, state State) (all []Stand) {
	if state == Partial {
		return nil
	}
	for _, v := range votes {
		if v.State == VoteUnfit {
			continue
		}
		i := slices.IndexFunc(all, func(s Stand) bool { return s.Voter == v.Voter })
		if i < 0 {
			all, i = append(all, Stand{Voter: v.Voter}), len(all)
		}
		all[i].Votes++
		if (v.State == VoteDown) != (state == Down) {
			all[i].Disagree++
		}
	}
	return all
}

// Shape is what a look comes to as a vote.
func Shape(r look.Result) Vote {
	v := Vote{State: VoteUp, Class: r.Class, MS: max(r.Latency.Milliseconds(), 0), Family: r.Family, Half: r.Half, At: r.At}
	switch {
	case r.Class == look.Unfit:
		v.State = VoteUnfit
	case r.Class.Failure():
		v.State = VoteDown
	}
	if r.Leaf != [32]byte{} {
		v.Leaf = HexHash(r.Leaf)
	}
	return v
}
