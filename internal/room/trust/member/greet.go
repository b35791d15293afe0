package member

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/task"
)

// keyBadCode names the refusal of an invitation.
const keyBadCode = "trust.bad_code"

// welcome is what a greeted node answers.
type welcome struct {
	Standing Standing `json:"standing"`
}

// Greet takes a greeting in. A good invitation makes the sender a member here as
// we are there; without one it is listed as asking, nothing more. Returns
// CodeDenied for an invitation that is used, unknown or out of date, and for a name
// whose domain does not show the key, CodeConflict for an origin pinned to another
// root key, CodeUnsure when the domain does not answer.
func (s *Service) Greet(ctx context.Context, g Greeting) (Standing, error) {
	a, hello, err := g.Open(s.self(), s.now())
	if err != nil {
		return "", err
	}
	if a.Member == s.self() || a.Root == s.Self.Root {
		return "", core.Invalid("trust.self", errors.New("a node greets itself"))
	}
	m := Member{Address: a, Since: s.now()}
	before, err := s.pinned(ctx, s.DB, a)
	if err != nil {
		return "", err
	}
	if err := s.vet(ctx, a, before, hello.Code); err != nil {
		return "", err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		if before, err = s.pinned(ctx, q, a); err != nil {
			return err
		}
		m.Standing, m.Refused, m.Code = before.Standing, before.Refused, before.Code
		if hello.Code != "" {
			return s.redeem(ctx, q, hello.Code, &m)
		}
		if before.known(a) {
			return nil
		}
		m.Standing = Asked
		return s.putAsked(ctx, q, m)
	})
	if err != nil || m.Standing != Added {
		return m.Standing, err
	}
	if err := s.unpin(ctx, before, a); err != nil {
		return m.Standing, err
	}
	known := logbook.WellKnown{Origin: a.Member, URL: a.URL, Root: a.Root, KeySet: g.Keys}
	if err := s.Follower.Adopt(ctx, known); err != nil {
		return m.Standing, err
	}
	return m.Standing, task.Drop(ctx, s.DB, task.Task{Kind: task.Follow, Subject: string(a.Member)})
}

// redeem makes the holder of an invitation a member.
func (s *Service) redeem(ctx context.Context, q db.Querier, code string, m *Member) error {
	good, err := useInvite(ctx, q, codeHash(code), m.ID(), s.now())
	if err != nil {
		return err
	}
	if !good {
		return core.Denied(keyBadCode, errors.New("invitation used, unknown or out of date"))
	}
	if m.Standing == Added {
		return nil
	}
	m.Standing = Added
	if err := Put(ctx, q, *m); err != nil {
		return err
	}
	// The greeting brings the keys; the task is for the day we crash right here.
	return task.Put(ctx, q, task.Task{Kind: task.Follow, Subject: string(m.ID()), Peer: m.ID(), Made: s.now()})
}

// known says that a hello from an address tells nothing new.
func (m Member) known(a Address) bool {
	return m.Standing != "" && (m.Standing != Asked || m.Address == a)
}

// vet decides whether a newcomer is heard. Who holds a good invitation may stand where
// nobody reaches it, but not in the name of a domain that shows another key.
func (s *Service) vet(ctx context.Context, a Address, before Member, code string) error {
	if before.known(a) {
		return nil
	}
	if code == "" {
		return s.prove(ctx, a)
	}
	good, err := inviteGood(ctx, s.DB, codeHash(code), a.Member, s.now())
	if err != nil || !good {
		return err // redeem says that it is not good
	}
	if err := s.prove(ctx, a); core.CodeOf(err) == core.CodeDenied {
		return err
	}
	return nil
}

// prove asks the domain that an address names whether the key is its own: anybody can
// sign a hello in any name. What strangers can make us fetch is bounded; who finds no
// turn tries again. Returns CodeDenied, or CodeUnsure when we could not ask.
func (s *Service) prove(ctx context.Context, a Address) error {
	if !s.proofs.AllowN(s.Now(), 1) {
		return core.Unsure("trust.many_hellos", errors.New("too many introductions in a short time"))
	}
	select {
	case s.proving <- struct{}{}:
		defer func() { <-s.proving }()
	default:
		return core.Unsure("trust.many_hellos", errors.New("too many introductions at once"))
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	home := s.Home(a)
	known, err := s.Follower.Discover(ctx, home)
	if err != nil {
		return core.Unsure("trust.hello_unproved", err).With("URL", home)
	}
	if known.Origin != a.Member || known.Root != a.Root {
		return core.Denied("trust.hello_unproved", fmt.Errorf("%s shows %s under another key", home, known.Origin)).With("URL", home)
	}
	return nil
}

// putAsked lists a request to join. With too many of them an older one gives way, so
// that nobody can shut the door.
func (s *Service) putAsked(ctx context.Context, q db.Querier, m Member) error {
	if err := DropAsked(ctx, q, s.now().Add(-AskedLife)); err != nil {
		return err
	}
	list, err := asked(ctx, q)
	if err != nil {
		return err
	}
	if last, full := givesWay(list, m.ID()); full {
		if err := Drop(ctx, q, last, Asked); err != nil {
			return err
		}
	}
	return Put(ctx, q, m)
}

// SayHello says hello to a member we added.
func (s *Service) SayHello(ctx context.Context, id core.MemberID) error {
	m, err := s.Added(ctx, id)
	if err != nil {
		return err
	}
	_, keys, err := s.Book.KeySet(ctx, s.self())
	if err != nil {
		return err
	}
	_, envelope, err := document.Sign(HelloType, Hello{V: 1, From: s.self(), To: id, At: s.now(), Code: m.Code}, s.Signer)
	if err != nil {
		return err
	}
	var answer welcome
	err = s.Caller.JSON(ctx, id, http.MethodPost, pathHello, Greeting{Keys: keys, Hello: envelope}, &answer)
	if task.HasKey(err, keyBadCode) {
		// The person is told; the next try goes without, as a request to join.
		return errors.Join(err, clearCode(ctx, s.DB, id))
	}
	if err != nil {
		return err
	}
	if m.Code == "" {
		return nil
	}
	return clearCode(ctx, s.DB, id)
}
