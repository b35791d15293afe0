package incident

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/verdict"
)

const day = 24 * time.Hour

// Bounds per hoster. What is beyond is passed over: it is its own flood.
const (
	maxSteps     = 2000   // of one target in a day
	maxNotes     = 100    // in a day
	maxAllNotes  = 20_000 // in all
	maxLines     = 2000   // of a timeline
	maxListed    = 1000   // incidents of one answer
	shortID      = 10     // digits of an id that people read
	dispatchTime = 30 * time.Second
)

// Book is our own logbook.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// LineSource adds lines to the timeline of an incident: looks, votes, alerts that were sent
// and acknowledged. It answers in order, at most a few hundred.
type LineSource func(ctx context.Context, i Incident) ([]Line, error)

// Needs is what incidents are made of. What may be nil says so.
type Needs struct {
	DB    *db.DB // with the room's tables
	Book  Book
	Self  core.MemberID
	Texts *note.Texts
	// ServiceOf names the service of a target as users know it; an error of CodeNotFound
	// makes the target its own service.
	ServiceOf func(ctx context.Context, owner core.MemberID, target string) (string, error)
	// Services are the names of our own services, for forms; nil = none.
	Services func(ctx context.Context) ([]string, error)
	// Voters are whom our entries are for first; nil = nobody.
	Voters func(ctx context.Context) ([]core.MemberID, error)
	// Lines add to timelines; may be empty.
	Lines []LineSource
	// Tell is told what happens, at least once per event; nil = nobody is.
	Tell func(ctx context.Context, e Event) error
	Now  func() time.Time
	Log  *slog.Logger
}

// Reporter keeps the incidents of all hosters, and says ours. Safe for concurrent use, and
// beside other processes on the same database.
type Reporter struct {
	n       Needs
	telling sync.Mutex
}

// New makes it.
func New(n Needs) *Reporter { return &Reporter{n: n} }

func (s *Reporter) now() core.Moment { return core.At(s.n.Now()) }

// Change is one change of a target's verdict.
type Change struct{ Before, After verdict.Verdict }

// Took takes a change in, once or more often: what is known changes nothing. It returns when
// the incidents that follow from it are on the disk; the error of a change is to be tried
// again.
func (s *Reporter) Took(ctx context.Context, c Change) error {
	v := c.After
	if v.Owner == "" || v.Target == "" || v.Since <= 0 {
		return nil // a state that began at no time says nothing
	}
	service, err := s.n.ServiceOf(ctx, v.Owner, v.Target)
	if core.CodeOf(err) == core.CodeNotFound {
		service, err = v.Target, nil
	}
	if err != nil {
		return err
	}
	return s.take(ctx, v.Owner, step{
		Key: keyOf(v), Target: v.Target, Service: service, State: v.State, Weak: v.Weak, At: v.Since, Failing: v.Failing, Voters: v.Voters,
	})
}

// Gone says that a target's owner took it away, or paused it, by an entry of that hash: it
// holds no incident open any more.
func (s *Reporter) Gone(ctx context.Context, owner core.MemberID, target, entry string, at core.Moment) error {
	return s.Took(ctx, Change{After: verdict.Verdict{Owner: owner, Target: target, State: Withdrawn, Since: at, Certificate: entry}})
}

// Retract takes back what a certificate said: its entry was cut off a logbook.
func (s *Reporter) Retract(ctx context.Context, owner core.MemberID, certificate string) error {
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		at, ok, err := dropStep(ctx, q, owner, certificate)
		if err != nil || !ok {
			return err
		}
		return s.rebuild(ctx, q, owner, at)
	})
	if err != nil {
		return err
	}
	s.deliver(ctx)
	return nil
}

// keyOf names a step: by its certificate, or by what it says where nothing had to be proved.
// A withdrawn target is named by its own entry and its id, because one entry may withdraw
// several.
func keyOf(v verdict.Verdict) string {
	if v.Certificate != "" && v.State != Withdrawn {
		return v.Certificate
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "entrechat watch step\n%s\n%s\n%s\n%d\n%s", v.Owner, v.Target, v.State, v.Since, v.Certificate))
	return hex.EncodeToString(sum[:])
}

func (s *Reporter) take(ctx context.Context, owner core.MemberID, one step) error {
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := countSteps(ctx, q, owner, one.Target, one.At)
		if err != nil || n >= maxSteps {
			return err
		}
		added, err := addStep(ctx, q, owner, one)
		if err != nil || !added {
			return err
		}
		return s.rebuild(ctx, q, owner, one.At)
	})
	if err != nil {
		return err
	}
	s.deliver(ctx)
	return nil
}

// deliver tells at once what can be; the job does the rest.
func (s *Reporter) deliver(ctx context.Context) {
	if err := s.Deliver(ctx); err != nil {
		s.n.Log.Info("an incident is not told yet", "error", err)
	}
}

// rebuild derives a hoster's incidents anew from the last quiet moment before at on, and puts
// in line what changed for people.
func (s *Reporter) rebuild(ctx context.Context, q db.Querier, owner core.MemberID, at core.Moment) error {
	from, err := quiet(ctx, q, owner, at)
	if err != nil {
		return err
	}
	before, err := derivedSince(ctx, q, owner, from)
	if err != nil {
		return err
	}
	steps, err := stepsSince(ctx, q, owner, from)
	if err != nil {
		return err
	}
	all := derive(owner, steps)
	into, after := map[string]string{}, make([]Incident, 0, len(all))
	for _, d := range all {
		after = append(after, d.Incident)
		for _, key := range d.keys {
			into[key] = d.ID
		}
	}
	if err := putDerived(ctx, q, before, after); err != nil {
		return err
	}
	for _, one := range steps {
		if into[one.Key] != one.incident {
			if err := assign(ctx, q, owner, one.Key, into[one.Key]); err != nil {
				return err
			}
		}
	}
	for _, e := range changes(before, after, into, s.now()) {
		if err := s.tell(ctx, q, e); err != nil {
			return err
		}
	}
	return nil
}

// putDerived replaces incidents by those that were derived anew, and writes only what is
// different.
func putDerived(ctx context.Context, q db.Querier, before, after []Incident) error {
	old := map[string]Incident{}
	for _, i := range before {
		old[i.ID] = i
	}
	for _, i := range after {
		if was, ok := old[i.ID]; !ok || !reflect.DeepEqual(was, i) {
			if err := putIncident(ctx, q, i); err != nil {
				return err
			}
		}
		delete(old, i.ID)
	}
	for id := range old {
		if err := dropIncident(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

func short(id string) string {
	if len(id) > shortID {
		return id[:shortID]
	}
	return id
}
