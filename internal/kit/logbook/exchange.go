package logbook

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/wire"
)

// Tuning is the exchange's pace. Zero fields take the design's values, which were
// simulated for 100 to 10,000 members.
type Tuning struct {
	Pull      time.Duration // between rounds; 5 minutes
	Push      time.Duration // between looks whether our log grew; 2 seconds
	Deliver   time.Duration // between looks whether any log grew; 2 seconds
	Resign    time.Duration // between signing our head anew; 6 hours
	Fixed     int           // neighbours pulled each round; 3
	Random    int           // others pulled each round; 1, negative = none
	NoListen  bool          // no long poll
	NoForward bool          // answer nothing about others: a bad neighbour, for simulations
}

func (t Tuning) orDefault() Tuning {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&t.Pull, 5 * time.Minute}, {&t.Push, 2 * time.Second}, {&t.Deliver, 2 * time.Second}, {&t.Resign, 6 * time.Hour}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if t.Fixed == 0 {
		t.Fixed = 3
	}
	if t.Random == 0 {
		t.Random = 1
	}
	return t
}

// Jobs are what keeps the logs going between members; readers are told what is
// new.
func (b *Book) Jobs(readers []Reader) []jobs.Job {
	t := b.n.Tuning.orDefault()
	all := []jobs.Job{
		{Name: "logbook-guard", Every: guardBeat, Run: b.renewGuard},
		{Name: "logbook-pull", Every: t.Pull, Jitter: t.Pull / 5, Run: b.Pull},
		{Name: "logbook-push", Every: t.Push, Run: b.Push},
		{Name: "logbook-resign", Every: t.Resign, Run: b.Resign},
		{Name: "logbook-deliver", Every: t.Deliver, Run: func(ctx context.Context) error { return b.Deliver(ctx, readers) }},
	}
	if !t.NoListen {
		all = append(all, jobs.Job{Name: "logbook-listen", Every: 10 * time.Second, Run: b.listen})
	}
	return all
}

// renewGuard beats while the check still holds, and makes it anew otherwise.
func (b *Book) renewGuard(ctx context.Context) error {
	if err := b.guard(ctx); err != nil {
		return err
	}
	return b.Beat(ctx)
}

// neighbours orders the members we could exchange with: rendezvous hashing, so
// that everybody's fixed neighbours are spread and stay the same.
func (b *Book) neighbours(ctx context.Context) ([]neighbour, error) {
	all, err := getNeighbours(ctx, b.n.DB, b.self())
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].weight = b.weight(all[i].ID)
	}
	slices.SortFunc(all, func(x, y neighbour) int {
		if x.weight != y.weight {
			return cmp.Compare(y.weight, x.weight)
		}
		return cmp.Compare(x.ID, y.ID)
	})
	return all, nil
}

func (b *Book) weight(id core.MemberID) uint64 {
	sum := sha256.Sum256([]byte(string(b.self()) + "\n" + string(id)))
	return binary.BigEndian.Uint64(sum[:])
}

// round is whom one round talks to: the first fixed ones that answered lately, and
// random others, which is what defeats bad neighbours.
func (b *Book) round(ctx context.Context, fixed, random int) ([]neighbour, error) {
	all, err := b.neighbours(ctx)
	if err != nil {
		return nil, err
	}
	now := b.now()
	all = slices.DeleteFunc(all, func(n neighbour) bool { return n.Retry > now })
	out, rest := all[:min(fixed, len(all))], all[min(fixed, len(all)):]
	rand.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] }) //nolint:gosec // load spreading
	return append(slices.Clone(out), rest[:min(max(random, 0), len(rest))]...), nil
}

// Pull is one round: ask neighbours what changed and fetch what we follow.
func (b *Book) Pull(ctx context.Context) error {
	t := b.n.Tuning.orDefault()
	ids, err := b.round(ctx, t.Fixed, t.Random)
	if err != nil {
		return err
	}
	for _, n := range ids {
		b.note(ctx, n.ID, b.PullFrom(ctx, n.ID, 0))
	}
	return ctx.Err()
}

