package deal

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/share"
)

// The ways a share gets to its holder.
const (
	byNode  = "node"  // a member's node fetches nothing: it is brought to it
	byPage  = "page"  // a person fetches it, encrypted to the person
	byPaper = "paper" // it is printed
)

// part is one share of a deal of ours, without the share once its holder has it.
type part struct {
	Holder
	deal    share.ID
	kind    string
	label   string // of paper: what somebody called it; stays on this node
	sealed  []byte // what opens to the share; empty once it was acknowledged
	mac     []byte // of the last six signs, for who types them
	acked   core.Moment
	box     int64       // version of the box the holder keeps; 0 = none
	tried   core.Moment // when its node was tried last; of paper: when it was shown
	trouble string      // words key of why the last attempt failed; empty = it did not
}

const partColumns = `deal, number, kind, who, label, sealed, mac, acked_us, box_version, tried_us, trouble`

func scanPart(r db.Row) (p part, err error) {
	var who string
	err = r.Scan(&p.deal, &p.Number, &p.kind, &who, &p.label, &p.sealed, &p.mac, &p.acked, &p.box, &p.tried, &p.trouble)
	if p.kind == byNode {
		p.Member = core.MemberID(who)
	} else {
		p.Person = who
	}
	return p, err
}

func insertPart(ctx context.Context, q db.Querier, p part) error {
	_, err := db.Exec(ctx, q, `INSERT INTO custody_deal_part (`+partColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, '')`,
		string(p.deal), p.Number, p.kind, p.Who(), p.label, p.sealed, p.mac)
	return err
}

// parts lists the shares of a deal by number.
func parts(ctx context.Context, q db.Querier, id share.ID) ([]part, error) {
	return db.All(ctx, q, scanPart, `SELECT `+partColumns+` FROM custody_deal_part WHERE deal = $1 ORDER BY number`, string(id))
}

func getPart(ctx context.Context, q db.Querier, id share.ID, number int64) (part, error) {
	p, err := db.One(ctx, q, scanPart, `SELECT `+partColumns+` FROM custody_deal_part WHERE deal = $1 AND number = $2`, string(id), number)
	if errors.Is(err, db.ErrNoRow) {
		return p, core.NotFound("custody.deal.no_share", err)
	}
	return p, err
}

// acknowledged notes that a holder has its share: ours goes.
func acknowledged(ctx context.Context, q db.Querier, p part, version int64, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_deal_part SET sealed = $1, acked_us = CASE WHEN acked_us = 0 THEN $2 ELSE acked_us END,
		box_version = CASE WHEN box_version < $3 THEN $3 ELSE box_version END, tried_us = $2, trouble = '' WHERE deal = $4 AND number = $5`,
		[]byte{}, int64(at), version, string(p.deal), p.Number)
	return err
}

// newestKept is the newest version of a deal's box that a holder said it keeps; 0 = none did.
func newestKept(ctx context.Context, q db.Querier, id share.ID) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT COALESCE(max(box_version), 0) FROM custody_deal_part WHERE deal = $1`, string(id))
}

// failed notes why a holder could not be told.
func failed(ctx context.Context, q db.Querier, p part, trouble string, at core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_deal_part SET tried_us = $1, trouble = $2 WHERE deal = $3 AND number = $4`,
		int64(at), trouble, string(p.deal), p.Number)
	return err
}

// shown notes that a share for paper is shown; false = it was before, and nobody says again.
func shown(ctx context.Context, q db.Querier, p part, again bool, at core.Moment) (bool, error) {
	n, err := db.Exec(ctx, q, `UPDATE custody_deal_part SET tried_us = $1 WHERE deal = $2 AND number = $3 AND acked_us = 0 AND (tried_us = 0 OR $4)`,
		int64(at), string(p.deal), p.Number, again)
	return n > 0, err
}

// unshown notes that it was not, after all.
func unshown(ctx context.Context, q db.Querier, p part) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_deal_part SET tried_us = $1 WHERE deal = $2 AND number = $3`, int64(p.tried), string(p.deal), p.Number)
	return err
}

// forgetShares removes what was still to be brought of a deal.
func forgetShares(ctx context.Context, q db.Querier, id share.ID) error {
	_, err := db.Exec(ctx, q, `UPDATE custody_deal_part SET sealed = $1 WHERE deal = $2`, []byte{}, string(id))
	return err
}
