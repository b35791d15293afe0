package tonight

import (
	"cmp"
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

// Source is where the page gets what it shows, and hands on what is decided; the room's
// root fills it from the other folders.
type Source interface {
	Night(ctx context.Context) (Night, error)
	// Acknowledge says that whoever is signed in takes care of an incident.
	Acknowledge(ctx context.Context, incident string) error
	// Again has all vantage points look at an incident's targets now.
	Again(ctx context.Context, incident string) error
}

// Night is what an admin has to know. A time of 0 is not known, or not yet.
type Night struct {
	// Isolated is since when this node reaches most of the others no more: what it sees
	// says nothing. 0 = it does reach them.
	Isolated core.Moment
	Troubles []Trouble
	// Watched is how many of our services are looked at from here, Newest when the last look
	// was; Unseen are those without a recent one, of which nothing is known.
	Watched int
	Newest  core.Moment
	Unseen  []string
	Awake   []Person // whom the rota names now, in the order in which they are called
}

// Trouble is an incident that goes on, ours or that of a hoster we look at.
type Trouble struct {
	ID           string // the incident's
	Hoster       core.MemberID
	Name         string // of the hoster, as people call it
	Ours         bool
	Services     []string // names; empty = all
	State        verdict.State
	Weak         bool
	Since        core.Moment
	Told         []Told
	Acknowledged core.Moment
	By           string // who acknowledged
	Targets      []Target
	// Write is the admin's page where users are told more; empty = none.
	Write string
}

// Person is somebody on call.
type Person struct {
	Name  string
	Until core.Moment // the end of the turn; 0 = no end is known
	Quiet bool        // quiet hours: only what may wake reaches this person now
}

// Told is one message to one person.
type Told struct {
	Person, Channel string
	At              core.Moment
	State           Delivery
}

// Delivery is how far a message came. The zero value is Waiting.
type Delivery string

// How far messages come.
const (
	Waiting Delivery = ""
	Sent    Delivery = "sent"   // the channel took it
	Failed  Delivery = "failed" // no channel took it
	Held    Delivery = "held"   // for the end of quiet hours
	Seen    Delivery = "seen"   // acknowledged by who got it
)

// Target is one thing that is looked at, as each vantage point sees it.
type Target struct {
	Service, Address string
	Here             View // from this node; a zero At = we do not look at it
	Voters           []View
}

// View is the newest look of one vantage point.
type View struct {
	Who    core.MemberID
	At     core.Moment
	State  verdict.State
	Class  look.Class
	Took   time.Duration
	Detail string // ours only: details never travel
}

// What one page shows at most.
const (
	maxTroubles, maxAwake, maxTold, maxTargets, maxVoters = 50, 20, 50, 20, 7

	maxName, maxDetail = 80, 200
)

// bounded cuts lists and texts, and puts first what asks for somebody: ours before others',
// what nobody takes care of before the rest, down before partial, the oldest first.
func (n Night) bounded() Night {
	n.Troubles = slices.Clone(n.Troubles)
	slices.SortStableFunc(n.Troubles, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Since, b.Since), cmp.Compare(a.ID, b.ID))
	})
	n.Troubles = cut(n.Troubles, maxTroubles)
	for i := range n.Troubles {
		n.Troubles[i] = n.Troubles[i].bounded()
	}
	n.Unseen = slices.Clone(cut(n.Unseen, maxTargets))
	for i := range n.Unseen {
		n.Unseen[i] = name(n.Unseen[i])
	}
	n.Awake = slices.Clone(cut(n.Awake, maxAwake))
	for i := range n.Awake {
		n.Awake[i].Name = name(n.Awake[i].Name)
	}
	return n
}

func rank(t Trouble) (r int) {
	if !t.Ours {
		r += 8
	}
	if t.Acknowledged != 0 {
		r += 4
	}
	switch t.State {
	case verdict.Down:
	case verdict.Partial:
		r++
	case verdict.Unknown, verdict.Up:
		r += 2
	}
	if t.Weak {
		r++
	}
	return r
}

func (t Trouble) bounded() Trouble {
	t.Name, t.By = cmp.Or(name(t.Name), string(t.Hoster)), name(t.By)
	t.Services = slices.Clone(cut(t.Services, maxTargets))
	for i := range t.Services {
		t.Services[i] = name(t.Services[i])
	}
	t.Told = slices.Clone(cut(t.Told, maxTold))
	for i := range t.Told {
		t.Told[i].Person, t.Told[i].Channel = name(t.Told[i].Person), name(t.Told[i].Channel)
	}
	t.Targets = slices.Clone(cut(t.Targets, maxTargets))
	for i := range t.Targets {
		x := &t.Targets[i]
		x.Service, x.Address = name(x.Service), status.Clean(x.Address, maxDetail, false)
		x.Here.Detail = status.Clean(x.Here.Detail, maxDetail, false)
		x.Voters = slices.Clone(cut(x.Voters, maxVoters))
	}
	return t
}

func name(text string) string { return status.Clean(text, maxName, false) }

func cut[T any](all []T, n int) []T { return all[:min(len(all), n)] }
