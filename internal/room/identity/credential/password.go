package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// outside begins what is stored for a person whose password another directory checks. What
// follows is that directory's lasting name of the person.
const outside = "{LDAP}"

// Hashed is a password that was hashed. The zero value is none.
type Hashed struct{ text string }

// String keeps a hash out of what is printed by mistake.
func (Hashed) String() string { return "a hashed password" }

// GoString is String, for %#v.
func (Hashed) GoString() string { return "a hashed password" }

// Hash checks a password by the rules (CheckPasswordRules, own) and hashes it: 30 ms of a
// core and 19 MiB, outside of any transaction. Returns also CodeUnsure
// "identity.credential.busy" when too many passwords wait.
func (s *Service) Hash(ctx context.Context, password string, own ...string) (Hashed, error) {
	if err := CheckPasswordRules(password, own...); err != nil {
		return Hashed{}, err
	}
	text, err := s.hasher.hash(ctx, password)
	return Hashed{text}, err
}

// Foreign takes a hash that another program made, after CheckHash.
func Foreign(text string) (Hashed, error) {
	return Hashed{text}, CheckHash(text)
}

// OutsideHash stands for the password of a person whom another directory knows by a
// lasting name.
func OutsideHash(name string) Hashed { return Hashed{outside + name} }

// PutPassword gives a person a password instead of the one they had, in q's transaction.
func (s *Service) PutPassword(ctx context.Context, q db.Querier, who person.ID, h Hashed) error {
	return Put(ctx, q, who, h, s.now())
}

// Put is PutPassword where there is no service.
func Put(ctx context.Context, q db.Querier, who person.ID, h Hashed, now core.Moment) error {
	if h.text == "" || !who.Valid() {
		return fmt.Errorf("no hash, or nobody to have it: %q", who)
	}
	return putPassword(ctx, q, who, h.text, now)
}

// SetPassword is Hash, then PutPassword.
func (s *Service) SetPassword(ctx context.Context, who person.ID, password string, own ...string) error {
	h, err := s.Hash(ctx, password, own...)
	if err != nil {
		return err
	}
	return s.PutPassword(ctx, s.DB, who, h)
}

// CheckPassword says whether a password is the person's. An empty id is nobody, whose
// password is always wrong: call it with that where no such person exists. A wrong answer
// comes no sooner than s.Floor after the question, so that its time says nothing of who
// exists and what is stored. A right password whose hash is foreign, or cheaper than ours,
// is hashed anew. Returns CodeUnsure "identity.credential.busy" when too many wait.
func (s *Service) CheckPassword(ctx context.Context, who person.ID, password string) (bool, error) {
	return s.slowly(ctx, func() (bool, error) { return s.checkPassword(ctx, who, password) })
}

// CheckNewcomer is CheckPassword for what somebody typed that no account was found for. Who
// another directory lets in is answered, with the account they have from now on; for
// anybody else it is as CheckPassword for nobody. It returns also what Needs.Newcomer does.
func (s *Service) CheckNewcomer(ctx context.Context, typed, password string) (who person.ID, ok bool, err error) {
	ok, err = s.slowly(ctx, func() (bool, error) {
		if s.Newcomer != nil && password != "" {
			if who, ok, err = s.Newcomer(ctx, typed, password); ok || err != nil {
				return ok, err
			}
		}
		return s.checkPassword(ctx, "", password)
	})
	return who, ok, err
}

// slowly answers yes at once, and no when s.Floor is over.
func (s *Service) slowly(ctx context.Context, check func() (bool, error)) (bool, error) {
	floor := time.NewTimer(s.Floor)
	defer floor.Stop()
	if ok, err := check(); ok || err != nil {
		return ok, err
	}
	select {
	case <-floor.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (s *Service) checkPassword(ctx context.Context, who person.ID, password string) (bool, error) {
	text := ""
	if who != "" {
		var err error
		if text, err = getPassword(ctx, s.DB, who); err != nil && !errors.Is(err, db.ErrNoRow) {
			return false, err
		}
	}
	if name, ok := strings.CutPrefix(text, outside); ok && s.Outside != nil && password != "" {
		return s.Outside(ctx, name, password)
	}
	var stored hashed
	if text != "" && !strings.HasPrefix(text, outside) {
		var err error
		if stored, err = parseHash(text); err != nil {
			return false, fmt.Errorf("the stored hash of %s: %w", who, err)
		}
	}
	ok, err := s.hasher.check(ctx, stored, password)
	if err != nil || !ok {
		return false, err
	}
	return true, s.renew(ctx, who, text, stored, password)
}

// renew writes that a password was used, and makes its hash ours where it is not.
func (s *Service) renew(ctx context.Context, who person.ID, old string, stored hashed, password string) error {
	text := old
	if !s.hasher.own(stored) {
		made, err := s.hasher.hash(ctx, password)
		switch {
		case core.CodeOf(err) == core.CodeUnsure: // at the next sign-in
		case err != nil:
			return err
		default:
			text = made
		}
	}
	// Whoever changed the password meanwhile has the last word.
	return usedPassword(ctx, s.DB, who, renewal{old, text}, s.now())
}

// RemovePassword takes the password away. Returns CodeConflict
// "identity.credential.last_way" when no passkey is left to sign in with.
func (s *Service) RemovePassword(ctx context.Context, who person.ID, also ...Also) error {
	return s.removeWay(ctx, who, func(ctx context.Context, q db.Querier) (bool, error) {
		removed, err := deletePassword(ctx, q, who)
		return removed, errors.Join(err, all(ctx, q, also))
	})
}

// Also is what a caller writes in the transaction of a change, such as the log of the account:
// both are written, or neither.
type Also = func(ctx context.Context, q db.Querier) error

func all(ctx context.Context, q db.Querier, also []Also) error {
	for _, write := range also {
		if err := write(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// removeWay removes one way in, and takes it back when it was the last.
func (s *Service) removeWay(ctx context.Context, who person.ID, remove func(context.Context, db.Querier) (bool, error)) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		removed, err := remove(ctx, q)
		if err != nil {
			return err
		}
		if !removed {
			return core.NotFound("identity.credential.no_such", errors.New("no such credential"))
		}
		left, err := countWays(ctx, q, who)
		if err == nil && left == 0 {
			err = core.Conflict("identity.credential.last_way", errors.New("the last way in"))
		}
		return err
	})
}

// RemovePasskey takes one passkey away. Returns CodeNotFound "identity.credential.no_such",
// CodeConflict "identity.credential.last_way" when nothing is left to sign in with.
func (s *Service) RemovePasskey(ctx context.Context, who person.ID, id string, also ...Also) error {
	return s.removeWay(ctx, who, func(ctx context.Context, q db.Querier) (bool, error) {
		removed, err := deletePasskey(ctx, q, who, id)
		return removed, errors.Join(err, all(ctx, q, also))
	})
}

// ByOutsideName finds the person whose password another directory checks under a name.
// Returns db.ErrNoRow.
func (s *Service) ByOutsideName(ctx context.Context, q db.Querier, name string) (person.ID, error) {
	return findPassword(ctx, q, outside+name)
}