// note keeps how talking to a member went; failures space the next tries.
func (b *Book) note(ctx context.Context, id core.MemberID, err error) {
	c, gerr := getContact(ctx, b.n.DB, id)
	if gerr != nil || ctx.Err() != nil {
		return
	}
	if err == nil {
		if c.Failures == 0 {
			return
		}
		c.Failures, c.Retry = 0, 0
	} else {
		c.Failures++
		wait := min(time.Hour, time.Minute<<min(c.Failures, 6))
		c.Retry = b.now().Add(wait)
		b.n.Log.Debug("exchange failed", "member", id, "failures", c.Failures, "error", err)
	}
	if perr := putContact(ctx, b.n.DB, id, c); perr != nil {
		b.n.Log.Warn("exchange state not kept", "member", id, "error", perr)
	}
}

// headsAnswer is what /ec/v1/heads says.
// spec: docs/spec/exchange.md#heads
type headsAnswer struct {
	Store  string     `json:"store"`
	Cursor int64      `json:"cursor"`
	Logs   []headHint `json:"logs"`
}

// headHint tells that a log changed; nothing in it is to be trusted.
type headHint struct {
	Origin core.MemberID `json:"origin"`
	Size   int64         `json:"size"`
	Root   string        `json:"root"`
	Signed core.Moment   `json:"signed"`
}

// headsLimit bounds a heads answer in bytes; maxHints what it may hold.
const (
	headsLimit = 4 << 20
	maxHints   = 10_000
)

// PullFrom asks one member what changed since we last asked and takes what we
// follow; wait lets it hold the answer until something changes.
func (b *Book) PullFrom(ctx context.Context, id core.MemberID, wait time.Duration) error {
	base, err := b.URL(ctx, id)
	if err != nil {
		return err
	}
	c, err := getContact(ctx, b.n.DB, id)
	if err != nil {
		return err
	}
	heads, err := b.askHeads(ctx, base, c, wait)
	if err != nil {
		return err
	}
	var problems error
	for _, hint := range heads.Logs {
		if err := b.follow(ctx, id, base, hint); err != nil {
			problems = errors.Join(problems, err)
		}
	}
	if heads.Cursor == c.After && heads.Store == c.Store || problems != nil {
		return problems
	}
	if c, err = getContact(ctx, b.n.DB, id); err != nil {
		return err
	}
	c.Store, c.After = heads.Store, heads.Cursor
	return putContact(ctx, b.n.DB, id, c)
}

func (b *Book) askHeads(ctx context.Context, base string, c contact, wait time.Duration) (headsAnswer, error) {
	var heads headsAnswer
	address := base + "/ec/v1/heads?after=" + strconv.FormatInt(c.After, 10) + "&store=" + url.QueryEscape(c.Store)
	if wait > 0 {
		address += "&wait=" + strconv.Itoa(int(wait/time.Second))
	}
	res, err := b.calls.Get(ctx, address, "", headsLimit)
	if err != nil {
		return heads, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return heads, core.Unsure("peer.unreachable", err).With("Member", base)
	}
	if err := wire.Peek(data, &heads); err != nil {
		return heads, err
	}
	if len(heads.Logs) > maxHints || len(heads.Store) > 64 {
		return heads, core.Invalid("logbook.too_long", fmt.Errorf("%d heads", len(heads.Logs)))
	}
	return heads, nil
}

// follow fetches a log one neighbour says has changed, if we mirror it and it
// differs from what we hold. A log that lies or is broken is that log's trouble,
// unless the neighbour itself does not answer.
func (b *Book) follow(ctx context.Context, from core.MemberID, base string, hint headHint) error {
	if hint.Origin == b.self() {
		return nil
	}
	l, err := getRow(ctx, b.n.DB, hint.Origin)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil || !b.wanted(ctx, l, hint) {
		return err
	}
	address := mirrorURL(base, hint.Origin)
	if hint.Origin == from {
		address = logURL(base)
	}
	err = b.pullLog(ctx, hint.Origin, address)
	if core.CodeOf(err) == core.CodeUnsure {
		return err
	}
	if err != nil {
		b.n.Log.Info("log not taken", "log", hint.Origin, "from", from, "error", err)
	}
	return nil
}

