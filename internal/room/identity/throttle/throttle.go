package throttle

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
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
	counts counts
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
	done, _, err = t.TryOf(r, account, "")
	return done, err
}

// TryOf is Try for an account that has several names: a guess under any of them counts for
// its owner too. late says that the owner had enough guesses under the other names. Who
// guesses must then be answered as after a wrong guess: another answer would tell which names
// are one person's. The guess is not held for it. owner is empty for Try.
func (t *Throttle) TryOf(r *http.Request, account, owner string) (done func(good bool), late bool, err error) {
	known := t.device(r)
	isKnown := known.knows(t.tag(account))
	network := t.from(r.Context())
	if !isKnown {
		// A known browser stands behind neither bound that strangers can fill.
		if wait := max(t.limits.network(network, t.Now()), t.limits.everybody(t.Now())); wait > 0 {
			t.counts.crowd.Add(1)
			return nil, false, later(wait)
		}
	}
	place := "network/" + network.String()
	if isKnown {
		place = "device/" + hex.EncodeToString(known.id[:])
	}
	c := charge{named: t.spots(account, place, isKnown)}
	if owner != "" {
		c.owned = t.spots("owner\x00"+owner, place, isKnown)
	}
	wait, late, err := t.charge(r.Context(), c)
	if err == nil && wait > 0 {
		wait, late, err = t.hold(r.Context(), c, wait)
	}
	if err != nil {
		return nil, false, err
	}
	if wait > 0 {
		t.counts.account.Add(1)
		return nil, false, later(wait)
	}
	if late {
		t.counts.account.Add(1)
		return func(bool) {}, true, nil
	}
	after := context.WithoutCancel(r.Context())
	return func(good bool) { // also when the browser has gone
		if good {
			t.refund(after, c)
		}
	}, false, nil
}

// spots are the tallies of one name: of a place, and of all places for who comes from an
// unknown browser.
func (t *Throttle) spots(account, place string, known bool) []spot {
	all := []spot{{t.hash("place", account+"\x00"+place), atPlace(), true}}
	if !known {
		all = append(all, spot{t.hash("account", account), atAccount(), false})
	}
	return all
}

// spot is one tally that a guess counts in. A right guess ends that of a place, and is taken
// off that of all places.
type spot struct {
	key   string
	bound bound
	place bool
}

// charge names the tallies that one guess counts in: by the name it was made under, and by
// whose that name is.
type charge struct{ named, owned []spot }

// charge counts a guess in all of its tallies. Where those of the name are too full it counts
// in none, and says how long to wait; where those of the owner are, in those of the name only.
func (t *Throttle) charge(ctx context.Context, c charge) (wait time.Duration, late bool, err error) {
	now := t.now()
	err = t.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if wait, err = count(ctx, q, c.named, now); err != nil || wait > 0 {
			return err
		}
		needed, err := count(ctx, q, c.owned, now)
		late = needed > 0
		return err
	})
	return wait, late, err
}

// count counts a guess in some tallies, or in none and says how long to wait.
func count(ctx context.Context, q db.Querier, spots []spot, now core.Moment) (wait time.Duration, err error) {
	next := make([]tally, len(spots))
	for i, s := range spots {
		was, err := getTally(ctx, q, s.key)
		if err != nil {
			return 0, err
		}
		to, need := was.charge(s.bound, now)
		next[i], wait = to, max(wait, need)
	}
	if wait > 0 {
		return wait, nil
	}
	for i, s := range spots {
		if err := putTally(ctx, q, s.key, next[i]); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// hold waits, where it is short, and charges once more.
func (t *Throttle) hold(ctx context.Context, c charge, wait time.Duration) (time.Duration, bool, error) {
	if wait > waitHere {
		return wait, false, nil
	}
	defer t.held.Add(-1)
	if t.held.Add(1) > maxHeld {
		return wait, false, nil
	}
	select {
	case <-time.After(wait):
		return t.charge(ctx, c)
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

func (t *Throttle) refund(ctx context.Context, c charge) {
	var err error
	for _, s := range append(slices.Clone(c.named), c.owned...) {
		if s.place {
			err = errors.Join(err, dropTally(ctx, t.DB, s.key))
		} else {
			err = errors.Join(err, giveBack(ctx, t.DB, s.key))
		}
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

// counts are how often somebody was told to come back later.
type counts struct{ crowd, account atomic.Int64 }

// Refused is how often somebody was told to come back later since the process began: because
// their network, or everybody, guessed too often (crowd), or somebody did at this account.
func (t *Throttle) Refused() (crowd, account int64) {
	return t.counts.crowd.Load(), t.counts.account.Load()
}

// Jobs forget what is old.
func (t *Throttle) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity.throttle.forget", Every: forgetEvery, Run: func(ctx context.Context) error {
		return forget(ctx, t.DB, t.now().Add(-forgetIn), maxTallies)
	}}}
}
