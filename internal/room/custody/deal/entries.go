package deal

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/share"
)

// TypeEntry is the entry by which a member says that a deal stands. It names no holder and no
// scope.
// spec: docs/spec/custody.md#deal
const TypeEntry = "entrechat/custody-deal/1"

type entryBody struct {
	Deal  share.ID `json:"deal"`
	K     int64    `json:"k"`
	N     int64    `json:"n"`
	WaitH int64    `json:"wait_h"`
}

// Readers take in which deals stand.
func (d *Deals) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "custody_deal", Types: []string{TypeEntry}, Read: d.heard,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return takeBack(ctx, d.n.DB, log, index)
		},
	}}
}

func (d *Deals) heard(ctx context.Context, e logbook.Entry) error {
	var b entryBody
	if !e.InForce(d.n.now()) {
		return nil
	}
	if err := wire.Peek(e.Body, &b); err != nil || !isID(b.Deal) {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	return d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := putEntry(ctx, q, b.Deal, e); err != nil {
			return err
		}
		if e.Log == d.n.self() {
			own, err := get(ctx, q, b.Deal)
			if core.CodeOf(err) == core.CodeNotFound {
				return nil // made before a recovery: its document is at its holders
			}
			if err == nil {
				err = stand(ctx, q, own.Deal, e.Iat)
			}
			return err
		}
		held, err := getHeld(ctx, q, b.Deal)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		if err == nil && held.Owner == e.Log && held.Ended == 0 {
			err = supersede(ctx, q, held, e.Index, e.Iat)
		}
		return err
	})
}

// said tells whether our logbook says that a deal stands, in what was written since it was
// made: a node that was killed right after writing does not write it twice.
func (d courier) said(ctx context.Context, own row) (bool, error) {
	const page = 500
	for from := own.from; ; {
		list, err := d.n.Book.Entries(ctx, d.n.self(), from, page)
		if err != nil || len(list) == 0 {
			return false, err
		}
		for _, e := range list {
			var b entryBody
			if e.Typ == TypeEntry && wire.Peek(e.Body, &b) == nil && b.Deal == own.ID {
				return true, nil
			}
		}
		from = list[len(list)-1].Index + 1
	}
}
