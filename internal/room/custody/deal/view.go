package deal

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// HolderView is one share of a deal of ours as commands and pages show it.
type HolderView struct {
	Number  int64         `json:"number"`
	Member  core.MemberID `json:"member,omitempty"`
	Person  string        `json:"person,omitempty"` // opaque
	Label   string        `json:"label,omitempty"`  // what somebody called the person or the sheet
	Way     string        `json:"way"`              // node, page, paper
	Acked   core.Moment   `json:"acknowledged_us"`  // 0 = not yet
	Box     int64         `json:"box_version"`      // of the box the holder keeps; 0 = none
	Trouble string        `json:"trouble,omitempty"`
}

// Paper says that the share is in the clear until it is printed and acknowledged.
func (h HolderView) Paper() bool { return h.Way == byPaper }

// Name is what people call the holder.
func (h HolderView) Name() string {
	if h.Member != "" {
		return string(h.Member)
	}
	return h.Label
}

// View is a deal of ours as commands and pages show it.
type View struct {
	ID        share.ID     `json:"id"`
	Scope     box.Scope    `json:"scope"`
	State     State        `json:"state"`
	K         int64        `json:"k"`
	N         int64        `json:"n"`
	Acked     int64        `json:"acknowledged"`
	WaitHours int64        `json:"wait_h"`
	Made      core.Moment  `json:"made_us"`
	Stood     core.Moment  `json:"stood_us"`
	Ended     core.Moment  `json:"ended_us"`
	Until     core.Moment  `json:"until_us"`
	Box       int64        `json:"box_version"`
	Sealed    core.Moment  `json:"sealed_us"`
	Holders   []HolderView `json:"holders"`
}

// MayForce says that a pending deal may stand without all of its holders, if somebody says so.
func (v View) MayForce() bool { return v.State == Pending && v.Acked < v.N && v.Acked > v.K }

// View shows a deal of ours. Returns CodeNotFound.
func (d *Deals) View(ctx context.Context, id share.ID) (View, error) {
	r, err := get(ctx, d.n.DB, id)
	if err != nil {
		return View{}, err
	}
	return d.view(ctx, r)
}

// Views shows all of them, the newest first.
func (d *Deals) Views(ctx context.Context) ([]View, error) {
	list, err := all(ctx, d.n.DB)
	out := make([]View, 0, len(list))
	for _, r := range list {
		v, err := d.view(ctx, r)
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, err
}

func (d *Deals) view(ctx context.Context, r row) (View, error) {
	v := View{
		ID: r.ID, Scope: r.Scope, State: r.state, K: r.K, N: r.N, WaitHours: r.WaitHours, Made: r.Made, Stood: r.stood, Ended: r.ended, Until: r.Until,
		Holders: []HolderView{},
	}
	list, err := parts(ctx, d.n.DB, r.ID)
	if err != nil {
		return v, err
	}
	for _, p := range list {
		if p.acked != 0 {
			v.Acked++
		}
		v.Holders = append(v.Holders, HolderView{p.Number, p.Member, p.Person, p.label, p.kind, p.acked, p.box, p.trouble})
	}
	kept, err := box.Get(ctx, d.n.DB, r.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return v, nil
	}
	v.Box, v.Sealed = kept.Version, kept.Made
	return v, err
}

// FindOwn finds a deal of ours by its id, its beginning of six signs or more, or a scope: then
// the pending one, or else the one that stands. Returns CodeNotFound, CodeInvalid.
func (d *Deals) FindOwn(ctx context.Context, typed string) (Own, error) {
	if scope := box.Scope(typed); scope.Valid() {
		for _, state := range []State{Pending, Standing} {
			r, err := inState(ctx, d.n.DB, scope, state)
			if core.CodeOf(err) != core.CodeNotFound {
				return r.own(), err
			}
		}
		return Own{}, core.NotFound("custody.deal.no_deal", errors.New("neither pending nor standing")).With("Scope", typed)
	}
	list, err := all(ctx, d.n.DB)
	if err != nil {
		return Own{}, err
	}
	for _, r := range list {
		if len(typed) >= 6 && len(typed) <= len(r.ID) && string(r.ID[:len(typed)]) == typed {
			return r.own(), nil
		}
	}
	return Own{}, unknown()
}

// Stand has a pending deal count although not all of its holders have acknowledged. Returns
// CodeConflict "custody.deal.too_few_acked" unless one more than needed have.
func (d *Deals) Stand(ctx context.Context, id share.ID) error {
	v, err := d.View(ctx, id)
	if err != nil {
		return err
	}
	if v.State != Pending {
		return core.Conflict("custody.deal.not_pending", errors.New(string(v.State)))
	}
	if v.Acked <= v.K {
		return core.Conflict("custody.deal.too_few_acked", errors.New("too few")).With("Acked", v.Acked).With("Needed", v.K+1)
	}
	if err := force(ctx, d.n.DB, id); err != nil {
		return err
	}
	return courier{d}.settle(ctx, id)
}

// Cancel gives a pending deal up: the one before it goes on. Returns CodeConflict for one that
// is not pending.
func (d *Deals) Cancel(ctx context.Context, id share.ID) error {
	r, err := get(ctx, d.n.DB, id)
	if err != nil {
		return err
	}
	said, err := courier{d}.said(ctx, r)
	if err != nil {
		return err
	}
	if r.state != Pending || said {
		return core.Conflict("custody.deal.not_pending", errors.New(string(r.state)))
	}
	return d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := cancel(ctx, q, id, d.n.now())
		if err == nil && !was {
			err = core.Conflict("custody.deal.not_pending", errors.New("it stands now"))
		}
		return err
	})
}
