package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/task"
)

// Book is what members need of the logbooks.
type Book interface {
	KeySet(ctx context.Context, id core.MemberID) (logbook.KeySet, seal.Envelope, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Known(ctx context.Context) ([]logbook.Member, error)
}

// Follower chooses whose logbooks this node mirrors.
type Follower interface {
	Follow(ctx context.Context, id core.MemberID, url string, root core.RootKey) error
	Unfollow(ctx context.Context, id core.MemberID) error
	Discover(ctx context.Context, url string) (logbook.WellKnown, error)
	Adopt(ctx context.Context, known logbook.WellKnown) error
}

// Caller talks to other members with signed requests.
type Caller interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Needs is what the members are wired with. Every field is required.
type Needs struct {
	DB       *db.DB
	Signer   seal.Signer
	Self     Address
	Book     Book
	Follower Follower
	Caller   Caller
	// Home is where the domain that an address names answers for itself, whatever else
	// the address says: https://DOMAIN.
	Home func(a Address) string
	Now  func() time.Time
	// Tasks are told and fetched until it worked.
	Tasks *task.Queue
	// Tell appends an entry to our logbook and takes it in here like everybody
	// else does.
	Tell func(ctx context.Context, typ string, body any) error
	// Introduced are the members whose vouches count here because a collective of
	// ours admits them, and vouches that follow from charters.
	Introduced func(ctx context.Context) ([]core.MemberID, []Vouch, error)
}

// Service is the verbs about members, safe for concurrent use and from several
// processes over one database.
type Service struct {
	Needs
	proofs  *rate.Limiter
	proving chan struct{}
}

// New makes the service.
func New(n Needs) *Service {
	return &Service{Needs: n, proofs: rate.NewLimiter(proofRate, proofBurst), proving: make(chan struct{}, maxProofs)}
}

var (
	_ Caller   = (*peer.Client)(nil)
	_ Book     = (*logbook.Book)(nil)
	_ Follower = (*logbook.Book)(nil)
)

func (s *Service) now() core.Moment { return core.At(s.Now()) }

func (s *Service) self() core.MemberID { return s.Self.Member }

// Invite makes a link good for one hoster and so long. Returns CodeInvalid for
// less than a minute or more than 30 days, CodeConflict with 100 links open.
func (s *Service) Invite(ctx context.Context, valid time.Duration) (Invite, error) {
	if valid < time.Minute || valid > 30*day {
		return Invite{}, core.Invalid("trust.bad_validity", fmt.Errorf("invitation for %s", valid))
	}
	in := Invite{s.Self, document.NewCode()}
	return in, s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		open, err := DropInvites(ctx, q, s.now())
		if err != nil {
			return err
		}
		if open >= maxAsked {
			return core.Conflict("trust.many_invites", errors.New("too many invitations open"))
		}
		return putInvite(ctx, q, codeHash(in.Code), s.now().Add(valid))
	})
}

// Locate asks the node of a typed domain, or at a typed address, who it is. A domain
// is asked itself: what others said in its name does not count. What it answers proves
// nothing yet: people compare the fingerprint first, then call Add. Returns
// CodeInvalid, CodeUnsure while it does not answer.
func (s *Service) Locate(ctx context.Context, typed string) (Address, error) {
	url, id := strings.TrimSpace(typed), core.MemberID("")
	if !strings.Contains(url, "://") {
		var err error
		if id, err = core.ParseMemberID(url); err != nil {
			return Address{}, err
		}
		m, err := Find(ctx, s.DB, id)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return Address{}, err
		}
		url = s.Home(Address{Member: id, URL: m.URL})
	}
	wk, err := s.Follower.Discover(ctx, url)
	if err != nil {
		return Address{}, err
	}
	if id != "" && wk.Origin != id {
		return Address{}, core.Invalid("trust.other_name", fmt.Errorf("%s calls itself %s", id, wk.Origin)).With("URL", url).With("Other", wk.Origin)
	}
	a := Address{Member: wk.Origin, URL: wk.URL, Root: wk.Root}
	if a.Member == s.self() { // nobody needs to compare words with themselves
		return Address{}, core.Invalid("trust.self", errors.New("this is our own node"))
	}
	return a, a.Check()
}

