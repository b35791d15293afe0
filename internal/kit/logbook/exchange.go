package logbook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/wire"
)

// wholeEvery is how often all heads of a member are read anew, whatever the
// cursor says: its numbers may have gone back, or one of its answers been wrong.
const wholeEvery = 24 * time.Hour

// neighbours orders the members we could exchange with. The order is by
// rendezvous hashing: stable, different for everybody, and nobody chooses it.
func (b *Book) neighbours(ctx context.Context) ([]neighbour, error) {
	all, err := getNeighbours(ctx, b.n.DB, b.self())
	if err != nil {
		return nil, err
	}
	for i := range all {
		sum := sha256.Sum256([]byte(string(b.self()) + "\n" + string(all[i].member)))
		all[i].weight = binary.BigEndian.Uint64(sum[:])
	}
	slices.SortFunc(all, func(x, y neighbour) int { return cmp.Compare(y.weight, x.weight) })
	return all, nil
}

// round is whom one round talks to: the first fixed neighbours that do not wait
// after failures, and random others. The random ones are what defeats bad
// neighbours: without them half of the entries come late when one member in five
// forwards nothing.
func (b *Book) round(ctx context.Context, fixed, random int) ([]neighbour, error) {
	all, err := b.neighbours(ctx)
	if err != nil {
		return nil, err
	}
	now := b.now()
	all = slices.DeleteFunc(all, func(n neighbour) bool { return n.retry > now })
	near, rest := all[:min(fixed, len(all))], all[min(fixed, len(all)):]
	rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] }) //nolint:gosec // spreading load
	return append(slices.Clip(near), rest[:min(random, len(rest))]...), nil
}

// Pull is one round: ask neighbours what changed and fetch what we follow.
func (b *Book) Pull(ctx context.Context) error {
	t := b.n.Tuning.orDefault()
	all, err := b.round(ctx, t.Fixed, t.Random)
	if err != nil {
		return err
	}
	ids := make([]core.MemberID, len(all))
	for i, n := range all {
		ids[i] = n.member
	}
	b.pulls.round(ctx, ids, errandTurn, func(ctx context.Context, i int) { b.noted(ctx, all[i], b.pullFrom(ctx, all[i], 0)) })
	return ctx.Err()
}

