package home

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// rereadPage is how many entries of a logbook are read at once.
const rereadPage = 200

// Damaged lists the members, us too, of which what we keep cannot be read.
func (h *Homes) Damaged(ctx context.Context) ([]core.MemberID, error) {
	found, err := all(ctx, h.DB)
	var bad []core.MemberID
	for _, c := range found {
		if c.damage != nil {
			bad = append(bad, c.member)
		}
	}
	return bad, err
}

// Reread mends what we keep of a member from its logbook. Returns CodeNotFound
// "identity.home.not_damaged" for a member that needs none, and "identity.home.none" when the
// logbook holds no card of it: then it is as if it had never said one, until it does.
func (h *Homes) Reread(ctx context.Context, id core.MemberID) error {
	last, found, err := h.lastCard(ctx, id)
	if err != nil {
		return err
	}
	err = h.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := get(ctx, q, id)
		if e, is := errors.AsType[*core.Error](err); !is || e.Key != damaged {
			return errors.Join(err, core.NotFound("identity.home.not_damaged", errors.New("can be read")).With("Member", string(id)))
		}
		if err := drop(ctx, q, id); err != nil || !found {
			return err
		}
		return put(ctx, q, last)
	})
	if err == nil && !found {
		err = core.NotFound("identity.home.none", errors.New("no card in the logbook")).With("Member", string(id))
	}
	return err
}

// lastCard is the last card in a member's logbook that can be read and holds.
func (h *Homes) lastCard(ctx context.Context, id core.MemberID) (last record, found bool, err error) {
	now := core.At(h.Now())
	for from := int64(0); ; {
		entries, err := h.Entries(ctx, id, from, rereadPage)
		if err != nil || len(entries) == 0 {
			return last, found, err
		}
		for _, e := range entries {
			from = e.Index + 1
			if e.Typ != TypeCard || !e.InForce(now) {
				continue
			}
			if c, err := Parse(e, h.Plain); err == nil {
				last, found = record{Card: c, member: id, entry: e.Index, said: e.Iat}, true
			}
		}
	}
}
