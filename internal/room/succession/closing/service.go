package closing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/closing/wave"
	"entrechat/internal/room/succession/promise"
)

// Book is what is needed of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
}

// Calls reaches other members.
type Calls interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Services answers what our own services are.
type Services interface {
	ServiceNames(ctx context.Context) ([]string, error)
}

// Backups answers how large our own backups are.
type Backups interface {
	Saved(ctx context.Context, backup string) (bytes int64, newest core.Moment, err error)
}

// Restores answers what we restored of another's service. It is what a handover rests on.
type Restores interface {
	// Restored is the newest restore of ours whose counts are equal: of which pack, and when.
	// Returns CodeNotFound for none.
	Restored(ctx context.Context, owner core.MemberID, service string) (pack string, at core.Moment, err error)
	// PackID is the newest pack that we sent, as owner, or got of another owner. Returns CodeNotFound.
	PackID(ctx context.Context, owner core.MemberID, service string) (string, error)
}

// Disk answers what there is for services of others.
type Disk interface {
	// Room is the free space for what is taken over, in bytes, and the load in percent; 0 = unknown.
	Room() (free, load int64, err error)
}

// Ask is what closings ask of other rooms. Each answers false while there is nobody to ask.
type Ask struct {
	Services func() (Services, bool)
	Backups  func() (Backups, bool)
	People   func() (choice.People, bool)
	Mailer   func() (wave.Mailer, bool)
	Accounts func() (Accounts, bool)
}

// Accounts recognises who is signed in here.
type Accounts interface {
	// SignedIn is a name of the account that never changes; ok is false for nobody.
	SignedIn(r *http.Request) (id string, ok bool, err error)
}

// Needs is what closings are made of.
type Needs struct {
	DB       *db.DB
	Signer   seal.Signer
	Book     Book
	Calls    Calls
	Promises *promise.Promises
	Rules    stage.Rules
	Words    *words.Catalogue
	URL      string // where browsers reach this node, without a slash at its end
	Disk     Disk
	Restores func() (Restores, bool)
	Ask      Ask
	Now      func() time.Time
	Log      *slog.Logger
}

// Service ends services. Safe for concurrent use.
type Service struct {
	*Closings
	*Handovers
	*Notices
}

// Handovers are offers and contracts.
type Handovers struct{ *Closings }

// Notices are what owners tell users, and the documents of others.
type Notices struct{ *Closings }

// Closings are stages.
type Closings struct {
	n       Needs
	papers  *paper.Papers
	Choices *choice.Choices
	Waves   *wave.Waves

	wake   chan struct{} // a logbook named a document
	mu     sync.Mutex
	banner bannerOf
}

// New makes it.
func New(n Needs) *Service {
	s := &Closings{n: n, papers: &paper.Papers{DB: n.DB}, wake: make(chan struct{}, 1)}
	s.Choices = choice.New(choice.Needs{DB: n.DB, People: n.Ask.People, Now: n.Now})
	s.Waves = wave.New(wave.Needs{DB: n.DB, People: n.Ask.People, Mailer: n.Ask.Mailer, Standing: func(ctx context.Context, service string) (stage.Standing, error) {
		return s.One(ctx, s.self(), service)
	}, Words: n.Words, Hoster: string(s.self()), URL: n.URL, Now: n.Now, Log: n.Log})
	return &Service{s, &Handovers{s}, &Notices{s}}
}

func (s *Closings) self() core.MemberID { return s.n.Signer.ID() }
func (s *Closings) now() core.Moment    { return core.At(s.n.Now()) }

// Of lists where an owner's closings stand, by service; of all owners for "".
func (s *Closings) Of(ctx context.Context, owner core.MemberID) ([]stage.Standing, error) {
	all, err := entries(ctx, s.n.DB, owner)
	if err != nil {
		return nil, err
	}
	var out []stage.Standing
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(h stage.Heard) bool { return h.Owner != all[0].Owner })
		if n < 0 {
			n = len(all)
		}
		out = append(out, stage.Fold(s.n.Rules, all[:n])...)
		all = all[n:]
	}
	return out, nil
}