// Add makes a member of an address a person of ours has checked: it is pinned,
// its logbook followed, and it is told hello, with the code of its invitation
// where there is one. That works while the node does not answer; it is tried
// until it does. Adding again changes nothing but the URL. Returns CodeConflict
// for an origin or a key pinned otherwise, CodeInvalid when the node answers that
// the invitation is used: nothing is added then.
func (s *Service) Add(ctx context.Context, a Address, code string) (Member, error) {
	if err := a.Check(); err != nil {
		return Member{}, err
	}
	if a.Member == s.self() || a.Root == s.Self.Root {
		return Member{}, core.Invalid("trust.self", errors.New("this is our own node"))
	}
	before, err := s.pinned(ctx, s.DB, a)
	if err != nil {
		return Member{}, err
	}
	if err := s.unpin(ctx, before, a); err != nil {
		return Member{}, err
	}
	if err := s.Follower.Follow(ctx, a.Member, a.URL, a.Root); err != nil {
		return Member{}, err
	}
	m := Member{Address: a, Standing: Added, Refused: before.Refused, Code: code, Since: s.now()}
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if before, err := s.pinned(ctx, q, a); err != nil {
			return err
		} else if before.Standing == Added {
			m.Since = before.Since
		}
		if err := Put(ctx, q, m); err != nil {
			return err
		}
		for _, kind := range []task.Kind{task.Follow, task.Hello} {
			if err := task.Put(ctx, q, task.Task{Kind: kind, Subject: string(a.Member), Peer: a.Member, Made: s.now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Member{}, err
	}
	s.Tasks.Attempt(ctx, task.Follow, string(a.Member))
	s.Tasks.Attempt(ctx, task.Hello, string(a.Member))
	if code != "" && before.Standing != Added {
		return m, s.unlessUsed(ctx, before, a)
	}
	return m, nil
}

// unlessUsed undoes an Add whose invitation the member refused just now.
func (s *Service) unlessUsed(ctx context.Context, before Member, a Address) error {
	list, err := task.All(ctx, s.DB)
	if err != nil {
		return err
	}
	hello := func(t task.Task) bool { return t.Kind == task.Hello && t.Peer == a.Member && t.Error == keyBadCode }
	if !slices.ContainsFunc(list, hello) {
		return nil
	}
	known := before.Root == a.Root // asked, or met by others' vouches
	if !known || before.Standing == Asked {
		if err := s.Follower.Unfollow(ctx, a.Member); err != nil {
			return err
		}
	}
	if err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, kind := range []task.Kind{task.Follow, task.Hello} {
			if err := task.Drop(ctx, q, task.Task{Kind: kind, Subject: string(a.Member)}); err != nil {
				return err
			}
		}
		if known {
			return Put(ctx, q, before)
		}
		return Drop(ctx, q, a.Member, Added)
	}); err != nil {
		return err
	}
	return core.Invalid("trust.used_invite", fmt.Errorf("%s refuses the invitation", a.Member)).With("Member", a.Member)
}

// Follow mirrors a member's logbook and fetches its keys, so that it can talk to
// us at once. Returns CodeConflict when another node answers at its address.
func (s *Service) Follow(ctx context.Context, id core.MemberID) error {
	m, err := Find(ctx, s.DB, id)
	if err != nil {
		return err
	}
	if err := s.Follower.Follow(ctx, id, m.URL, m.Root); err != nil {
		return err
	}
	known, err := s.Follower.Discover(ctx, m.URL)
	if err != nil {
		return err
	}
	if known.Origin != id || known.Root != m.Root {
		return core.Conflict("trust.other_root", fmt.Errorf("%s answers at the address of %s", known.Origin, id)).With("Member", id)
	}
	return s.Follower.Adopt(ctx, known)
}

