package credential

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/person"
)

// DefaultFloor is how long a wrong password takes: longer than nearly every hash takes to
// be checked.
const DefaultFloor = 500 * time.Millisecond

// Needs is what credentials are kept with.
type Needs struct {
	DB  *db.DB
	Box seal.Box
	// URL is where browsers reach this node: passkeys are good there and nowhere else.
	URL string
	// Name is how the hoster is called, for the list in a person's authenticator; empty = the
	// host of URL.
	Name string
	// Cost is of one password's hash; zero = the default.
	Cost Cost
	// Floor is how long a wrong password takes at least; zero = DefaultFloor.
	Floor time.Duration
	// Outside checks a password with another directory, which knows the person by a
	// lasting name; nil = there is none, and such passwords are wrong.
	Outside func(ctx context.Context, name, password string) (bool, error)
	// Newcomer lets somebody in whom another directory knows and no account was found for: it
	// makes their account when the password is right; nil = there is none.
	Newcomer func(ctx context.Context, typed, password string) (who person.ID, ok bool, err error)
	Now      func() time.Time
}

// Service keeps credentials. Safe for concurrent use.
type Service struct {
	Needs
	*Passkeys
	hasher *hasher
}

// New makes the service. Returns CodeInvalid for a URL that passkeys cannot be bound to.
func New(n Needs) (*Service, error) {
	if n.Floor == 0 {
		n.Floor = DefaultFloor
	}
	h, err := newHasher(n.Cost)
	if err != nil {
		return nil, err
	}
	w, err := newWebAuthn(&n)
	if err != nil {
		return nil, err
	}
	return &Service{Needs: n, hasher: h, Passkeys: &Passkeys{n, w}}, nil
}

func (s *Service) now() core.Moment { return core.At(s.Now()) }

// Ways is how a person can sign in. It holds no secret.
type Ways struct {
	Password bool        `json:"password"`
	Outside  bool        `json:"outside,omitzero"` // the password is checked by another directory
	Foreign  bool        `json:"foreign,omitzero"` // its hash came from another program, and was not used since
	Since    core.Moment `json:"password_since,omitzero"`
	TOTP     bool        `json:"totp"`
	Recovery int         `json:"recovery"` // recovery codes that are left
	Passkeys []Passkey   `json:"passkeys"`
}

// More says whether there is more than a password to show: a passkey or one-time codes.
func (w Ways) More() bool { return w.TOTP || len(w.Passkeys) > 0 }

// List says how a person can sign in.
func (s *Service) List(ctx context.Context, who person.ID) (w Ways, err error) {
	if w, err = getWays(ctx, s.DB, who); err != nil {
		return w, err
	}
	if w.Password && !w.Outside {
		text, err := getPassword(ctx, s.DB, who)
		if err != nil {
			return w, err
		}
		stored, err := parseHash(text)
		w.Foreign = err == nil && !s.hasher.own(stored)
	}
	w.Passkeys, err = listPasskeys(ctx, s.DB, who)
	return w, err
}

// HasSecond says whether a person asked for a one-time code after the password.
func (s *Service) HasSecond(ctx context.Context, who person.ID) (bool, error) {
	w, err := getWays(ctx, s.DB, who)
	return w.TOTP, err
}

// Forget removes all that proves who a person is, in q's transaction: they left.
func Forget(ctx context.Context, q db.Querier, who person.ID) error {
	return forget(ctx, q, who)
}

// Check is doctor's question: does our key file open what the database holds.
func (s *Service) Check() fit.Check {
	return fit.Check{Name: "identity.credential.check_key", Run: func(ctx context.Context) (fit.Finding, error) {
		ids, err := sealedPeople(ctx, s.DB)
		if err != nil || len(ids) == 0 {
			return fit.Well("", nil), err
		}
		for _, who := range ids {
			sealed, err := getTOTP(ctx, s.DB, who)
			if errors.Is(err, db.ErrNoRow) {
				continue // removed since
			}
			if err == nil {
				_, err = s.Box.Open(totpLabel(who), sealed.secret)
			}
			if err != nil {
				return fit.Finding{}, err
			}
		}
		return fit.Well("", nil), nil
	}}
}
