package mirror

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/peer"
)

// wholeEvery is how often all heads of a member are read anew, whatever the
// cursor says: its numbers may have gone back, or one of its answers been wrong.
const wholeEvery = 24 * time.Hour

// Exchange asks members what changed, in rounds, by long polls and on hints.
type Exchange struct {
	st       *store.Store
	contacts *Contacts
	mirror   *Mirror
	remote   *Remote
	tuning   Tuning
	hints    chan core.MemberID // members that told us they have news
	pulls    tasks              // work with members that goes on
	begun    atomic.Bool        // a job exchanged with neighbours
}

// Pull is one round: ask neighbours what changed and fetch what we follow.
func (x *Exchange) Pull(ctx context.Context) error {
	t := x.tuning
	all, err := x.contacts.pick(ctx, t.Fixed, t.Random)
	if err != nil {
		return err
	}
	ids := make([]core.MemberID, len(all))
	for i, n := range all {
		ids[i] = n.Member
	}
	x.pulls.round(ctx, ids, taskTurn, func(ctx context.Context, i int) { x.contacts.Record(ctx, all[i], x.pullFrom(ctx, all[i], 0)) })
	return ctx.Err()
}

// PullFrom asks one member what changed since we last asked, and takes what we
// follow; wait lets it hold its answer until something changes. Trouble with one
// log does not stop the others. Returns CodeUnsure when the member does not
// answer, CodeInvalid when its answer makes no sense, CodeNotFound.
func (x *Exchange) PullFrom(ctx context.Context, id core.MemberID, wait time.Duration) error {
	n, err := store.GetNeighbour(ctx, x.st.DB, id)
	if err != nil {
		return err
	}
	return x.pullFrom(ctx, n, wait)
}

func (x *Exchange) pullFrom(ctx context.Context, n store.Neighbour, wait time.Duration) error {
	after, now := n.Cursor, x.st.Now()
	whole := now.Sub(n.WholeRead) > wholeEvery
	if whole {
		after, wait = 0, 0
	}
	heads, err := x.askHeads(ctx, n, after, wait)
	if err != nil {
		return err
	}
	var refused error
	for _, item := range heads.Heads {
		err := x.mirror.Update(ctx, n.At(), item)
		unsure := core.CodeOf(err) == core.CodeUnsure
		if _, status := troubleOf(err); unsure && status != 0 && ctx.Err() == nil {
			refused = err // it answers, and not for this log now: ask again from here
			continue
		}
		if unsure || ctx.Err() != nil {
			return errors.Join(err, ctx.Err()) // the member went away: ask again from here
		}
		if err != nil && !errors.Is(err, ErrSuspended) {
			x.st.Log.Info("log not accepted", "log", item.Member, "from", n.Member, "error", err)
		}
	}
	if refused != nil {
		return refused
	}
	if !whole && heads.Cursor == n.Cursor && heads.Store == n.Store {
		return nil
	}
	return store.UpdateContact(ctx, x.st.DB, n.Member, func(c *store.Contact) {
		c.Cursor, c.Store = heads.Cursor, heads.Store
		if whole {
			c.WholeRead = now
		}
	})
}

func (x *Exchange) askHeads(ctx context.Context, n store.Neighbour, after int64, wait time.Duration) (format.HeadsAnswer, error) {
	query := url.Values{"store": {n.Store}, "after": {strconv.FormatInt(after, 10)}}
	if wait > 0 {
		query.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	data, err := x.remote.fetch(ctx, n.At(), peer.Request{Path: "/ec/v1/heads", Query: query, Limit: format.HeadsLimit})
	if err != nil {
		return format.HeadsAnswer{}, err
	}
	return format.ParseHeads(data)
}

// Listen holds a long poll at one of our fixed neighbours, so that what is urgent
// arrives in seconds.
func (x *Exchange) Listen(ctx context.Context, number int) error {
	all, err := x.contacts.pick(ctx, number+1, 0)
	if err != nil || len(all) <= number {
		return err
	}
	x.contacts.Record(ctx, all[number], x.pullFrom(ctx, all[number], format.MaxWait))
	return ctx.Err()
}

// AnswerHints pulls from members that told us they have news.
func (x *Exchange) AnswerHints(ctx context.Context) error {
	for {
		select {
		case id := <-x.hints:
			if n, err := store.GetNeighbour(ctx, x.st.DB, id); err == nil {
				// Busy with it already: the regular round comes to it.
				x.pulls.start(ctx, id, func(ctx context.Context) { x.contacts.Record(ctx, n, x.pullFrom(ctx, n, 0)) })
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// RetryAllFirst has the first run of this process wait for nobody: what kept a member from
// answering may be why people started the node again.
func (x *Exchange) RetryAllFirst(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if x.begun.CompareAndSwap(false, true) {
			if err := store.RetryNow(ctx, x.st.DB, ""); err != nil {
				x.begun.Store(false)
				return err
			}
		}
		return run(ctx)
	}
}

// Hint has a member asked soon, if not too many wait already.
func (x *Exchange) Hint(id core.MemberID) {
	select {
	case x.hints <- id:
	default: // busy: the regular round comes to it
	}
}

// Finish is a job that ends with the node, once nothing is pulled any more.
func (x *Exchange) Finish(ctx context.Context) error { return x.pulls.finish(ctx) }
