package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/seal"
)

// Hoster is one whose state this node knows by itself: ourselves, and those we vote for.
type Hoster struct {
	ID   core.MemberID
	Name string // as people call it; empty = its origin
	// Hosts are the names under which browsers may ask us for its page
	// ("status.chaton-b.test").
	Hosts  []string
	Zone   string      // of its users' clocks; empty = UTC
	Voters int         // members that look at it, without itself
	Heard  core.Moment // its node's last sign
	Silent bool        // its node is missed
}

// Source is where snapshots come from; the room's root fills it from the other folders. All
// of it is our own knowledge. Lists need not be bounded: the board does that.
type Source interface {
	// Hosters are those whose pages this node has, ourselves first.
	Hosters(ctx context.Context) ([]Hoster, error)
	// Services are those of one hoster as they stand now, in the order to be shown.
	// basis is the newest look or verdict they stand on.
	Services(ctx context.Context, who Hoster, now core.Moment) (all []Service, basis core.Moment, err error)
	// Incidents are those of the last 90 days, and older ones with a postmortem.
	Incidents(ctx context.Context, who core.MemberID, now core.Moment) ([]Incident, error)
	// Maintenance is what is planned, goes on, or was in the last 90 days.
	Maintenance(ctx context.Context, who core.MemberID, now core.Moment) ([]Maintenance, error)
}

const (
	// MaxHosters is how many hosters a board holds; more than a voter ever has.
	MaxHosters = 200
	maxHosts   = 8
	// Old is the age from which a page says how old it is.
	Old = 5 * time.Minute
)

// Posted is a snapshot as the board holds it. It never changes.
type Posted struct {
	Snapshot
	JSON   []byte // the snapshot's
	Signed []byte // the envelope around JSON
	// Kept holds what is made of this snapshot, as pages: it goes when the snapshot does.
	Kept *sync.Map
}

// Aged is how old what is shown is: its making, or the newest thing it stands on.
func (p *Posted) Aged(now core.Moment) time.Duration {
	age := now.Sub(p.Made)
	if p.Basis != 0 {
		age = max(age, now.Sub(p.Basis))
	}
	return max(age, 0)
}

// Needs is what a board is made of; all of it is required.
type Needs struct {
	Source Source
	Signer seal.Signer
	Now    func() time.Time
}

// Board holds the snapshots that this node shows. Safe for concurrent use; reading takes no
// lock.
type Board struct {
	Needs
	shown atomic.Pointer[shown]
	mu    sync.Mutex // one writer
}

type shown struct {
	order  []core.MemberID // our own first, then as the source has them
	posted map[core.MemberID]*Posted
	hosts  map[string]core.MemberID
}

// New makes a board; it is empty until it is rebuilt.
func New(n Needs) *Board {
	b := &Board{Needs: n}
	b.shown.Store(&shown{})
	return b
}

// Self is this node.
func (b *Board) Self() core.MemberID { return b.Signer.ID() }

// Clock is the board's time.
func (b *Board) Clock() core.Moment { return core.At(b.Now()) }

// Job rebuilds the board every 15 seconds: what is concluded or said is on its page that soon.
func (b *Board) Job() jobs.Job {
	return jobs.Job{Name: "watch-status", Every: 15 * time.Second, Run: b.Rebuild}
}

// Rebuild makes all snapshots anew. One that cannot be made stays as it was, and its page
// says how old it is; the error tells of all of them.
func (b *Board) Rebuild(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	hosters, err := b.Source.Hosters(ctx)
	if err != nil {
		return err
	}
	before := b.shown.Load()
	after := &shown{posted: map[core.MemberID]*Posted{}, hosts: map[string]core.MemberID{}}
	for _, who := range head(hosters, MaxHosters) {
		one, failed := b.post(ctx, who)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("status snapshot of %s: %w", who.ID, failed))
			one = before.posted[who.ID]
		}
		after.add(one, who.Hosts)
	}
	b.shown.Store(after)
	return err
}

// add shows a snapshot beside those that are there; the first of a hoster counts.
func (s *shown) add(p *Posted, hosts []string) {
	if p == nil || s.posted[p.Hoster] != nil {
		return
	}
	s.posted[p.Hoster] = p
	s.order = append(s.order, p.Hoster)
	for _, host := range head(hosts, maxHosts) {
		if _, taken := s.hosts[host]; !taken {
			s.hosts[host] = p.Hoster
		}
	}
}

func (b *Board) post(ctx context.Context, who Hoster) (*Posted, error) {
	now := b.Clock()
	s := Snapshot{
		Hoster: who.ID, Name: who.Name, By: b.Self(), Made: now,
		Heard: who.Heard, Silent: who.Silent, Voters: who.Voters, Zone: who.Zone,
	}
	var err error
	if s.Services, s.Basis, err = b.Source.Services(ctx, who, now); err != nil {
		return nil, err
	}
	if s.Incidents, err = b.Source.Incidents(ctx, who.ID, now); err != nil {
		return nil, err
	}
	if s.Maintenance, err = b.Source.Maintenance(ctx, who.ID, now); err != nil {
		return nil, err
	}
	text, s, err := s.Bounded().Encode()
	if err != nil {
		return nil, err
	}
	signed, err := Sign(text, b.Signer)
	return &Posted{Snapshot: s, JSON: text, Signed: signed, Kept: &sync.Map{}}, err
}

// Of answers what is shown of a hoster.
func (b *Board) Of(hoster core.MemberID) (*Posted, bool) {
	p, ok := b.shown.Load().posted[hoster]
	return p, ok
}

// All are all snapshots, our own first. The slice is the caller's.
func (b *Board) All() []*Posted {
	s := b.shown.Load()
	out := make([]*Posted, 0, len(s.order))
	for _, id := range s.order {
		out = append(out, s.posted[id])
	}
	return out
}

// At answers whose page a browser wants that asks for a name of a hoster we vote for; host
// is without a port, in lower case.
func (b *Board) At(host string) (core.MemberID, bool) {
	id, ok := b.shown.Load().hosts[host]
	return id, ok
}
