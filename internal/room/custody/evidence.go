package custody

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/evidence"
	"entrechat/internal/room/custody/share"
)

// evidence shows who let a box go.
func (r *Room) evidence() *evidence.Evidence {
	return &evidence.Evidence{
		DB: r.DB, Self: r.Signer.ID(), Book: r.Book, Peer: r.Peer, Stands: r.Deals.SaidBy,
		Deal: func(ctx context.Context, id share.ID) (seal.Envelope, error) {
			held, err := r.Keeper.Get(ctx, id)
			return held.Document, err
		},
	}
}

// Opened is what shows to others that we opened the box of a silent member; see evidence.Opened.
func (r *Room) Opened(ctx context.Context, owner core.MemberID, scope string) (id string, shown []byte, err error) {
	return r.evidence().Opened(ctx, owner, scope)
}

// Released checks what a member shows of a box that it opened; see evidence.Released.
func (r *Room) Released(ctx context.Context, asker, owner core.MemberID, scope string, shown []byte) (id string, made core.Moment, err error) {
	return r.evidence().Released(ctx, asker, owner, scope, shown)
}
