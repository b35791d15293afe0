package silence

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/succession/promise"
)

// Roster is whose logbooks we follow.
type Roster interface {
	Known(ctx context.Context) ([]logbook.Member, error)
}

// Watch knows what members see of each other's services.
type Watch interface {
	// Down says since when all services of a member are seen down, by how many watchers on how
	// many networks; since is 0 while they are not, or nobody knows.
	Down(ctx context.Context, owner core.MemberID) (since core.Moment, watchers, networks int, err error)
	// CutOff is since when we take ourselves for cut off; 0 = we do not.
	CutOff(ctx context.Context) (core.Moment, error)
}

// Custody keeps shares and contact sheets.
type Custody interface {
	// CallList is the newest contact sheet of an owner that we hold; empty = none.
	CallList(ctx context.Context, owner core.MemberID) (string, error)
	// Voice is when an owner's node or people objected last to an ask, here; 0 = never.
	Voice(ctx context.Context, owner core.MemberID) (core.Moment, error)
	// AskSilent asks holders for a box of a silent owner. Returns CodeNotFound where nobody keeps
	// a share of one.
	AskSilent(ctx context.Context, owner core.MemberID, scope, purpose string) (id string, err error)
	// AdminMails are the addresses of our own people.
	AdminMails(ctx context.Context) ([]string, error)
}

// Pacts knows what members wrote into pacts.
type Pacts interface {
	// Contact is the role address in a pact in force. Returns CodeNotFound without one.
	Contact(ctx context.Context, member core.MemberID) (string, error)
}

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	CanMail() bool
	Mail(ctx context.Context, to, title, text string) error
}

// Named knows who was named to take what over; promise.Promises is one.
type Named interface {
	Of(ctx context.Context, owner core.MemberID) ([]promise.Successor, error)
	// Ever says whether an owner named a member at any time.
	Ever(ctx context.Context, owner, member core.MemberID) (bool, error)
}

// Says says sentences in the node's language, for mails.
type Says interface {
	T(key string, args map[string]any) string
}

// Needs is what the service is made of. Watch, Custody, Pacts and Mailer answer false while nobody
// does; all else is required.
type Needs struct {
	DB      *db.DB
	Self    core.MemberID
	URL     string // where browsers reach this node, without a slash at its end
	Book    Roster
	Named   Named
	Watch   func() (Watch, bool)
	Custody func() (Custody, bool)
	Pacts   func() (Pacts, bool)
	Mailer  func() (Mailer, bool)
	Say     Says
	// Private is a network of tests, where nobody waits for days; a call is noted all the same.
	Private bool
	Now     func() time.Time
	Log     *slog.Logger
}

// Service knows who is silent. Safe for concurrent use.
type Service struct{ n Needs }

// New makes it.
func New(n Needs) *Service { return &Service{n} }

func (s *Service) now() core.Moment { return core.At(s.n.Now()) }

// Find says how all members stand that we follow, by name.
func (s *Service) Find(ctx context.Context) ([]Finding, error) {
	known, err := s.n.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	all, cut, now := make([]Sight, 0, len(known)), false, s.now()
	watch, watches := s.n.Watch()
	if watches {
		since, err := watch.CutOff(ctx)
		if err != nil {
			return nil, err
		}
		cut = since != 0
	}
	custody, keeps := s.n.Custody()
	for _, m := range known {
		if m.ID == s.n.Self {
			continue
		}
		one := Sight{Member: m.ID, Heard: m.Heard}
		if keeps && m.Heard != 0 {
			voice, err := custody.Voice(ctx, m.ID)
			if err != nil {
				return nil, err
			}
			one.Heard = max(one.Heard, voice)
		}
		if watches && one.Heard != 0 && now.Sub(one.Heard) >= Unheard {
			if one.Down, one.Watchers, one.Networks, err = watch.Down(ctx, m.ID); err != nil {
				return nil, err
			}
		}
		all = append(all, one)
	}
	return Judge(all, now, cut), nil
}

// Of says how one member stands. Returns CodeNotFound "succession.silence.unknown" for one that we
// do not follow.
func (s *Service) Of(ctx context.Context, m core.MemberID) (Finding, error) {
	all, err := s.Find(ctx)
	if err != nil {
		return Finding{}, err
	}
	for _, f := range all {
		if f.Member == m {
			return f, nil
		}
	}
	return Finding{}, core.NotFound("succession.silence.unknown", errors.New("not followed")).With("Member", string(m))
}

// Silent says whether an owner is silent, and since when; a member that we do not follow is not.
func (s *Service) Silent(ctx context.Context, owner core.MemberID) (since core.Moment, silent bool, err error) {
	f, err := s.Of(ctx, owner)
	if core.CodeOf(err) == core.CodeNotFound {
		return 0, false, nil
	}
	return f.Since, f.State == Silent, err
}

