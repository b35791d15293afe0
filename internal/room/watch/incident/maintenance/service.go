package maintenance

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/incident/note"
)

// TypeMaintenance is the entry that plans a maintenance, ends or cancels it.
const TypeMaintenance = "entrechat/watch-maintenance/1"

const (
	day       = 24 * time.Hour
	maxPlans  = 50   // of one hoster in a day
	maxAll    = 5000 // of one hoster
	maxListed = 2000
	perRound  = 100
	shortID   = 10
	news      = day // how long after its end a plan is still told
)

// The kinds of entries.
const (
	kindPlan   = "plan"
	kindEnd    = "end"
	kindCancel = "cancel"
)

// Body is what the entry says.
// spec: docs/spec/incident.md#maintenance
type Body struct {
	Kind     string      `json:"kind"`
	Start    core.Moment `json:"start_us,omitzero"`
	End      core.Moment `json:"end_us,omitzero"`
	Zone     string      `json:"zone,omitempty"`
	Services []string    `json:"services,omitempty"`
	SHA256   string      `json:"sha256,omitempty"`
	Bytes    int64       `json:"bytes,omitzero"`
	Plan     string      `json:"plan,omitempty"` // of end and cancel
	At       core.Moment `json:"at_us,omitzero"` // of end and cancel
}

// Book is our own logbook.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Needs is what maintenance is made of. Voters, Services, Zone and Tell may be nil.
type Needs struct {
	DB    *db.DB // with the room's tables
	Book  Book
	Self  core.MemberID
	Texts *note.Texts
	// Voters are whom a plan is said to first.
	Voters func(ctx context.Context) ([]core.MemberID, error)
	// Services are the names of our own services, for forms.
	Services func(ctx context.Context) ([]string, error)
	// Zone is where we are: the zone of what people type without one; nil = UTC.
	Zone *time.Location
	// Tell is told of each plan, its early end and its cancellation, at least once; the
	// plan's State says which.
	Tell func(ctx context.Context, p Plan) error
	Now  func() time.Time
	Log  *slog.Logger
}

// Planner keeps everybody's plans and says ours. Safe for concurrent use.
type Planner struct {
	n       Needs
	telling sync.Mutex
}

// New makes it.
func New(n Needs) *Planner {
	if n.Zone == nil || n.Zone.String() == local {
		n.Zone = time.UTC
	}
	return &Planner{n: n}
}

func (s *Planner) now() core.Moment { return core.At(s.n.Now()) }

// Plan announces a maintenance of ours. p says its times, zone (empty = ours) and services;
// text is what people read and may be zero. CodeInvalid, CodeFull.
func (s *Planner) Plan(ctx context.Context, p Plan, text note.Document) (Plan, error) {
	if p.Zone == "" {
		p.Zone = s.n.Zone.String()
	}
	p.Services = slices.Clone(p.Services)
	slices.Sort(p.Services)
	if err := p.checkNew(s.now()); err != nil {
		return p, err
	}
	n, all, err := counted(ctx, s.n.DB, s.n.Self, s.now().Add(-day), s.now())
	if err != nil {
		return p, err
	}
	if n >= maxPlans || all >= maxAll {
		return p, core.Full("watch.maintenance.many", errors.New("too many plans")).With("Limit", maxPlans)
	}
	b := Body{Kind: kindPlan, Start: p.Start, End: p.End, Zone: p.Zone, Services: p.Services}
	if text.Text != "" {
		if b.SHA256, b.Bytes, err = s.n.Texts.Add(ctx, text); err != nil {
			return p, err
		}
	}
	e, err := s.append(ctx, b)
	if err != nil {
		return p, err
	}
	return s.get(ctx, hex.EncodeToString(e.Hash[:]))
}

// End ends a maintenance of ours that runs, before its time. id may be the beginning of one.
// CodeNotFound; CodeConflict for one that is not running.
func (s *Planner) End(ctx context.Context, id string) (Plan, error) {
	return s.close(ctx, id, kindEnd, Running)
}

// Cancel says that a maintenance of ours does not take place. CodeConflict for one that has
// begun.
func (s *Planner) Cancel(ctx context.Context, id string) (Plan, error) {
	return s.close(ctx, id, kindCancel, Planned)
}

