package deal

import (
	"context"
	"crypto/hmac"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/share"
)

// Fetched is what a person gets of a deal: a share to print, or one that only the person opens.
// It prints without the share.
type Fetched struct {
	Deal   Deal
	Number int64
	Share  share.Share // zero for one that is encrypted to a person
	Sealed []byte      // age file to the person; empty for one to print
}

// Text is the share, or the age file to the person, as text.
func (f Fetched) Text() (string, error) {
	if len(f.Sealed) > 0 {
		return armoured(f.Sealed)
	}
	return f.Share.Text(), nil
}

// Fetch gives the share that only a person opens, to anybody, again and again until it was
// acknowledged. Returns CodeNotFound "custody.deal.no_share", CodeConflict
// "custody.deal.acknowledged" once the holder said that it is there, CodeDenied
// "custody.deal.by_print" for one on paper, which is in the clear.
func (d *Deals) Fetch(ctx context.Context, id share.ID, number int64) (f Fetched, err error) {
	r, p, err := d.personPart(ctx, id, number)
	if err == nil && p.kind == byPaper {
		err = core.Denied("custody.deal.by_print", errors.New("for paper")).With("ID", string(id[:8])).With("Number", number)
	}
	return Fetched{Deal: r.Deal, Number: number, Sealed: p.sealed}, err
}

// Print gives a share to show, to whoever made the deal. One for paper is in the clear: it is given
// once, and then only to who says again; one that could not be shown was not given. Returns what
// Fetch does, CodeConflict "custody.deal.shown" with When.
func (d *Deals) Print(ctx context.Context, id share.ID, number int64, again bool, show func(Fetched) error) error {
	r, p, err := d.personPart(ctx, id, number)
	if err != nil {
		return err
	}
	f := Fetched{Deal: r.Deal, Number: number}
	if p.kind == byPage {
		f.Sealed = p.sealed
		return show(f)
	}
	text, err := d.n.Box.Open(sealLabel+string(id), p.sealed)
	if err == nil {
		f.Share, err = share.Parse(string(text))
	}
	if err != nil {
		return err
	}
	first, err := shown(ctx, d.n.DB, p, again, d.n.now())
	if err != nil {
		return err
	}
	if !first {
		return core.Conflict("custody.deal.shown", errors.New("shown before")).With("When", p.tried).With("ID", string(id[:8])).With("Number", number)
	}
	if err := show(f); err != nil {
		return errors.Join(err, unshown(ctx, d.n.DB, p))
	}
	return nil
}

// personPart is a share that is still to be handed to a person.
func (d *Deals) personPart(ctx context.Context, id share.ID, number int64) (r row, p part, err error) {
	if r, err = get(ctx, d.n.DB, id); err != nil {
		return r, p, err
	}
	if p, err = getPart(ctx, d.n.DB, id, number); err != nil {
		return r, p, err
	}
	switch {
	case p.kind == byNode:
		return r, p, core.NotFound("custody.deal.no_share", errors.New("a member keeps it"))
	case p.acked != 0 || len(p.sealed) == 0:
		return r, p, core.Conflict("custody.deal.acknowledged", errors.New("it is not here any more"))
	}
	return r, p, nil
}

// Acknowledge notes that a person has a share: who types its last six signs holds it. Then
// nothing of it is left here. Returns CodeInvalid "custody.deal.wrong_six", and what Fetch does.
func (d *Deals) Acknowledge(ctx context.Context, id share.ID, number int64, six string) error {
	_, p, err := d.personPart(ctx, id, number)
	if err != nil {
		return err
	}
	if !hmac.Equal(p.mac, d.mac(id, lastSix(six))) {
		return core.Invalid("custody.deal.wrong_six", errors.New("other signs"))
	}
	err = d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return acknowledged(ctx, q, p, 0, d.n.now()) })
	if err != nil {
		return err
	}
	return courier{d}.settle(ctx, id)
}