// MayAsk says at a holder whether a member may ask for a box of an owner that it does not hold: the
// owner named it long enough ago, the box is one of those, and the owner is silent here too. known
// is false where this node cannot tell the last: then people decide. Returns CodeDenied.
func (s *Service) MayAsk(ctx context.Context, owner, member core.MemberID, scope string) (known bool, err error) {
	all, err := s.n.Named.Of(ctx, owner)
	if err != nil {
		return false, err
	}
	now, borne := s.now(), core.Moment(0)
	if borne, err = s.borneOut(ctx); err != nil {
		return false, err
	}
	if !slices.ContainsFunc(all, func(n promise.Successor) bool {
		return n.Member == member && slices.Contains(scopes(n), scope) && (s.n.Private || borne >= settles(n, scope))
	}) {
		return false, core.Denied("succession.silence.not_named", errors.New("not named for it")).With("Member", string(member)).With("Owner", string(owner))
	}
	if s.n.Private {
		return false, nil
	}
	f, err := s.Of(ctx, owner)
	switch {
	case err != nil:
		return false, err
	case f.State == Silent && f.lasts >= askDay*day-slack:
		return true, nil
	case f.State == Silent:
		return false, core.Denied("succession.silence.early", errors.New("too early")).With("Member", string(owner)).With("Days", f.Days).With("Needed", askDay)
	case f.Heard != 0 && now.Sub(f.Heard) < askDay*day-slack:
		return false, core.Denied("succession.silence.well", errors.New("it was heard")).With("Member", string(owner)).With("Heard", f.Heard)
	}
	return false, nil // our own line, or too few watchers
}

// borneOut is our clock, as far as the heads of two other members bear it out: one that runs ahead
// makes nobody a successor.
func (s *Service) borneOut(ctx context.Context) (core.Moment, error) {
	known, err := s.n.Book.Known(ctx)
	all := make([]Sight, 0, len(known))
	for _, m := range known {
		if m.ID != s.n.Self {
			all = append(all, Sight{Member: m.ID, Heard: m.Heard})
		}
	}
	return min(s.now(), second(all)), err
}

// scopes are the boxes that a successor may ask for: never what makes it the owner.
func scopes(n promise.Successor) []string {
	out := append(make([]string, 0, 1+len(n.Backups)), "serve")
	for _, b := range n.Backups {
		out = append(out, "data:"+b)
	}
	if n.Service == promise.Accounts {
		out = append(out, "data:"+promise.Accounts)
	}
	return out
}

// settles is from when a successor may ask for one of its boxes: 30 days after it was named for it.
func settles(n promise.Successor, scope string) core.Moment {
	if since, named := n.SinceFor(strings.TrimPrefix(scope, "data:")); named {
		return since.Add(promise.Settled)
	}
	return n.Since.Add(promise.Settled)
}

// Called notes that somebody here called a member's people. Returns CodeInvalid
// "succession.silence.bad_call", CodeNotFound for a member that we do not follow.
func (s *Service) Called(ctx context.Context, c Call) error {
	c.By, c.Note, c.At = strings.TrimSpace(c.By), strings.TrimSpace(c.Note), s.now()
	if err := c.check(); err != nil {
		return err
	}
	if _, err := s.Of(ctx, c.Member); err != nil {
		return err
	}
	return putCall(ctx, s.n.DB, c)
}

// Ask asks the holders for what a service of a silent owner needs: the box "serve" where there is
// one, then those of its backups. What was asked for in this silence is not asked for again while an ask may be open. Returns
// CodeDenied or CodeUnsure with what is missing.
func (s *Service) Ask(ctx context.Context, owner core.MemberID, service string) (made []Asked, err error) {
	f, err := s.Of(ctx, owner)
	if err != nil {
		return nil, err
	}
	all, err := s.n.Named.Of(ctx, owner)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(n promise.Successor) bool { return n.Member == s.n.Self && n.Service == service })
	if i < 0 {
		return nil, core.Denied("succession.silence.not_ours", errors.New("we are not named")).With("Owner", string(owner)).With("Service", service)
	}
	calls, err := callsOf(ctx, s.n.DB, owner)
	if err != nil {
		return nil, err
	}
	settled := all[i].Since.Add(promise.Settled)
	if s.n.Private {
		f, settled = Finding{Member: owner, State: Silent, Days: askDay}, 0
	}
	if err := mayAsk(f, calls, settled, s.now()); err != nil {
		return nil, err
	}
	custody, ok := s.n.Custody()
	if !ok {
		return nil, core.NotFound("succession.silence.no_custody", errors.New("no room keeps shares"))
	}
	return s.askAll(ctx, custody, f, all[i])
}

func (s *Service) askAll(ctx context.Context, custody Custody, f Finding, n promise.Successor) (made []Asked, err error) {
	before, err := askedOf(ctx, s.n.DB, n.Owner)
	if err != nil {
		return nil, err
	}
	var missing error
	for _, scope := range scopes(n) {
		if i := slices.IndexFunc(before, func(a Asked) bool { return a.Scope == scope && a.At >= max(f.Since, s.now().Add(-askLife)) }); i >= 0 {
			made = append(made, before[i])
			continue
		}
		if day := settles(n, scope); !s.n.Private && s.now() < day { // a backup that was added lately
			missing = core.Denied("succession.silence.unsettled", errors.New("named too lately")).With("Member", string(n.Owner)).With("Day", day)
			continue
		}
		id, err := custody.AskSilent(ctx, n.Owner, scope, s.n.Say.T("succession.silence.purpose", map[string]any{"Service": n.Service, "Owner": string(n.Owner), "Days": f.Days}))
		if core.CodeOf(err) == core.CodeNotFound {
			missing = err // nobody keeps a share of such a box
			continue
		}
		if err != nil {
			return made, err
		}
		a := Asked{id, n.Owner, n.Service, scope, s.now()}
		if err := putAsked(ctx, s.n.DB, a); err != nil {
			return made, err
		}
		made = append(made, a)
	}
	if len(made) == 0 {
		return nil, missing
	}
	return made, nil
}
