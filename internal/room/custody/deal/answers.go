package deal

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// Own is a deal of ours, as other folders see it.
type Own struct {
	Signed
	State State
	Stood core.Moment // 0 = not yet
	Ended core.Moment // 0 = it goes on
}

func (r row) own() Own { return Own{r.Signed, r.state, r.stood, r.ended} }

// Standing is the deal of a scope of ours that counts. Returns CodeNotFound
// "custody.deal.no_deal".
func (d *Deals) Standing(ctx context.Context, scope box.Scope) (Own, error) {
	r, err := inState(ctx, d.n.DB, scope, Standing)
	return r.own(), err
}

// Deal is a deal of ours in any state. Returns CodeNotFound "custody.deal.unknown".
func (d *Deals) Deal(ctx context.Context, id share.ID) (Own, error) {
	r, err := get(ctx, d.n.DB, id)
	return r.own(), err
}

// Said says whether our logbook says that a deal stands, or stood: also of one from before a
// recovery, of which nothing else is left here.
func (d *Deals) Said(ctx context.Context, id share.ID) (bool, error) {
	_, at, err := standsBy(ctx, d.n.DB, d.n.self(), id)
	return at != 0, err
}

// SaidBy says whether a member's logbook says that a deal of its own stands, or stood.
func (d *Deals) SaidBy(ctx context.Context, owner core.MemberID, id share.ID) (bool, error) {
	_, at, err := standsBy(ctx, d.n.DB, owner, id)
	return at != 0, err
}

// All lists our deals, the newest first.
func (d *Deals) All(ctx context.Context) ([]Own, error) {
	list, err := all(ctx, d.n.DB)
	out := make([]Own, 0, len(list))
	for _, r := range list {
		out = append(out, r.own())
	}
	return out, err
}

// Box is the newest box of a deal, ours or one that we keep for its owner. Returns CodeNotFound
// "custody.box.none".
func (d *Deals) Box(ctx context.Context, id share.ID) (box.Kept, error) {
	return box.Get(ctx, d.n.DB, id)
}

// Burn ends a deal whose box was opened, ours or one that we keep a share of, in the
// transaction of whoever noticed. It says whether it went on until now.
func (d *Deals) Burn(ctx context.Context, q db.Querier, id share.ID, at core.Moment) (bool, error) {
	ours, err := end(ctx, q, id, Burnt, at)
	if err != nil {
		return false, err
	}
	theirs, err := endHeld(ctx, q, id, Burnt, at)
	return ours || theirs, err
}