// wanted says whether a hint may tell us something: more entries, a fresher head,
// or a contradiction.
func (b *Book) wanted(ctx context.Context, l row, hint headHint) bool {
	if l.Suspended != 0 {
		return false
	}
	if hint.Size > l.Tree.N || hint.Size == l.Tree.N && hint.Signed > l.Signed {
		return true
	}
	if hint.Size < 1 {
		return false
	}
	root := l.Tree.Hash
	if hint.Size < l.Tree.N {
		var err error
		if root, err = tlog.TreeHash(hint.Size, hashes(ctx, b.n.DB, l.Origin)); err != nil {
			return false
		}
	}
	return base64.StdEncoding.EncodeToString(root[:]) != hint.Root
}

// listen holds a long poll at the first neighbour, so that urgent entries arrive
// in seconds, not minutes.
func (b *Book) listen(ctx context.Context) error {
	ids, err := b.round(ctx, 1, -1)
	if err != nil || len(ids) == 0 {
		return err
	}
	b.note(ctx, ids[0].ID, b.PullFrom(ctx, ids[0].ID, 50*time.Second))
	return nil
}

// entriesMessage is what an author posts to those who mirror it.
// spec: docs/spec/exchange.md#entries
type entriesMessage struct {
	Head    string   `json:"head"`
	Start   int64    `json:"start"`
	Entries []string `json:"entries"` // standard base64
}

// entriesAnswer tells how far the mirror now holds the log, with its
// cosignature when that is the head offered.
type entriesAnswer struct {
	Size        int64  `json:"size"`
	Cosignature string `json:"cosignature,omitempty"`
}

// maxPost bounds the entries of one post.
const maxPost = 256

// Push posts our own new entries to the fixed neighbours that lack them.
func (b *Book) Push(ctx context.Context) error {
	ids, err := b.round(ctx, b.n.Tuning.orDefault().Fixed, -1)
	if err != nil || len(ids) == 0 {
		return err
	}
	l, err := getRow(ctx, b.n.DB, b.self())
	if err != nil {
		return err
	}
	for _, n := range ids {
		if n.Confirmed < l.Tree.N {
			b.note(ctx, n.ID, b.pushTo(ctx, n.ID, l, n.Confirmed))
		}
	}
	return ctx.Err()
}

// pushTo posts from where the mirror said it stands until it holds our head.
func (b *Book) pushTo(ctx context.Context, id core.MemberID, l row, from int64) error {
	for range 1 + l.Tree.N/maxPost + 1 {
		size := min(l.Tree.N, from+maxPost)
		if size < l.Tree.N {
			// Only the newest head is signed; a long backlog is pulled instead.
			from = l.Tree.N - maxPost
			size = l.Tree.N
		}
		message := entriesMessage{Head: string(l.Note), Start: from}
		entries, err := getEntries(ctx, b.n.DB, l.Origin, from, int(size-from))
		if err != nil {
			return err
		}
		for _, s := range entries {
			message.Entries = append(message.Entries, base64.StdEncoding.EncodeToString(s.data))
		}
		var answer entriesAnswer
		if err := b.calls.JSON(ctx, id, "POST", "/ec/v1/entries", message, &answer); err != nil {
			return err
		}
		if answer.Size >= l.Tree.N {
			return b.confirmed(ctx, id, l, answer)
		}
		if answer.Size < from && l.Tree.N-answer.Size > maxPost {
			return nil // it pulls the rest from us by itself
		}
		from = answer.Size
	}
	return core.Unsure("logbook.no_progress", fmt.Errorf("%s does not get on with our log", id)).With("Member", id)
}

func (b *Book) confirmed(ctx context.Context, id core.MemberID, l row, answer entriesAnswer) error {
	if answer.Cosignature != "" && len(answer.Cosignature) < 1000 {
		if err := b.keepCosignature(ctx, id, l, answer.Cosignature); err != nil {
			return err
		}
	}
	c, err := getContact(ctx, b.n.DB, id)
	if err != nil {
		return err
	}
	c.Confirmed = l.Tree.N
	return putContact(ctx, b.n.DB, id, c)
}
