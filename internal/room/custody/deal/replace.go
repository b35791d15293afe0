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
	var rows []row
	for _, state := range []State{Pending, Standing} {
		r, err := inState(ctx, d.n.DB, scope, state)
		if err == nil {
			rows = append(rows, r)
		} else if core.CodeOf(err) != core.CodeNotFound || state == Standing && len(rows) == 0 {
			return 0, err
		}
	}
	for _, r := range rows {
		if version, err = by.replaceOne(ctx, r, content, holds); err != nil {
			return 0, err
		}
	}
	if err := d.Run(ctx); err != nil {
		return version, err
	}
	for _, r := range rows {
		if version, err = by.outdo(ctx, r, content, holds); err != nil {
			return version, err
		}
	}
	return version, nil
}

// outdo makes a box that was just replaced newer than those of its holders, where one turned out to
// keep a newer one: this disk was set back.
func (d dealer) outdo(ctx context.Context, r row, content []byte, holds []string) (version int64, err error) {
	kept, err := box.Get(ctx, d.n.DB, r.ID)
	if err != nil {
		return 0, err
	}
	newest, err := newestKept(ctx, d.n.DB, r.ID)
	if err != nil || newest <= kept.Version {
		return kept.Version, err
	}
	if version, err = d.replaceOne(ctx, r, content, holds); err != nil {
		return 0, err
	}
	return version, d.Bring(ctx, r.ID)
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
		newest, err := newestKept(ctx, q, r.ID)
		if err != nil {
			return err
		}
		version = max(was.Version, newest) + 1
		signed, err := box.Sign(box.Update{Deal: r.ID, Version: version, Made: d.n.now()}, sealed, d.n.Signer)
		if err == nil {
			_, err = box.Put(ctx, q, box.Kept{Signed: signed, Holds: holds})
		}
		return err
	})
	return version, err
}
