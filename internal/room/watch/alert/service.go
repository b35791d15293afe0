package alert

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// Calls reaches other members; peer.Client is one.
type Calls interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Watch is what alerts ask of the rest of the room.
type Watch interface {
	// Voters are the members that vote on an owner's targets, in the order in which they
	// tell its people. For ourselves: those who hold our plan.
	Voters(ctx context.Context, owner core.MemberID) ([]core.MemberID, error)
	// Serves says whether we promised a member to look at its services now.
	Serves(ctx context.Context, owner core.MemberID) (bool, error)
	// Domains are those an owner runs its services under, its own origin among them.
	Domains(ctx context.Context, owner core.MemberID) ([]string, error)
	// Sees are the words keys of what our own newest looks at an incident's targets met, one
	// each; empty when they are fine, or when we do not look.
	Sees(ctx context.Context, owner core.MemberID, incident string) []string
}

// Needs is what alerts are made of; all of it is required but Calls, which a command
// beside the node does without.
type Needs struct {
	DB       *db.DB
	Signer   seal.Signer
	Calls    Calls
	Watch    Watch
	Channels channel.Needs
	Words    *words.Catalogue
	URL      string // where browsers reach this node, "https://chaton-a.test"
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is who is told of what. Safe for concurrent use, and beside other processes on
// the same database.
type Service struct {
	n     Needs
	queue *delivery.Queue
	// telling are receipts on their way to other members.
	telling sync.WaitGroup
	places  chan struct{}
	hands   hands
}

// New makes the service; its Jobs do the work.
func New(n Needs) *Service {
	n.Channels.Hoster = n.Signer.ID()
	s := &Service{n: n, places: make(chan struct{}, maxTelling)}
	s.queue = delivery.New(delivery.Needs{
		Self: n.Signer.ID(), DB: n.DB, Plan: s.Plan, Rank: s.rank, Domains: n.Watch.Domains, Sees: n.Watch.Sees, Sender: channel.New(n.Channels),
		Tell: s.tell, Ask: asker{s}.ask, Link: s.link, Words: n.Words, Now: n.Now, Log: n.Log,
	})
	return s
}

func (s *Service) now() core.Moment    { return core.At(s.n.Now()) }
func (s *Service) self() core.MemberID { return s.n.Signer.ID() }

// Tell takes a notice in, at least once for each: the same notice again changes nothing.
// It goes to the people of its owner when we hold the owner's plan. Returns CodeInvalid
// for a notice that is a mistake.
func (s *Service) Tell(ctx context.Context, n delivery.Notice) error { return s.queue.Put(ctx, n) }

// Replace says that an incident goes on as another, which nobody is told of who was told of
// the first; empty: it never was.
func (s *Service) Replace(ctx context.Context, owner core.MemberID, incident, into string) error {
	return s.queue.Replace(ctx, owner, incident, into)
}

// Resolve says that an incident is over: who was told of it is told that, once.
func (s *Service) Resolve(ctx context.Context, owner core.MemberID, incident string, at core.Moment) error {
	return s.queue.Resolve(ctx, owner, incident, at)
}

// Absorb says that an incident is a part of another from now on: its own alerts are over, in
// silence.
func (s *Service) Absorb(ctx context.Context, owner core.MemberID, incident string, at core.Moment) error {
	return s.queue.Absorb(ctx, owner, incident, at)
}

// Incident is what was told of one incident, and to whom.
func (s *Service) Incident(ctx context.Context, owner core.MemberID, incident string) ([]delivery.Standing, []delivery.Delivery, error) {
	return s.queue.Of(ctx, owner, incident)
}

// Recent are the newest notices.
func (s *Service) Recent(ctx context.Context, since core.Moment, limit int) ([]delivery.Standing, error) {
	return s.queue.Recent(ctx, since, limit)
}

// Plan is who an owner wants told; false: we hold no plan of it.
func (s *Service) Plan(ctx context.Context, owner core.MemberID) (contact.Plan, bool, error) {
	p, ok, err := loadPlan(ctx, s.n.DB, owner)
	return p, ok && len(p.People) > 0, err
}

// Edit changes our own plan. Returns what change says, or CodeInvalid for a plan that
// cannot be.
func (s *Service) Edit(ctx context.Context, change func(p *contact.Plan) error) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, _, err := loadPlan(ctx, q, s.self())
		if err != nil {
			return err
		}
		p.Owner, p.At = s.self(), max(s.now(), p.At+1)
		if err := change(&p); err != nil {
			return err
		}
		if err := p.Check(); err != nil {
			return err
		}
		_, err = savePlan(ctx, q, p)
		return err
	})
}

// rank is our place among the tellers of an owner.
func (s *Service) rank(ctx context.Context, owner core.MemberID) (int, error) {
	if owner == s.self() {
		return 0, nil
	}
	voters, err := s.n.Watch.Voters(ctx, owner)
	if err != nil {
		return 0, err
	}
	if i := slices.Index(voters, s.self()); i >= 0 {
		return i + 1, nil
	}
	return len(voters) + 1, nil
}

// Jobs are the work of the running node.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-alert", Every: time.Second, Run: s.queue.Serve},
		{Name: "watch-alert-plan", Every: 30 * time.Second, Jitter: 5 * time.Second, Run: s.PushPlans},
		{Name: "watch-alert-hand", Every: 20 * time.Second, Jitter: 2 * time.Second, Run: hander{s}.run},
		{Name: "watch-alert-test", Every: time.Hour, Jitter: time.Minute, Run: s.Rehearse},
		{Name: "watch-alert-forget", Every: 24 * time.Hour, Jitter: time.Hour, Run: s.queue.Forget},
	}
}

// Deliver sends what is due now and waits for it: for a command beside the node.
func (s *Service) Deliver(ctx context.Context) error {
	err := s.queue.Run(ctx)
	s.telling.Wait()
	return err
}
