package logbook

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
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
	l, err := store.CurrentLog(ctx, b.st.DB, id)
	if err != nil {
		return err
	}
	s := b.parts.Remote.SourceAt(store.Holder{Address: address}, l.Origin)
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = b.parts.Mirror.SyncLog(ctx, s, id, l.Epoch, note)
	return err
}

// AcceptPiece offers the first entries of a long log as another holds it, as a pull
// does that stores it piece by piece.
func (b *Book) AcceptPiece(ctx context.Context, from *Book, id core.MemberID, size int64) error {
	l, err := store.CurrentLog(ctx, from.st.DB, id)
	if err != nil {
		return err
	}
	root, err := store.RootAt(ctx, from.st.DB, l, size)
	if err != nil {
		return err
	}
	page, err := store.GetEntries(ctx, from.st.DB, l.Origin, 0, int(size))
	if err != nil {
		return err
	}
	o := format.Offer{Member: id, Epoch: l.Epoch, Note: l.Note, Part: tlog.Tree{N: size, Hash: root}}
	for _, s := range page {
		o.Entries = append(o.Entries, s.Data)
	}
	_, err = b.parts.Mirror.Accept(ctx, o)
	return err
}

// CheckLogs is one look of the check job.
func (b *Book) CheckLogs(ctx context.Context) error { return b.Repair.CheckLogs(ctx) }

// AppendRaw signs leaves of any bytes into our own log, as no honest member does.
func (b *Book) AppendRaw(ctx context.Context, leaves ...[]byte) error {
	return b.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, keys, err := b.author.SoundLog(ctx, q)
		if err != nil {
			return err
		}
		g, err := store.Grow(ctx, q, l.Origin, l.Tree, leaves)
		if err != nil {
			return err
		}
		for i, data := range leaves {
			if err := store.PutEntries(ctx, q, l.Origin, []store.LeafRow{{Index: l.Tree.N + int64(i), Data: data}}); err != nil {
				return err
			}
		}
		if err := store.PutTiles(ctx, q, l.Origin, g); err != nil {
			return err
		}
		l.Tree = g.Tree
		return b.author.SignLog(ctx, q, l, keys)
	})
}