func (s *Planner) close(ctx context.Context, id, kind string, want State) (Plan, error) {
	p, err := s.Find(ctx, id)
	if err != nil {
		return p, err
	}
	if is := p.State(s.now()); is != want {
		return p, core.Conflict("watch.maintenance.is_"+string(is), errors.New("it is "+string(is))).With("ID", p.ID[:shortID])
	}
	if _, err := s.append(ctx, Body{Kind: kind, Plan: p.ID, At: s.now()}); err != nil {
		return p, err
	}
	return s.get(ctx, p.ID)
}

// append writes an entry of ours and takes it in at once, as the reader will again.
func (s *Planner) append(ctx context.Context, b Body) (e logbook.Entry, err error) {
	var aud []core.MemberID
	if s.n.Voters != nil {
		if aud, err = s.n.Voters(ctx); err != nil {
			return e, err
		}
	}
	if e, err = s.n.Book.Append(ctx, TypeMaintenance, aud, 0, b); err != nil {
		return e, err
	}
	return e, s.hear(ctx, e, b)
}

// Readers hear what members plan.
func (s *Planner) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "watch-maintenance", Types: []string{TypeMaintenance}, Read: s.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return cut(ctx, q, log, index) })
		},
	}}
}

// Jobs tell what could not be told at once.
func (s *Planner) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "watch-maintenance", Every: time.Minute, Run: s.Deliver}}
}

// read takes one entry in; what makes no sense is passed over.
func (s *Planner) read(ctx context.Context, e logbook.Entry) error {
	var b Body
	if wire.Peek(e.Body, &b) != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	return s.hear(ctx, e, b)
}

func (s *Planner) hear(ctx context.Context, e logbook.Entry, b Body) error {
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if b.Kind == kindPlan {
			return s.hearPlan(ctx, q, e, b)
		}
		return s.hearEnd(ctx, q, e, b)
	})
	if err != nil {
		return err
	}
	if err := s.Deliver(ctx); err != nil {
		s.n.Log.Info("a maintenance is not told yet", "error", err)
	}
	return nil
}

func (s *Planner) hearPlan(ctx context.Context, q db.Querier, e logbook.Entry, b Body) error {
	p := Plan{
		ID: hex.EncodeToString(e.Hash[:]), Owner: e.Log, Services: b.Services, Start: b.Start, End: b.End, Zone: b.Zone, Name: b.SHA256,
	}
	if p.Check() != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	before, err := said(ctx, q, e.Log, e.Index)
	if err != nil {
		return err
	}
	p.Announced = max(e.Iat, before)
	n, all, err := counted(ctx, q, e.Log, p.Announced.Add(-day), p.Announced)
	if err != nil || n >= maxPlans || all >= maxAll {
		return err
	}
	added, err := add(ctx, q, p, e.Index)
	if err != nil || !added || p.Name == "" {
		return err
	}
	return s.n.Texts.Want(ctx, q, e.Log, p.Name)
}

// hearEnd closes a plan of the same member. Before its start it does not take place at all,
// whichever word was used.
func (s *Planner) hearEnd(ctx context.Context, q db.Querier, e logbook.Entry, b Body) error {
	if (b.Kind != kindEnd && b.Kind != kindCancel) || !note.IsName(b.Plan) {
		return nil
	}
	p, err := byID(ctx, q, b.Plan)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil || p.Owner != e.Log || e.Iat >= p.End {
		return err
	}
	p.Closed, p.Cancelled = e.Iat, e.Iat <= p.Start
	return closePlan(ctx, q, p, e.Index)
}

// Deliver tells what waits.
func (s *Planner) Deliver(ctx context.Context) error {
	if s.n.Tell == nil {
		return nil
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	all, err := untold(ctx, s.n.DB, perRound)
	if err != nil {
		return err
	}
	for _, p := range all {
		state := p.State(0) // planned, ended or cancelled: what does not depend on the time
		if p.End > s.now().Add(-news) {
			if err := s.n.Tell(ctx, p); err != nil {
				return err
			}
		}
		if err := setTold(ctx, s.n.DB, p.ID, state); err != nil {
			return err
		}
	}
	return nil
}
