package session

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/person"
)

// Needs is what sessions are made of.
type Needs struct {
	DB *db.DB
	// URL is where browsers reach the node: cookies are for https only when it begins so.
	URL string
	Now func() time.Time
	// Ended is told of sessions that end before their time, in the transaction that ends
	// them, so that services hear of it; nil = nobody is.
	Ended func(ctx context.Context, q db.Querier, ended []Session) error
}

// Sessions are all that are open. Safe for concurrent use.
type Sessions struct {
	n     Needs
	tries tries
}

// New makes them.
func New(n Needs) *Sessions {
	if n.Ended == nil {
		n.Ended = func(context.Context, db.Querier, []Session) error { return nil }
	}
	return &Sessions{n: n}
}

func (s *Sessions) now() core.Moment { return core.At(s.n.Now()) }

// Start opens a session for who just proved who they are, in the browser that sent r, and
// ends what was open there. The cookie's token is always new; a person who was signed in
// there already keeps the session's id, so that services know it again.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, l Login) (Session, error) {
	token := rand.Text() // 130 bits: nobody guesses it, so a plain hash will do
	now := s.now()
	opened := Session{
		ID: strings.ToLower(rand.Text()), Person: l.Person, Home: l.Home, AMR: l.AMR, Made: now, Auth: now, Seen: now,
		Agent: audit.Browser(r.UserAgent()),
	}
	if at := peer.ClientOf(r.Context()); at.IsValid() {
		opened.Network = audit.Shortened(at.Addr().String())
	}
	if l.At != 0 {
		opened.Auth = min(l.At, now)
	}
	old, had, err := s.lookUp(r)
	if err != nil {
		return Session{}, err
	}
	err = s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if had && old.Person == l.Person && old.Home == l.Home {
			opened.ID = old.ID
			if err := remove(ctx, q, old.ID); err != nil {
				return err
			}
		} else if had {
			if err := s.end(ctx, q, []Session{old}); err != nil {
				return err
			}
		}
		if err := s.makeRoom(ctx, q, l.Person); err != nil {
			return err
		}
		if err := insert(ctx, q, seal.TokenHash(token), opened); err != nil || l.With == nil {
			return err
		}
		return l.With(ctx, q, opened)
	})
	if err != nil {
		return Session{}, err
	}
	http.SetCookie(w, web.Cookie(s.n.URL, cookie, token, int(Longest.Seconds())))
	s.tries.add(l.way(), In)
	return opened, nil
}

// makeRoom ends the oldest sessions of a person who has as many as can be.
func (s *Sessions) makeRoom(ctx context.Context, q db.Querier, who person.ID) error {
	all, err := of(ctx, q, who)
	if err != nil || len(all) < most {
		return err
	}
	return s.end(ctx, q, all[most-1:]) // the last used comes first
}

// Lives says whether a session has not ended.
func (s *Sessions) Lives(ctx context.Context, q db.Querier, id string) (bool, error) {
	return lives(ctx, q, id)
}

// Find is the session of the browser that sent r; ok is false where nobody is signed in.
// It costs one row, and a write every five minutes.
func (s *Sessions) Find(r *http.Request) (found Session, ok bool, err error) {
	found, ok, err = s.lookUp(r)
	if err != nil || !ok {
		return Session{}, false, err
	}
	if now := s.now(); now.Sub(found.Seen) >= touchEvery {
		if err := touch(r.Context(), s.n.DB, found.ID, now); err != nil {
			return Session{}, false, err
		}
		found.Seen = now
	}
	return found, true, nil
}

func (s *Sessions) lookUp(r *http.Request) (Session, bool, error) {
	c, err := r.Cookie(web.CookieName(s.n.URL, cookie))
	if err != nil {
		return Session{}, false, nil //nolint:nilerr // the one error is that there is none
	}
	found, err := byHash(r.Context(), s.n.DB, seal.TokenHash(c.Value))
	if errors.Is(err, db.ErrNoRow) {
		return Session{}, false, nil
	}
	return found, err == nil && found.Open(s.now()), err
}

