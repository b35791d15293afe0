package throttle

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

const (
	waitHere    = 2 * time.Second // a guess that is so early is held, not refused
	maxHeld     = 100             // guesses that are held at a time
	maxTallies  = 200_000
	forgetEvery = 10 * time.Minute
)

// Needs is what a throttle is made of.
type Needs struct {
	DB  *db.DB
	Box seal.Box // signs the cookies of known browsers, hides the names of accounts
	URL string   // where browsers reach this node
	Now func() time.Time
	Log *slog.Logger
}

// Throttle slows down who guesses. Safe for concurrent use.
type Throttle struct {
	Needs
	key    []byte
	from   func(ctx context.Context) netip.Prefix // the network a request counts for
	limits limits
	held   atomic.Int64
}

// New makes a throttle.
func New(n Needs) *Throttle {
	return &Throttle{Needs: n, key: n.Box.Key("identity throttle"), from: peer.ClientOf}
}

func (t *Throttle) now() core.Moment { return core.At(t.Now()) }

// Try is called before a guess at an account from the browser that sent r, whether or not the
// account exists. It counts the guess at once, so that guesses made at the same moment do not
// share one, and holds it for two seconds at most. done says how it went: a right one is
// taken back, and the place begins anew; not calling it is as done(false).
//
// Returns CodeUnsure "identity.throttle.wait" for who must come back later, and what the
// database returns.
func (t *Throttle) Try(r *http.Request, account string) (done func(good bool), err error) {
	known := t.device(r)
	isKnown := known.knows(t.tag(account))
	network := t.from(r.Context())
	if !isKnown {
		// A known browser stands behind neither bound that strangers can fill.
		if wait := max(t.limits.network(network, t.Now()), t.limits.everybody(t.Now())); wait > 0 {
			return nil, later(wait)
		}
	}
	place := "network/" + network.String()
	if isKnown {
		place = "device/" + hex.EncodeToString(known.id[:])
	}
	c := charge{place: t.hash("place", account+"\x00"+place), all: t.hash("account", account)}
	if isKnown {
		c.all = ""
	}
	wait, err := t.charge(r.Context(), c)
	if err == nil && wait > 0 {
		wait, err = t.hold(r.Context(), c, wait)
	}
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return nil, later(wait)
	}
	after := context.WithoutCancel(r.Context())
	return func(good bool) { // also when the browser has gone
		if good {
			t.refund(after, c)
		}
	}, nil
}

// charge names the tallies that one guess counts in; all is empty for a known browser.
type charge struct{ place, all string }

// charge counts a guess in all of its tallies, or in none and says how long to wait.
func (t *Throttle) charge(ctx context.Context, c charge) (wait time.Duration, err error) {
	now := t.now()
	err = t.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		wait = 0
		next := map[string]tally{}
		for key, b := range map[string]bound{c.place: atPlace(), c.all: atAccount()} {
			if key == "" {
				continue
			}
			was, err := getTally(ctx, q, key)
			if err != nil {
				return err
			}
			to, need := was.charge(b, now)
			next[key], wait = to, max(wait, need)
		}
		if wait > 0 {
			return nil
		}
		for key, to := range next {
			if err := putTally(ctx, q, key, to); err != nil {
				return err
			}
		}
		return nil
	})
	return wait, err
}

// hold waits, where it is short, and charges once more.
func (t *Throttle) hold(ctx context.Context, c charge, wait time.Duration) (time.Duration, error) {
	if wait > waitHere {
		return wait, nil
	}
	defer t.held.Add(-1)
	if t.held.Add(1) > maxHeld {
		return wait, nil
	}
	select {
	case <-time.After(wait):
		return t.charge(ctx, c)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (t *Throttle) refund(ctx context.Context, c charge) {
	err := dropTally(ctx, t.DB, c.place)
	if c.all != "" {
		err = errors.Join(err, giveBack(ctx, t.DB, c.all))
	}
	if err != nil {
		t.Log.WarnContext(ctx, "identity: a good sign-in was not taken off the tally", "error", err)
	}
}

func (t *Throttle) hash(purpose, text string) string {
	return hex.EncodeToString(t.mac(purpose, text)[:16])
}

func later(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return core.Unsure("identity.throttle.wait", errors.New("too many guesses")).With("Count", seconds)
}

// Jobs forget what is old.
func (t *Throttle) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity.throttle.forget", Every: forgetEvery, Run: func(ctx context.Context) error {
		return forget(ctx, t.DB, t.now().Add(-forgetIn), maxTallies)
	}}}
}
