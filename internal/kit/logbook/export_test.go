package logbook

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// HoldLease is what a running node does first: it passes the guard and then
// answers those who ask whether it lives, until ctx ends.
func (b *Book) HoldLease(ctx context.Context) error {
	return b.Guard.RenewLease(ctx)
}

// AnswerLease is one look at the lease.
func (b *Book) AnswerLease(ctx context.Context) error { return b.Guard.AnswerLease(ctx) }

// PassGuard is what every append asks first.
func (b *Book) PassGuard(ctx context.Context) error { return b.Guard.Pass(ctx) }

// SyncAt shows a log as somebody at an address serves it.
func (b *Book) SyncAt(ctx context.Context, id core.MemberID, address string) error {
	l, err := currentLog(ctx, b.st.DB, id)
	if err != nil {
		return err
	}
	s := b.parts.Remote.sourceAt(holder{address: address}, l.origin)
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = b.parts.Mirror.syncLog(ctx, s, id, l.epoch, note)
	return err
}

// TakePiece offers the first entries of a long log as another holds it, as a pull
// does that stores it piece by piece.
func (b *Book) TakePiece(ctx context.Context, from *Book, id core.MemberID, size int64) error {
	l, err := currentLog(ctx, from.st.DB, id)
	if err != nil {
		return err
	}
	root, err := rootAt(ctx, from.st.DB, l, size)
	if err != nil {
		return err
	}
	page, err := getEntries(ctx, from.st.DB, l.origin, 0, int(size))
	if err != nil {
		return err
	}
	o := offer{member: id, epoch: l.epoch, note: l.note, part: tlog.Tree{N: size, Hash: root}}
	for _, s := range page {
		o.entries = append(o.entries, s.data)
	}
	_, err = b.parts.Mirror.accept(ctx, o)
	return err
}

// CheckLogs is one look of the check job.
func (b *Book) CheckLogs(ctx context.Context) error { return b.Repair.CheckLogs(ctx) }

// AppendRaw signs leaves of any bytes into our own log, as no honest member does.
func (b *Book) AppendRaw(ctx context.Context, leaves ...[]byte) error {
	return b.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, keys, err := b.author.soundLog(ctx, q)
		if err != nil {
			return err
		}
		g, err := grow(ctx, q, l.origin, l.tree, leaves)
		if err != nil {
			return err
		}
		for i, data := range leaves {
			if err := putEntries(ctx, q, l.origin, []stored{{index: l.tree.N + int64(i), data: data}}); err != nil {
				return err
			}
		}
		if err := putTiles(ctx, q, l.origin, g); err != nil {
			return err
		}
		l.tree = g.tree
		return b.author.signLog(ctx, q, l, keys)
	})
}