// Signed is Find for what only people who are signed in may do. Returns CodeDenied
// "identity.session.signed_out".
func (s *Sessions) Signed(r *http.Request) (Session, error) {
	found, ok, err := s.Find(r)
	if err == nil && !ok {
		err = core.Denied("identity.session.signed_out", errors.New("no session"))
	}
	return found, err
}

// Fresh is Signed for what needs a step-up. Returns CodeDenied
// "identity.session.signed_out" and "identity.session.again".
func (s *Sessions) Fresh(r *http.Request) (Session, error) {
	found, err := s.Signed(r)
	if err == nil && !found.Fresh(s.now()) {
		err = core.Denied("identity.session.again", errors.New("signed in too long ago"))
	}
	return found, err
}

// List are a person's open sessions, the last used first.
func (s *Sessions) List(ctx context.Context, who person.ID) ([]Session, error) {
	all, err := of(ctx, s.n.DB, who)
	open := make([]Session, 0, len(all))
	for _, one := range all {
		if one.Open(s.now()) {
			open = append(open, one)
		}
	}
	return open, err
}

// LastSeen is when a person was last here; 0 = never, or longer ago than anything tells.
func (s *Sessions) LastSeen(ctx context.Context, who person.ID) (core.Moment, error) {
	used, signed, err := lastSeen(ctx, s.n.DB, who)
	return max(used, signed), err
}

// Also is what a caller writes in the transaction that ends a session, such as the log of the
// account: both are written, or neither.
type Also = func(ctx context.Context, q db.Querier, ended Session) error

// End ends one session of a person. Returns CodeNotFound "identity.session.gone".
func (s *Sessions) End(ctx context.Context, who person.ID, id string, also ...Also) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		all, err := of(ctx, q, who)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.ID == id {
				return s.endOne(ctx, q, one, also)
			}
		}
		return core.NotFound("identity.session.gone", errors.New("no such session"))
	})
}

// EndAll ends all sessions of a person, but the one whose id is except (empty = none), and
// says how many.
func (s *Sessions) EndAll(ctx context.Context, q db.Querier, who person.ID, except string) (int, error) {
	all, err := of(ctx, q, who)
	if err != nil {
		return 0, err
	}
	var gone []Session
	for _, one := range all {
		if one.ID != except {
			gone = append(gone, one)
		}
	}
	return len(gone), s.end(ctx, q, gone)
}

// Leave signs out in the browser that sent r.
func (s *Sessions) Leave(w http.ResponseWriter, r *http.Request, also ...Also) error {
	found, ok, err := s.lookUp(r)
	if err != nil {
		return err
	}
	if ok {
		err = s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error { return s.endOne(ctx, q, found, also) })
	}
	if err == nil { // else it is open still, and its owner may try again
		http.SetCookie(w, web.Cookie(s.n.URL, cookie, "", -1))
	}
	return err
}

func (s *Sessions) endOne(ctx context.Context, q db.Querier, one Session, also []Also) error {
	if err := s.end(ctx, q, []Session{one}); err != nil {
		return err
	}
	for _, write := range also {
		if err := write(ctx, q, one); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sessions) end(ctx context.Context, q db.Querier, gone []Session) error {
	if len(gone) == 0 {
		return nil
	}
	for _, one := range gone {
		if err := remove(ctx, q, one.ID); err != nil {
			return err
		}
	}
	return s.n.Ended(ctx, q, gone)
}

// Jobs forget what has run out.
func (s *Sessions) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity-sessions", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: s.sweep}}
}

func (s *Sessions) sweep(ctx context.Context) error {
	now := s.now()
	return forget(ctx, s.n.DB, now.Add(-Idle), now.Add(-Longest))
}

// cookie is the name of the cookie that holds a session's token.
const cookie = "entrechat-person"