// noted keeps how talking to a member went: failures space the next tries, from a
// minute to an hour.
func (b *Book) noted(ctx context.Context, n neighbour, err error) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = core.Unsure("peer.unreachable", fmt.Errorf("%s: not through in %s", n.member, errandTime)).With("Member", n.member)
	} else if ctx.Err() != nil || err == nil && n.failures == 0 {
		return
	}
	kept := updateContact(context.WithoutCancel(ctx), b.n.DB, n.member, func(c *contact) {
		if err == nil {
			c.failures, c.retry, c.trouble, c.status, c.since = 0, 0, "", 0, 0
			return
		}
		c.trouble, c.status = troubleOf(err)
		if c.failures == 0 || c.since == 0 {
			c.since = b.now()
		}
		c.failures++
		c.retry = b.now().Add(min(time.Hour, time.Minute<<min(c.failures-1, 6)))
	})
	if err != nil {
		b.n.Log.Debug("exchange failed", "member", n.member, "error", err)
	}
	if kept != nil {
		b.n.Log.Warn("exchange state not kept", "member", n.member, "error", kept)
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

// PullFrom asks one member what changed since we last asked, and takes what we
// follow; wait lets it hold its answer until something changes. Trouble with one
// log does not stop the others. Returns CodeUnsure when the member does not
// answer, CodeInvalid when its answer makes no sense, CodeNotFound.
func (b *Book) PullFrom(ctx context.Context, id core.MemberID, wait time.Duration) error {
	n, err := getNeighbour(ctx, b.n.DB, id)
	if err != nil {
		return err
	}
	return b.pullFrom(ctx, n, wait)
}

func (b *Book) pullFrom(ctx context.Context, n neighbour, wait time.Duration) error {
	after, now := n.cursor, b.now()
	whole := now.Sub(n.whole) > wholeEvery
	if whole {
		after, wait = 0, 0
	}
	heads, err := b.askHeads(ctx, n, after, wait)
	if err != nil {
		return err
	}
	var refused error
	for _, item := range heads.Heads {
		err := b.consider(ctx, n.at(), item)
		unsure := core.CodeOf(err) == core.CodeUnsure
		if _, status := troubleOf(err); unsure && status != 0 && ctx.Err() == nil {
			refused = err // it answers, and not for this log now: ask again from here
			continue
		}
		if unsure || ctx.Err() != nil {
			return errors.Join(err, ctx.Err()) // the member went away: ask again from here
		}
		if err != nil && !errors.Is(err, errSuspended) {
			b.n.Log.Info("log not taken", "log", item.Member, "from", n.member, "error", err)
		}
	}
	if refused != nil {
		return refused
	}
	if !whole && heads.Cursor == n.cursor && heads.Store == n.store {
		return nil
	}
	return updateContact(ctx, b.n.DB, n.member, func(c *contact) {
		c.cursor, c.store = heads.Cursor, heads.Store
		if whole {
			c.whole = now
		}
	})
}

func (b *Book) askHeads(ctx context.Context, n neighbour, after int64, wait time.Duration) (headsAnswer, error) {
	query := url.Values{"store": {n.store}, "after": {strconv.FormatInt(after, 10)}}
	if wait > 0 {
		query.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	data, err := b.fetch(ctx, n.at(), peer.Request{Path: "/ec/v1/heads", Query: query, Limit: headsLimit})
	if err != nil {
		return headsAnswer{}, err
	}
	return parseHeads(data)
}

var storeForm = regexp.MustCompile(`^[A-Z2-7]{1,64}$`)

// parseHeads reads a heads answer. Returns CodeInvalid.
func parseHeads(data []byte) (headsAnswer, error) {
	var heads headsAnswer
	if err := wire.Peek(data, &heads); err != nil {
		return headsAnswer{}, err
	}
	if len(heads.Heads) > maxLogs || heads.Cursor < 0 || !storeForm.MatchString(heads.Store) {
		return headsAnswer{}, core.Invalid("logbook.bad_heads", fmt.Errorf("%d heads, cursor %d of %.40q", len(heads.Heads), heads.Cursor, heads.Store))
	}
	for _, item := range heads.Heads {
		if !item.Member.Valid() || item.Epoch < 1 || item.Epoch > maxEpochs+1 || item.Version < 1 || len(item.Head) > maxHead {
			return headsAnswer{}, core.Invalid("logbook.bad_heads", fmt.Errorf("item of %.80q", item.Member))
		}
	}
	return heads, nil
}

// consider looks at one log a member says has changed.
func (b *Book) consider(ctx context.Context, at holder, item headItem) error {
	m, err := getMember(ctx, b.n.DB, item.Member)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // not followed
	}
	if err != nil {
		return err
	}
	s := b.sourceAt(at, LogOrigin(item.Member, item.Epoch))
	if item.Version > m.version {
		doc, err := s.keySet(ctx)
		if err != nil {
			return err
		}
		if err := b.Learn(ctx, item.Member, doc); err != nil {
			return err
		}
	}
	if m.forked != 0 {
		return errSuspended
	}
	l, err := getLog(ctx, b.n.DB, item.Member, item.Epoch)
	if err != nil || item.Head == "" || item.Head == string(l.note) {
		return err
	}
	if item.Epoch > 1 {
		keys, _, err := b.KeySet(ctx, item.Member)
		if err != nil {
			return err
		}
		if err := b.syncClosed(ctx, at, keys); err != nil {
			return err
		}
	}
	if item.Member == b.self() {
		return b.considerOwn(ctx, l, s, []byte(item.Head))
	}
	_, err = b.sync(ctx, s, item.Member, item.Epoch, []byte(item.Head))
	return err
}

// considerOwn looks at what others hold of our own log. An earlier state is what
// we expect. More than we have means that this node lost entries, or that another
// one runs with our key: the guard must pass again before anything is appended. What
// our key did not sign means nothing.
func (b *Book) considerOwn(ctx context.Context, l logRow, s source, note []byte) error {
	c, err := claim(note)
	if err != nil {
		return err
	}
	if c.N < l.tree.N || c.Tree == l.tree {
		root, err := rootAt(ctx, b.n.DB, l, c.N)
		if err != nil || root == c.Hash {
			return err
		}
	}
	keys, _, err := b.KeySet(ctx, l.member)
	if err != nil {
		return err
	}
	if _, err := openHead(keys, l.epoch, note); err != nil {
		return err
	}
	b.unguard()
	_, err = b.sync(ctx, s, l.member, l.epoch, note)
	return err
}

// listen holds a long poll at one of our fixed neighbours, so that what is urgent
// arrives in seconds.
func (b *Book) listen(ctx context.Context, number int) error {
	all, err := b.round(ctx, number+1, 0)
	if err != nil || len(all) <= number {
		return err
	}
	b.noted(ctx, all[number], b.pullFrom(ctx, all[number], maxWait))
	return ctx.Err()
}

// answerHints pulls from members that told us they have news.
func (b *Book) answerHints(ctx context.Context) error {
	for {
		select {
		case id := <-b.hints:
			if n, err := getNeighbour(ctx, b.n.DB, id); err == nil {
				// Busy with it already: the regular round comes to it.
				b.pulls.start(ctx, id, func(ctx context.Context) { b.noted(ctx, n, b.pullFrom(ctx, n, 0)) })
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