// pinned reads what is known of an address and refuses one that contradicts a
// person's earlier decision. A stranger comes back as the zero Member.
func (s *Service) pinned(ctx context.Context, q db.Querier, a Address) (Member, error) {
	m, err := Find(ctx, q, a.Member)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return Member{}, err
	}
	if err := m.pin(a.Root); err != nil {
		return Member{}, err
	}
	other, err := byRoot(ctx, q, a.Root)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return m, nil
	case err != nil:
		return Member{}, err
	case other.ID() != a.Member && other.Standing == Added:
		return Member{}, core.Conflict("trust.other_origin", fmt.Errorf("%s has the key of %s", a.Member, other.ID())).
			With("Member", a.Member).With("Other", other.ID())
	}
	return m, nil
}

// unpin gives a key up that only others' vouches spoke for, where a person
// decided for another one.
func (s *Service) unpin(ctx context.Context, before Member, a Address) error {
	if before.Standing != Met || before.Root == a.Root {
		return nil
	}
	if err := s.Follower.Unfollow(ctx, a.Member); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return fact.Forget(ctx, q, a.Member) })
}

// drop stops following a member nobody added.
func (s *Service) drop(ctx context.Context, id core.MemberID) error {
	if err := s.Follower.Unfollow(ctx, id); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := fact.Forget(ctx, q, id); err != nil {
			return err
		}
		return Drop(ctx, q, id, Met)
	})
}

// Refuse says whether this hoster refuses a member whatever pacts and charters
// say; it may then only fetch its data back. Returns CodeNotFound.
func (s *Service) Refuse(ctx context.Context, id core.MemberID, refused bool) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := Find(ctx, q, id)
		if err != nil {
			return err
		}
		m.Refused = refused
		return Put(ctx, q, m)
	})
}

// Vouch tells everybody that we know these people. Vouching twice changes
// nothing. Returns CodeNotFound for a member not added here, CodeConflict when
// all vouches are given.
func (s *Service) Vouch(ctx context.Context, id core.MemberID) error {
	m, err := s.Added(ctx, id)
	if err != nil {
		return err
	}
	given, err := VouchesBy(ctx, s.DB, s.self())
	if err != nil {
		return err
	}
	for _, v := range given {
		if v.For.Member == id && v.For.Root == m.Root {
			return nil
		}
	}
	if len(given) >= MaxVouches {
		return core.Conflict("trust.vouch_budget", errors.New("no vouch left")).With("Limit", MaxVouches)
	}
	return s.Tell(ctx, TypeVouch, m.Address)
}

// Unvouch takes a vouch back. Returns CodeNotFound where there is none.
func (s *Service) Unvouch(ctx context.Context, id core.MemberID) error {
	given, err := VouchesBy(ctx, s.DB, s.self())
	if err != nil {
		return err
	}
	for _, v := range given {
		if v.For.Member == id {
			return s.Tell(ctx, TypeUnvouch, unvouchBody{Member: id})
		}
	}
	return core.NotFound("trust.no_vouch", fmt.Errorf("no vouch for %s", id)).With("Member", id)
}

// Added reads a member a person of ours added, with the address its logbook
// gives now. Returns CodeNotFound.
func (s *Service) Added(ctx context.Context, id core.MemberID) (Member, error) {
	m, err := Find(ctx, s.DB, id)
	if err != nil {
		return m, err
	}
	if m.Standing != Added {
		return m, core.NotFound("trust.not_yet_added", fmt.Errorf("%s is %s", id, m.Standing)).With("Member", id)
	}
	if log, err := s.Book.Member(ctx, id); err == nil && log.Root == m.Root && checkURL(log.URL) == nil {
		m.URL = log.URL
	}
	return m, nil
}
