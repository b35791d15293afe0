package deal

import (
	"context"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/box"
)

// Replace puts a new content into the box of a scope, of the deal that stands and of the one on
// its way: no share is needed. Holders get it as soon as they answer. Returns CodeNotFound
// "custody.deal.no_deal", CodeInvalid for a content that the box must not hold.
func (d *Deals) Replace(ctx context.Context, scope box.Scope, content []byte, holds []string) (version int64, err error) {
	by := dealer{d}
	if err := by.checkContent(ctx, scope, content); err != nil {
		return 0, err
	}
	found := false
	for _, state := range []State{Pending, Standing} {
		r, err := inState(ctx, d.n.DB, scope, state)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err == nil {
			found = true
			version, err = by.replaceOne(ctx, r, content, holds)
		}
		if err != nil {
			return 0, err
		}
	}
	if !found {
		_, err := inState(ctx, d.n.DB, scope, Standing)
		return 0, err
	}
	return version, d.Run(ctx)
}

func (d dealer) replaceOne(ctx context.Context, r row, content []byte, holds []string) (version int64, err error) {
	to, err := age.ParseX25519Recipient(r.Recipient)
	if err != nil {
		return 0, err
	}
	sealed, err := box.Seal(to, r.ID, content)
	if err != nil {
		return 0, err
	}
	err = d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := box.Get(ctx, q, r.ID)
		if err != nil {
			return err
		}
		if len(holds) == 0 {
			holds = was.Holds
		}
		version = was.Version + 1
		signed, err := box.Sign(box.Update{Deal: r.ID, Version: version, Made: d.n.now()}, sealed, d.n.Signer)
		if err == nil {
			_, err = box.Put(ctx, q, box.Kept{Signed: signed, Holds: holds})
		}
		return err
	})
	return version, err
}
