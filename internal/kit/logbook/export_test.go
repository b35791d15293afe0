package logbook

import (
	"context"

	"entrechat/internal/core"
)

// HoldLease is what a running node does first: it passes the guard and then
// answers those who ask whether it lives, until ctx ends.
func (b *Book) HoldLease(ctx context.Context) error {
	return b.keepLease(ctx)
}

// AnswerLease is one look at the lease.
func (b *Book) AnswerLease(ctx context.Context) error { return b.answerLease(ctx) }

// Guard is what every append asks first.
func (b *Book) Guard(ctx context.Context) error { return b.guard(ctx) }

// SyncAt shows a log as somebody at an address serves it.
func (b *Book) SyncAt(ctx context.Context, id core.MemberID, address string) error {
	l, err := currentLog(ctx, b.n.DB, id)
	if err != nil {
		return err
	}
	s := b.sourceAt(address, l.origin)
	note, err := s.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	_, err = b.sync(ctx, s, id, l.epoch, note)
	return err
}
