package quorum

import (
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// memory is what is known now: all of it can be read again from the ledger, but for what
// is under way. Its methods want mu held, but for those that say otherwise.
type memory struct {
	self  core.MemberID
	clock func() time.Time

	mu       sync.Mutex
	targets  map[verdict.Key]target.Target
	fetched  time.Time // when targets were read last
	rosters  map[core.MemberID][]saidRoster
	duties   map[core.MemberID]saidDuty
	watched  map[verdict.Key]*watched
	owned    map[core.MemberID][]verdict.Key // the keys of watched, by owner
	told     map[verdict.Key]verdict.Verdict
	drawn    map[[3]string]verdict.Assignment // by owner, target, roster
	barred   map[core.MemberID]barring
	charged  map[charge]*bucket
	grey     map[verdict.Key][][2]core.Moment // times nobody could establish
	cut      cutting
	lastHour core.Moment // when pending certificates were tried last
	tidied   core.Moment // when Tidy ran last, by our clock
}

// saidRoster is a roster as it stands in a logbook.
type saidRoster struct {
	verdict.Roster
	hash string
	at   core.Moment
	idx  int64
}

// saidDuty is the last duty of a member.
type saidDuty struct {
	verdict.Duty
	idx int64
}

// watched is what we hold in memory of one target.
type watched struct {
	verdict.Key
	events []verdict.Event
	spans  []verdict.Span
	known  core.Moment // since when it was looked at at all
	good   core.Moment // the last evidence that it is up
	failed bool        // our last look failed
	looked core.Moment
	every  time.Duration // between two looks of ours; 0 = we do not look
	greyed core.Moment   // since when we cannot establish its state; 0 = we can

	busy     bool // a case of ours runs
	refuted  int  // in a row
	wait     core.Moment
	open     *openCase                     // somebody else's
	cases    map[core.MemberID]string      // the nonce of each collector's last case that we voted in, until it ends
	unclosed map[core.MemberID]core.Moment // who began a case and never ended it
}

// openCase is a case of another collector that we voted in.
type openCase struct {
	collector core.MemberID
	nonce     string
	at        core.Moment // our first vote that it is down; 0 = there is none
	class     look.Class
	last      core.Moment // our last vote
}

func (e *memory) clear() {
	e.targets, e.rosters, e.duties = map[verdict.Key]target.Target{}, map[core.MemberID][]saidRoster{}, map[core.MemberID]saidDuty{}
	e.watched, e.owned, e.told = map[verdict.Key]*watched{}, map[core.MemberID][]verdict.Key{}, map[verdict.Key]verdict.Verdict{}
	e.drawn, e.barred, e.charged = map[[3]string]verdict.Assignment{}, map[core.MemberID]barring{}, map[charge]*bucket{}
	e.grey = map[verdict.Key][][2]core.Moment{}
	e.cut, e.fetched, e.lastHour = cutting{}, time.Time{}, 0
}

// now may be asked without mu.
func (e *memory) now() core.Moment { return core.At(e.clock()) }

// at finds or makes what we hold of a target; e.mu is held.
func (e *memory) at(k verdict.Key) *watched {
	w := e.watched[k]
	if w == nil {
		w = &watched{Key: k, unclosed: map[core.MemberID]core.Moment{}, cases: map[core.MemberID]string{}}
		e.watched[k] = w
		e.owned[k.Owner] = append(e.owned[k.Owner], k)
	}
	return w
}
