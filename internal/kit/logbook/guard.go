package logbook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

// A node restored from yesterday's backup that signs on would look like a cheat
// for ever. So before the first append after a start, mirrors are asked for our
// own highest head; what we lack is fetched back. The check holds for one boot of
// one machine and one data directory, as long as somebody renews it.
const (
	guardHolds = 15 * time.Minute
	guardBeat  = 5 * time.Minute
	// guardAsks bounds how many mirrors are asked.
	guardAsks = 8
)

// guard returns nil when appending is safe now. It asks mirrors when nobody on
// this machine did lately. Returns CodeUnsure when there are mirrors and none
// answers.
func (b *Book) guard(ctx context.Context) error {
	beat, err := getBeat(ctx, b.n.DB, b.n.Boot)
	if err != nil || b.now().Sub(beat) < guardHolds {
		return err
	}
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	return b.Beat(ctx)
}

// Beat renews the guard; the running node does so every five minutes.
func (b *Book) Beat(ctx context.Context) error {
	return putBeat(ctx, b.n.DB, b.n.Boot, b.now())
}

// ConfirmAlone lets an admin say that no mirror will ever answer: appending goes
// on from what is here.
func (b *Book) ConfirmAlone(ctx context.Context) error { return b.Beat(ctx) }

// catchUp asks mirrors of our log for its newest head and fetches what we lack.
func (b *Book) catchUp(ctx context.Context) error {
	mirrors, err := getConfirmed(ctx, b.n.DB)
	if err != nil || len(mirrors) == 0 {
		return err
	}
	if b.calls == nil {
		return core.Unsure("logbook.catching_up", errors.New("no way to ask mirrors"))
	}
	answered := 0
	var problems error
	for _, id := range mirrors[:min(len(mirrors), guardAsks)] {
		err := b.pullOwnFrom(ctx, id)
		if err == nil {
			answered++
		}
		problems = errors.Join(problems, err)
		if answered == 2 {
			return nil
		}
	}
	if answered == 0 {
		return core.Unsure("logbook.catching_up", fmt.Errorf("none of %d mirrors answered: %w", len(mirrors), problems))
	}
	return nil
}

// pullOwnFrom fetches our own log from one mirror as far as it is ahead of ours.
func (b *Book) pullOwnFrom(ctx context.Context, id core.MemberID) error {
	base, err := b.URL(ctx, id)
	if err != nil {
		return err
	}
	err = b.pullLog(ctx, b.self(), mirrorURL(base, b.self()))
	if errors.Is(err, errForked) {
		return core.Internal("logbook.own_fork", fmt.Errorf("%s holds another history of our own log", id)).With("Member", id)
	}
	return err
}

// pullLog fetches a log's head and the entries we lack from a tile address, and
// takes them.
func (b *Book) pullLog(ctx context.Context, id core.MemberID, base string) error {
	note, err := b.fetch(ctx, base+"/checkpoint", maxHead)
	if err == nil {
		_, err = b.pullUpTo(ctx, id, base, note)
	}
	return err
}

func (b *Book) pullUpTo(ctx context.Context, id core.MemberID, base string, note []byte) (Head, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return Head{}, err
	}
	claimed, err := claimedTree(note, id)
	if err != nil {
		return Head{}, err
	}
	o := offer{note: note, start: l.Tree.N}
	if claimed.N > l.Tree.N {
		if o, err = b.fetchEntries(ctx, base, note, l.Tree.N, claimed.N); err != nil {
			return Head{}, err
		}
	}
	head, err := b.take(ctx, id, o)
	if errors.Is(err, errForked) && id != b.self() {
		if ferr := b.proveFrom(ctx, id, base, note); ferr != nil {
			return head, errors.Join(err, ferr)
		}
	}
	return head, err
}

// proveFrom builds and publishes the proof of a fork met at a tile address.
func (b *Book) proveFrom(ctx context.Context, id core.MemberID, base string, note []byte) error {
	f, err := b.prove(ctx, id, note, func(tree tlog.Tree, size int64) (tlog.Hash, tlog.TreeProof, error) {
		return b.remoteProof(ctx, base, tree, size)
	})
	if err != nil {
		return err
	}
	return b.accuse(ctx, f)
}

func (b *Book) fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	res, err := b.calls.Get(ctx, address, "", limit)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, core.Unsure("peer.unreachable", fmt.Errorf("read %s: %w", address, err)).With("Member", address)
	}
	return data, nil
}
