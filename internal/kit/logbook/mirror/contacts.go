package mirror

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/store"
)

const (
	// MaxAsked bounds how many members that hold a log are asked for it.
	MaxAsked = 8
	// AskTime is how long one of them is waited for; they are asked side by side.
	AskTime = 20 * time.Second
)

// Contacts is how the exchange goes with each member, and the order in which they are
// asked.
type Contacts struct {
	st *store.Store

	mu    sync.Mutex
	ended map[core.MemberID]core.Moment // when a member's call last ended our wait for it
}

// Contact is how the exchange with one member goes.
type Contact struct {
	Member core.MemberID
	// Holds is how many entries of our whole history it confirmed holding.
	Holds int64
	// Trouble is what went wrong the last time, nil when nothing did; it has gone wrong
	// each time since then.
	Trouble *core.Error
	Since   core.Moment
	Tries   int64 // in a row that failed
	Next    core.Moment
}

// List is the members we exchange with, the nearest first.
func (cs *Contacts) List(ctx context.Context) ([]Contact, error) {
	all, err := cs.Neighbours(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Contact, len(all))
	for i, n := range all {
		out[i] = Contact{Member: n.Member, Holds: n.ConfirmedSize, Since: n.Since, Tries: n.Failures, Next: n.Retry}
		if n.Trouble != "" {
			out[i].Trouble = core.Unsure(n.Trouble, errors.New("exchange failed")).With("Member", n.Member).With("Status", n.Status)
		}
	}
	return out, nil
}

// waitEndsEvery is how often the calls of a member end our wait for it: one that calls
// and cannot be called would have us knock all day.
const waitEndsEvery = 5 * time.Minute

// Called ends our wait for a member that did not answer and calls now: it is there,
// and what it missed may be waited for. from is empty for a stranger.
func (cs *Contacts) Called(ctx context.Context, from core.MemberID) {
	if from == "" {
		return
	}
	now := cs.st.Now()
	c, err := store.GetContact(ctx, cs.st.DB, from)
	if err == nil && c.Retry > now && cs.mayEndWait(from, now) {
		err = store.UpdateContact(ctx, cs.st.DB, from, func(c *store.Contact) { c.Retry = now })
	}
	if err != nil {
		cs.st.Log.Debug("that a member calls was not noted", "member", from, "error", err)
	}
}

func (cs *Contacts) mayEndWait(id core.MemberID, now core.Moment) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if now < cs.ended[id].Add(waitEndsEvery) {
		return false
	}
	cs.ended[id] = now
	return true
}

// Neighbours orders the members we could exchange with. The order is by
// rendezvous hashing: stable, different for everybody, and nobody chooses it.
func (cs *Contacts) Neighbours(ctx context.Context) ([]store.Neighbour, error) {
	all, err := store.GetNeighbours(ctx, cs.st.DB, cs.st.Self())
	if err != nil {
		return nil, err
	}
	for i := range all {
		sum := sha256.Sum256([]byte(string(cs.st.Self()) + "\n" + string(all[i].Member)))
		all[i].Weight = binary.BigEndian.Uint64(sum[:])
	}
	slices.SortFunc(all, func(x, y store.Neighbour) int { return cmp.Compare(y.Weight, x.Weight) })
	return all, nil
}

// pick is whom one round talks to: the first fixed neighbours that do not wait
// after failures, and random others. The random ones are what defeats bad
// neighbours: without them half of the entries come late when one member in five
// forwards nothing.
func (cs *Contacts) pick(ctx context.Context, fixed, random int) ([]store.Neighbour, error) {
	all, err := cs.Neighbours(ctx)
	if err != nil {
		return nil, err
	}
	now := cs.st.Now()
	all = slices.DeleteFunc(all, func(n store.Neighbour) bool { return n.Retry > now })
	near, rest := all[:min(fixed, len(all))], all[min(fixed, len(all)):]
	rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] }) //nolint:gosec // spreading load
	return append(slices.Clip(near), rest[:min(random, len(rest))]...), nil
}

// Record notes how talking to a member went: failures space the next tries, from a
// minute to an hour.
func (cs *Contacts) Record(ctx context.Context, n store.Neighbour, err error) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = core.Unsure("peer.unreachable", fmt.Errorf("%s: not through in %s", n.Member, taskTime)).With("Member", n.Member)
	} else if ctx.Err() != nil || err == nil && n.Failures == 0 {
		return
	}
	kept := store.UpdateContact(context.WithoutCancel(ctx), cs.st.DB, n.Member, func(c *store.Contact) {
		if err == nil {
			c.Failures, c.Retry, c.Trouble, c.Status, c.Since = 0, 0, "", 0, 0
			return
		}
		c.Trouble, c.Status = troubleOf(err)
		if c.Failures == 0 || c.Since == 0 {
			c.Since = cs.st.Now()
		}
		c.Failures++
		c.Retry = cs.st.Now().Add(min(time.Hour, time.Minute<<min(c.Failures-1, 6)))
	})
	if err != nil {
		cs.st.Log.Debug("exchange failed", "member", n.Member, "error", err)
	}
	if kept != nil {
		cs.st.Log.Warn("exchange state not stored", "member", n.Member, "error", kept)
	}
}

// troubleOf is the words key of what went wrong with a member, and the status of its
// answer, if one came.
func troubleOf(err error) (key string, status int64) {
	e, ok := errors.AsType[*core.Error](err)
	if !ok {
		return "core.internal", 0
	}
	if n, ok := e.Args["Status"].(int); ok {
		status = int64(n)
	}
	return e.Key, status
}

// Holders are members that may hold a member's log: itself first, then those that
// confirmed holding ours.
func (cs *Contacts) Holders(ctx context.Context, m store.MemberRow) ([]store.Holder, error) {
	all, err := cs.Neighbours(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y store.Neighbour) int {
		return int(min(y.ConfirmedSize, 1) - min(x.ConfirmedSize, 1))
	})
	var out []store.Holder
	if m.ID != cs.st.Self() {
		out = append(out, store.Holder{Address: m.URL}) // unsigned: its keys may be what is damaged
	}
	for _, n := range all {
		if n.Member != m.ID && len(out) < MaxAsked {
			out = append(out, n.At())
		}
	}
	return out, nil
}
