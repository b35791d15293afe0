package deal

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/share"
)

// Held is a deal of another member of which we keep a share. The zero value is none.
type Held struct {
	Signed
	Number   int64
	Received core.Moment
	// Stood is when its owner's logbook said that it stands, by that entry; 0 = it did not.
	Stood core.Moment
	// Ended is when we learned that another stands in its place, or that its box was opened;
	// 0 = it goes on.
	Ended core.Moment
	State State // Pending until Stood
	// Damaged: the document cannot be read any more. Of the deal ID, Owner and Scope are known, and
	// the share does not open.
	Damaged bool
	sealed,
	contacts []byte // age files to our node: the share, and whom to call back
}

const heldColumns = `h.id, h.owner, h.scope, h.document, h.number, h.received_us, h.ended_us, h.ended_as, h.sealed, h.contacts, COALESCE(e.at_us, 0)`

const heldFrom = ` FROM custody_held h LEFT JOIN custody_deal_entry e ON e.owner = h.owner AND e.deal = h.id`

func scanHeld(r db.Row) (h Held, err error) {
	var named Deal
	var document []byte
	if err := r.Scan(&named.ID, &named.Owner, &named.Scope, &document, &h.Number, &h.Received, &h.Ended, &h.State, &h.sealed, &h.contacts, &h.Stood); err != nil {
		return h, err
	}
	if h.State == "" {
		h.State = Pending
		if h.Stood != 0 {
			h.State = Standing
		}
	}
	env, err := seal.DecodeEnvelope(document)
	if err == nil {
		h.Signed, err = Read(env)
	}
	if err != nil || h.ID != named.ID || h.Owner != named.Owner {
		// One that is damaged does not hide all others.
		h.Signed, h.Damaged = Signed{Deal: named}, true
	}
	return h, nil
}

// insertHeld keeps a share that was entrusted to us.
func insertHeld(ctx context.Context, q db.Querier, h Held) error {
	document, err := h.Document.Encode()
	if err != nil {
		return err
	}
	if h.contacts == nil {
		h.contacts = []byte{}
	}
	_, err = db.Exec(ctx, q, `INSERT INTO custody_held (id, owner, scope, number, received_us, until_us, ended_us, ended_as, sealed, contacts, document)
		VALUES ($1, $2, $3, $4, $5, $6, 0, '', $7, $8, $9)`,
		string(h.ID), string(h.Owner), string(h.Scope), h.Number, int64(h.Received), int64(h.Until), h.sealed, h.contacts, document)
	return err
}

// getHeld reads a deal we keep a share of. Returns CodeNotFound "custody.deal.not_held".
func getHeld(ctx context.Context, q db.Querier, id share.ID) (Held, error) {
	h, err := db.One(ctx, q, scanHeld, `SELECT `+heldColumns+heldFrom+` WHERE h.id = $1`, string(id))
	if errors.Is(err, db.ErrNoRow) {
		return h, core.NotFound("custody.deal.not_held", err)
	}
	return h, err
}

// allHeld lists the deals we keep shares of, by owner and age.
func allHeld(ctx context.Context, q db.Querier) ([]Held, error) {
	return db.All(ctx, q, scanHeld, `SELECT `+heldColumns+heldFrom+` ORDER BY h.owner, h.received_us DESC, h.id LIMIT 2000`)
}

// liveHeld lists those of one owner that go on, the newest first.
func liveHeld(ctx context.Context, q db.Querier, owner core.MemberID) ([]Held, error) {
	return db.All(ctx, q, scanHeld, `SELECT `+heldColumns+heldFrom+` WHERE h.owner = $1 AND h.ended_us = 0 ORDER BY h.received_us DESC, h.id LIMIT 100`, string(owner))
}

// countHeld counts the deals of an owner that we keep shares of: those that go on, and all.
func countHeld(ctx context.Context, q db.Querier, owner core.MemberID) (live, all int64, err error) {
	if all, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_held WHERE owner = $1`, string(owner)); err != nil {
		return 0, 0, err
	}
	live, err = db.One(ctx, q, db.Int64, `SELECT count(*) FROM custody_held WHERE owner = $1 AND ended_us = 0`, string(owner))
	return live, all, err
}

// standsBy is the entry of its owner's logbook by which a deal stands, and its time; 0 = none said
// so yet.
func standsBy(ctx context.Context, q db.Querier, owner core.MemberID, id share.ID) (entry int64, at core.Moment, err error) {
	_, err = db.One(ctx, q, func(r db.Row) (struct{}, error) { return struct{}{}, r.Scan(&entry, &at) },
		`SELECT entry, at_us FROM custody_deal_entry WHERE owner = $1 AND deal = $2`, string(owner), string(id))
	if errors.Is(err, db.ErrNoRow) {
		return 0, 0, nil
	}
	return entry, at, err
}

func setContacts(ctx context.Context, q db.Querier, id share.ID, contacts []byte) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_held SET contacts = $1 WHERE id = $2`, contacts, string(id))
	return err
}

// endHeld notes that a deal we keep a share of counts no more; it says whether it did.
func endHeld(ctx context.Context, q db.Querier, id share.ID, as State, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE custody_held SET ended_us = $1, ended_as = $2 WHERE id = $3 AND ended_us = 0`, int64(at), string(as), string(id))
	return n == 1, err
}

// supersede ends what we keep of a member's scope, but for the deal that stands by this entry:
// those that stood by an earlier one, and those that never did and came before it.
func supersede(ctx context.Context, q db.Querier, by Held, entry int64, at core.Moment) error {
	const stood = `SELECT 1 FROM custody_deal_entry e WHERE e.owner = custody_held.owner AND e.deal = custody_held.id AND e.entry`
	_, err := db.Exec(ctx, q, `UPDATE custody_held SET ended_us = $1, ended_as = $2
		WHERE owner = $3 AND scope = $4 AND id <> $5 AND ended_us = 0
			AND (EXISTS (`+stood+` < $6) OR received_us < $7 AND NOT EXISTS (`+stood+` > $6))`,
		int64(at), string(Superseded), string(by.Owner), string(by.Scope), string(by.ID), entry, int64(by.Received))
	return err
}

// dropHeld forgets shares of deals that ended before a moment, and of those that nobody had
// stand and that are over.
func dropHeld(ctx context.Context, q db.Querier, before core.Moment) error {
	const old = `(SELECT id FROM custody_held WHERE ended_us > 0 AND ended_us < $1 OR until_us < $1)`
	if _, err := db.Exec(ctx, q, `DELETE FROM custody_box WHERE deal IN `+old, int64(before)); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM custody_held WHERE ended_us > 0 AND ended_us < $1 OR until_us < $1`, int64(before))
	return err
}

// putEntry notes that a member's logbook says that a deal stands.
func putEntry(ctx context.Context, q db.Querier, id share.ID, e logbook.Entry) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_deal_entry (owner, deal, entry, at_us) VALUES ($1, $2, $3, $4) ON CONFLICT (owner, deal) DO NOTHING`,
		string(e.Log), string(id), e.Index, int64(e.Iat))
	return err
}

// takeBack drops what was said from an index on.
func takeBack(ctx context.Context, q db.Querier, owner core.MemberID, from int64) error {
	_, err := db.Exec(ctx, q, `DELETE FROM custody_deal_entry WHERE owner = $1 AND entry >= $2`, string(owner), from)
	return err
}
