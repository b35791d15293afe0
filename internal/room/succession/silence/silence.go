package silence

import (
	"slices"
	"time"

	"entrechat/internal/core"
)

// What silence takes.
// spec: docs/spec/succession.md#silent
const (
	day = 24 * time.Hour
	// Unheard is how old the last head of a member is at least.
	Unheard                  = 7 * day
	minWatchers, minNetworks = 3, 2 // see its services down
	// What is done about it, in full days: people are called, nobody is sent there any more,
	// custodians may be asked.
	callDay, closeDay, askDay = 7, 14, 21
	// slack is how much sooner than askDay we take another's ask: it may have heard the last
	// head some hours before us.
	slack = 12 * time.Hour
	// askLife is how long an ask may be open (docs/spec/custody.md#ask): then it is made anew.
	askLife = 120 * day
	// forgotten is how long a member that nobody hears counts among those that we follow.
	forgotten = 183 * day
)

// State is how a member stands with us.
type State string

// The states.
const (
	Well   State = "well"   // heard within a week
	Quiet  State = "quiet"  // not heard, and not enough watchers see its services down
	Silent State = "silent" // both, for a week
	// OwnLine: so many are not heard at once that it is perhaps we who are cut off.
	OwnLine State = "line"
)

// Sight is what this node knows of another member.
type Sight struct {
	Member core.MemberID
	// Heard is the newest head of its logbook, or word of its people; 0 = never.
	Heard core.Moment
	// Down is since when its services are seen down, by how many on how many networks; 0 = they
	// are not, or nobody knows.
	Down               core.Moment
	Watchers, Networks int
}

// Finding is what follows from it.
type Finding struct {
	Member core.MemberID `json:"member"`
	State  State         `json:"state"`
	Heard  core.Moment   `json:"heard_us"`
	// Since is from when days of silence count, Days how many are full; 0 unless it is silent.
	Since              core.Moment   `json:"since_us"`
	Days               int           `json:"days"`
	Watchers, Networks int           `json:"-"`
	lasts              time.Duration // of Since, as far as others bear it out
}

// Judge says how all members stand that we follow, without ourselves, in their order. now is our
// clock, which alone moves nothing: time is what the heads of two other members bear out. cut says
// that watch takes us for cut off.
func Judge(all []Sight, now core.Moment, cut bool) []Finding {
	at := min(now, second(all))
	line := cut || at == 0 || ownLine(all, now)
	out := make([]Finding, 0, len(all))
	for _, s := range all {
		f := Finding{Member: s.Member, State: Quiet, Heard: s.Heard, Watchers: s.Watchers, Networks: s.Networks}
		since := max(s.Heard, s.Down)
		switch {
		case s.Heard != 0 && now.Sub(s.Heard) < Unheard:
			f.State = Well
		case line:
			f.State = OwnLine
		case s.Heard == 0 || s.Down == 0 || s.Watchers < minWatchers || s.Networks < minNetworks || at.Sub(since) < Unheard:
		default:
			f.State, f.Since, f.lasts = Silent, since, at.Sub(since)
			f.Days = int(f.lasts / day)
		}
		out = append(out, f)
	}
	return out
}

// second is the second newest head: one member alone says nothing of the time. 0 = there are not
// two.
func second(all []Sight) core.Moment {
	heads := make([]core.Moment, 0, len(all))
	for _, s := range all {
		heads = append(heads, s.Heard)
	}
	slices.Sort(heads)
	if len(heads) < 2 {
		return 0
	}
	return heads[len(heads)-2]
}

// ownLine says that of the members heard in the last half year more than a third are not heard now.
func ownLine(all []Sight, now core.Moment) bool {
	followed, missing := 0, 0
	for _, s := range all {
		switch age := now.Sub(s.Heard); {
		case s.Heard == 0 || age >= forgotten:
		case age >= Unheard:
			followed, missing = followed+1, missing+1
		default:
			followed++
		}
	}
	return followed == 0 || 3*missing > followed
}

// reached says whether a day of silence has come.
func (f Finding) reached(day int) bool { return f.State == Silent && f.Days >= day }