// One is where the closing of a service stands; the zero value for none.
func (s *Closings) One(ctx context.Context, owner core.MemberID, service string) (stage.Standing, error) {
	all, err := s.Of(ctx, owner)
	i := slices.IndexFunc(all, func(st stage.Standing) bool { return st.Service == service })
	if err != nil || i < 0 {
		return stage.Standing{}, err
	}
	return all[i], nil
}

// Closing says whether a service of ours ends, or has ended, and its last day. The accounts end
// with the last of all our services, too.
func (s *Closings) Closing(ctx context.Context, service string) (lastDay string, closing bool, err error) {
	all, err := s.Of(ctx, s.self())
	if err != nil {
		return "", false, err
	}
	open := map[string]stage.Day{}
	for _, st := range all {
		if st.Open() {
			open[st.Service] = st.LastDay
		}
	}
	if day, ok := open[service]; ok || service != promise.Accounts || len(open) == 0 {
		return string(day), ok, nil
	}
	services, ok := s.n.Ask.Services()
	if !ok {
		return "", false, nil
	}
	names, err := services.ServiceNames(ctx)
	if err != nil || len(names) == 0 {
		return "", false, err
	}
	for _, name := range names {
		day, ok := open[name]
		if !ok {
			return "", false, nil
		}
		lastDay = max(lastDay, string(day))
	}
	return lastDay, true, nil
}

// Earliest is the first day that can be a last one, if it is announced today.
func (s *Closings) Earliest(ctx context.Context) (stage.Day, error) {
	notice, err := longest(ctx, s.n.DB, s.self())
	return s.n.Rules.Earliest(stage.DayOf(s.now()), notice), err
}

// Close announces the end of a service of ours, or moves its last day later. The same again says
// nothing. Returns CodeNotFound "succession.closing.no_service", CodeInvalid
// "succession.closing.too_early", "succession.closing.earlier", CodeConflict
// "succession.closing.too_late" for one that is read-only already.
func (s *Closings) Close(ctx context.Context, service string, lastDay stage.Day) (stage.Standing, error) {
	say := stage.Say{Service: service, LastDay: lastDay, Stage: stage.Closing}
	if err := errors.Join(say.Check(), s.knows(ctx, service)); err != nil {
		return stage.Standing{}, err
	}
	st, err := s.One(ctx, s.self(), service)
	switch {
	case err != nil:
		return st, err
	case st.Open() && st.Late() && st.Stage != stage.Erased:
		return st, core.Conflict("succession.closing.too_late", errors.New("it is read-only")).With("Service", service)
	case st.Open() && lastDay < st.LastDay:
		return st, core.Invalid("succession.closing.earlier", errors.New("an earlier day")).With("Day", string(st.LastDay))
	case st.Open() && lastDay == st.LastDay:
		return st, nil
	case st.Open() && !st.Late():
		say.Stage, say.Handover = st.Stage, st.Handover
		return s.say(ctx, say)
	}
	earliest, err := s.Earliest(ctx)
	if err == nil && lastDay < earliest {
		err = core.Invalid("succession.closing.too_early", errors.New("too short a notice")).With("Day", string(earliest))
	}
	if err != nil {
		return st, err
	}
	return s.say(ctx, say)
}

// knows returns CodeNotFound "succession.closing.no_service" for what is no service of ours.
func (s *Closings) knows(ctx context.Context, service string) error {
	if service == promise.Accounts {
		return nil
	}
	_, err := s.n.Promises.Last(ctx, s.self(), service)
	if core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	names := []string{promise.Accounts}
	if services, ok := s.n.Ask.Services(); ok {
		ours, err := services.ServiceNames(ctx)
		if err != nil {
			return err
		}
		names = append(names, ours...)
	}
	if slices.Contains(names, service) {
		return nil
	}
	return core.NotFound("succession.closing.no_service", errors.New("no service of ours")).With("Service", service).With("Known", strings.Join(names, ", "))
}

