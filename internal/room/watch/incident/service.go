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
	maxSteps     = 2000             // of one target in a day
	maxNotes     = 100              // in a day
	maxAllNotes  = 20_000           // in all
	maxGone      = 5000             // targets that were withdrawn
	maxTargetID  = 64               // bytes
	maxLines     = 2000             // of a timeline
	maxListed    = 1000             // incidents of one answer
	shortID      = 10               // digits of an id that people read
	dispatchTime = 15 * time.Second // less than between two who tell the same people
	overlap      = day              // before a change, what is compared again with it
	syncBack     = 60 * day         // what is compared again each hour
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
	// History is the states of a target from one moment to another, as all certificates
	// say them; nil = only what Changed is told counts, and incidents may then differ from
	// those of another node.
	History func(ctx context.Context, owner core.MemberID, target string, from, to core.Moment) ([]verdict.Interval, error)
	// Watched are all targets of which there are verdicts; nil = none is compared again.
	Watched func(ctx context.Context) ([]verdict.Key, error)
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

// Changed takes a change of a target's verdict in, once or more often: what is known changes
// nothing. It returns when the incidents that follow from it are on the disk; after an error
// it is to be told again. It is made for the engine's Needs.Changed.
func (s *Reporter) Changed(ctx context.Context, before, after verdict.Verdict) error {
	if after.Owner == "" || after.Target == "" || after.Since <= 0 {
		return nil // a state that began at no time says nothing
	}
	k := verdict.Key{Owner: after.Owner, Target: after.Target}
	told := step{
		Key: keyOf(after), Target: after.Target, State: after.State, Weak: after.Weak, At: after.Since,
		Failing: after.Failing, Voters: after.Voters, Certificate: after.Certificate,
	}
	if s.n.History == nil {
		return s.take(ctx, k, told, merging{want: func([]step) []step { return []step{told} }})
	}
	return s.sync(ctx, k, min(before.Since, after.Since).Add(-overlap), told)
}

// Sync compares what we hold of a target since a moment with what the verdicts say now: a
// certificate that came late may change what was before.
func (s *Reporter) Sync(ctx context.Context, k verdict.Key, since core.Moment) error {
	if s.n.History == nil {
		return nil
	}
	return s.sync(ctx, k, since, step{})
}

// syncAll is Sync of all targets, for the job.
func (s *Reporter) syncAll(ctx context.Context) error {
	if s.n.Watched == nil {
		return nil
	}
	all, err := s.n.Watched(ctx)
	for _, k := range all {
		if err := s.Sync(ctx, k, s.now().Add(-syncBack)); err != nil {
			return err
		}
	}
	return err
}

func (s *Reporter) sync(ctx context.Context, k verdict.Key, from core.Moment, told step) error {
	from = max(from, 0)
	history, err := s.n.History(ctx, k.Owner, k.Target, from, s.now()+1)
	if err != nil {
		return err
	}
	return s.take(ctx, k, told, merging{
		from: from, to: s.now(), whole: true, want: func(have []step) []step { return proved(k, history, from, have) },
	})
}

// Gone says that a target's owner took it away, by an entry of that hash: it holds no
// incident open any more.
func (s *Reporter) Gone(ctx context.Context, k verdict.Key, entry string, at core.Moment) error {
	gone := step{
		Key:    keyOf(verdict.Verdict{Owner: k.Owner, Target: k.Target, State: Withdrawn, Since: at, Certificate: entry}),
		Target: k.Target, State: Withdrawn, At: at, Certificate: entry,
	}
	return s.take(ctx, k, gone, merging{want: func([]step) []step { return []step{gone} }})
}

// keyOf names a step, on every node alike: by its case, or by what it says where nothing had
// to be proved. A withdrawn target is named by its entry.
// spec: docs/spec/incident.md#incidents
func keyOf(v verdict.Verdict) string {
	text := fmt.Sprintf("entrechat/watch-incident/1\n%s\n%s\n%s\n", v.Owner, v.Target, v.Case)
	if v.Case == "" {
		text = fmt.Sprintf("entrechat/watch-step/1\n%s\n%s\n%s\n%d\n%s\n", v.Owner, v.Target, v.State, v.Since, v.Certificate)
		if v.State != Withdrawn {
			text = fmt.Sprintf("entrechat/watch-step/1\n%s\n%s\n%s\n%d\n", v.Owner, v.Target, v.State, v.Since)
		}
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// take merges steps of a target, and derives the hoster's incidents anew when that changes
// any. told is what a verdict says beside; its Key is empty where nothing was told.
func (s *Reporter) take(ctx context.Context, k verdict.Key, told step, m merging) error {
	service, err := s.n.ServiceOf(ctx, k.Owner, k.Target)
	if core.CodeOf(err) == core.CodeNotFound {
		service, err = k.Target, nil
	}
	if err != nil {
		return err
	}
	m.service = service
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		first, changed, err := merge(ctx, q, k, m)
		if err == nil && told.Key != "" {
			err = tellStep(ctx, q, k.Owner, told)
		}
		if err != nil || !changed {
			return err
		}
		return s.rebuild(ctx, q, k.Owner, first)
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
