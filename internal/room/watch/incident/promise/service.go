package promise

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/incident/availability"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/verdict"
)

// TypePromise is the entry by which a hoster promises something for a service.
const TypePromise = "entrechat/watch-promise/1"

// Bounds per hoster; what is beyond is passed over.
const (
	day     = 24 * time.Hour
	maxSaid = 50   // in a day
	maxKept = 2000 // in all
)

// Book is our own logbook.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Plans reads maintenance; maintenance.Planner is one.
type Plans interface {
	Plans(ctx context.Context, owner core.MemberID, from, to core.Moment) ([]maintenance.Plan, error)
}

// Needs is what promises are made of. Services, Intervals and Zone may be nil.
type Needs struct {
	DB    *db.DB // with the room's tables
	Book  Book
	Self  core.MemberID
	Plans Plans
	// Services are the names of our own services, for forms.
	Services func(ctx context.Context) ([]string, error)
	// Intervals are what was measured of a service, for the command and the page of our own
	// promises; nil = nothing is shown beside them.
	Intervals func(ctx context.Context, owner core.MemberID, service string, from, to core.Moment) ([]availability.Interval, error)
	// Zone is where we are; nil = UTC.
	Zone *time.Location
	Now  func() time.Time
	Log  *slog.Logger
}

// Promises keeps what everybody promises and says ours. Safe for concurrent use.
type Promises struct{ n Needs }

// New makes it.
func New(n Needs) *Promises {
	if n.Zone == nil {
		n.Zone = time.UTC
	}
	if _, err := maintenance.Zone(n.Zone.String()); err != nil { // that of the machine has no name
		n.Zone = time.UTC
	}
	return &Promises{n}
}

func (s *Promises) now() core.Moment { return core.At(s.n.Now()) }

// Set promises something for a service of ours from now on; months that run are judged by
// what stood before. An empty zone is ours. CodeInvalid, CodeFull.
func (s *Promises) Set(ctx context.Context, p Promise) (Said, error) {
	if p.Zone == "" {
		p.Zone = s.n.Zone.String()
	}
	if err := p.Check(); err != nil {
		return Said{Promise: p}, err
	}
	today, total, err := counts(ctx, s.n.DB, s.n.Self, s.now().Add(-day), s.now())
	if err != nil {
		return Said{}, err
	}
	if today >= maxSaid || total >= maxKept {
		return Said{}, core.Full("watch.promise.many", errors.New("too many promises")).With("Limit", maxSaid)
	}
	e, err := s.n.Book.Append(ctx, TypePromise, nil, 0, p)
	if err != nil {
		return Said{}, err
	}
	return Said{p, e.Iat}, s.hear(ctx, e, p)
}

// Readers hear what members promise.
func (s *Promises) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "watch-promise", Types: []string{TypePromise}, Read: s.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error { return cut(ctx, s.n.DB, log, index) },
	}}
}

// read takes one entry in; what makes no sense is passed over.
func (s *Promises) read(ctx context.Context, e logbook.Entry) error {
	var p Promise
	if wire.Peek(e.Body, &p) != nil || p.Check() != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	return s.hear(ctx, e, p)
}

func (s *Promises) hear(ctx context.Context, e logbook.Entry, p Promise) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		before, err := latest(ctx, q, e.Log, e.Index)
		if err != nil {
			return err
		}
		said := Said{p, max(e.Iat, before)} // nobody promises in the past
		today, total, err := counts(ctx, q, e.Log, said.Said.Add(-day), said.Said)
		if err != nil || today >= maxSaid || total >= maxKept {
			return err
		}
		return add(ctx, q, e.Log, said, e.Index)
	})
}

// Promises lists what stands of a hoster now, by service.
func (s *Promises) Promises(ctx context.Context, owner core.MemberID) ([]Said, error) {
	rows, err := all(ctx, s.n.DB, owner, "")
	if err != nil {
		return nil, err
	}
	var out []Said
	for _, one := range rows { // the last of each service
		if n := len(out); n > 0 && out[n-1].Service == one.Service {
			out[n-1] = one
			continue
		}
		out = append(out, one)
	}
	standing := out[:0]
	for _, one := range out {
		if !one.End {
			standing = append(standing, one)
		}
	}
	return standing, nil
}

// Standing is what we promise for a service of ours now; ok is false where it is nothing.
func (s *Promises) Standing(ctx context.Context, service string) (p Said, ok bool, err error) {
	said, err := s.History(ctx, s.n.Self, service)
	if err != nil || len(said) == 0 {
		return p, false, err
	}
	p = said[len(said)-1]
	return p, !p.End, nil
}

// History lists all that a hoster ever promised for a service, in its order.
func (s *Promises) History(ctx context.Context, owner core.MemberID, service string) ([]Said, error) {
	return all(ctx, s.n.DB, owner, service)
}

// Figures measures a service over a period from its intervals, which may begin earlier, with
// the maintenance and the promises of its owner. Days and months are those of the promise's
// zone; UTC without a promise.
func (s *Promises) Figures(ctx context.Context, owner core.MemberID, service string, span availability.Span, intervals []availability.Interval) (Figures, error) {
	said, err := s.History(ctx, owner, service)
	if err != nil {
		return Figures{}, err
	}
	plans, err := s.n.Plans.Plans(ctx, owner, span.From.Add(-maintenance.Longest), span.To)
	if err != nil {
		return Figures{}, err
	}
	at := time.UTC
	if len(said) > 0 {
		if zone, err := maintenance.Zone(said[len(said)-1].Zone); err == nil {
			at = zone
		}
	}
	return Measure(Measured{
		Owner: owner, Service: service, From: span.From, To: span.To, Intervals: intervals, Plans: plans, Promises: said, At: at, Now: s.now(),
	}), nil
}

// recent are the figures of the last days, from the first moment that anything was known;
// nil where nothing was.
func (s *Promises) recent(ctx context.Context, owner core.MemberID, service string, days int) (*Figures, error) {
	if s.n.Intervals == nil {
		return nil, nil
	}
	span := availability.Span{From: s.now().Add(-day * time.Duration(min(max(days, 1), 3660))), To: s.now()}
	intervals, err := s.n.Intervals(ctx, owner, service, span.From, span.To)
	if err != nil {
		return nil, err
	}
	first := span.To
	for _, i := range intervals {
		if i.State != verdict.Unknown {
			first = min(first, i.From)
		}
	}
	if span.From = max(span.From, first); span.From >= span.To {
		return nil, nil
	}
	f, err := s.Figures(ctx, owner, service, span, intervals)
	return &f, err
}