// Next brings a service of ours to a later stage, or withdraws its closing. Returns CodeNotFound
// "succession.closing.not_closing", CodeConflict "succession.closing.order",
// "succession.closing.not_yet", "succession.closing.kept_until".
func (s *Closings) Next(ctx context.Context, service string, to stage.Stage) (stage.Standing, error) {
	say, st, err := s.next(ctx, service, to)
	if err != nil {
		return st, err
	}
	return s.say(ctx, say)
}

// next is the entry that Next would write, if the rules let it count.
func (s *Closings) next(ctx context.Context, service string, to stage.Stage) (stage.Say, stage.Standing, error) {
	st, err := s.One(ctx, s.self(), service)
	say := stage.Say{Service: service, LastDay: st.LastDay, Stage: to, Handover: st.Handover}
	switch {
	case err != nil:
		return say, st, err
	case !st.Open():
		return say, st, core.NotFound("succession.closing.not_closing", errors.New("it is not closing")).With("Service", service)
	case s.counts(ctx, say):
		return say, st, nil
	case to == stage.Frozen && !st.Late():
		return say, st, core.Conflict("succession.closing.not_yet", errors.New("before the last day")).With("Day", string(st.LastDay))
	case to == stage.Erased && st.Stage == stage.Kept:
		return say, st, core.Conflict("succession.closing.kept_until", errors.New("the old copy stays")).With("Day", string(stage.DayOf(st.Since().At.Add(s.n.Rules.Kept))))
	}
	return say, st, core.Conflict("succession.closing.order", errors.New("not the next stage")).With("Stage", string(st.Stage))
}

// counts says whether an entry of ours would count now.
func (s *Closings) counts(ctx context.Context, say stage.Say) bool {
	all, err := entries(ctx, s.n.DB, s.self())
	if err != nil {
		return false
	}
	before := stage.Fold(s.n.Rules, all)
	var last int64
	if len(all) > 0 {
		last = all[len(all)-1].Index
	}
	notice, err := longest(ctx, s.n.DB, s.self())
	if err != nil {
		return false
	}
	after := stage.Fold(s.n.Rules, append(all, stage.Heard{Say: say, Owner: s.self(), Index: last + 1, At: s.now(), Notice: notice}))
	return steps(after) > steps(before) || len(after) > len(before) || begun(after) != begun(before)
}

func steps(all []stage.Standing) (n int) {
	for _, st := range all {
		n += len(st.Steps)
	}
	return n
}

func begun(all []stage.Standing) (sum int64) {
	for _, st := range all {
		sum += st.Begun().Index
	}
	return sum
}

// say writes an entry that counts.
func (s *Closings) say(ctx context.Context, say stage.Say) (stage.Standing, error) {
	if !s.counts(ctx, say) {
		return stage.Standing{}, core.Conflict("succession.closing.order", errors.New("nobody would count it")).With("Stage", string(say.Stage))
	}
	if err := s.append(ctx, stage.Type, say); err != nil {
		return stage.Standing{}, err
	}
	s.forgetBanner()
	return s.One(ctx, s.self(), say.Service)
}

// append writes an entry and takes it in at once; a kill between both is mended by the reader.
func (s *Closings) append(ctx context.Context, typ string, body any) error {
	e, err := s.n.Book.Append(ctx, typ, nil, 0, body)
	if err != nil {
		return err
	}
	return s.read(ctx, e)
}

// Erase says that the old copy of a service of ours is erased.
func (s *Closings) Erase(ctx context.Context, service string, what []string) (stage.Standing, error) {
	say, st, err := s.next(ctx, service, stage.Erased)
	if err != nil {
		return st, err
	}
	if err := s.append(ctx, paper.TypeErased, paper.Erased{Service: service, Handover: st.Handover, What: what, At: s.now()}); err != nil {
		return st, err
	}
	return s.say(ctx, say)
}

// Papers are the documents and what logbooks say of them.
func (s *Closings) Papers() *paper.Papers { return s.papers }
