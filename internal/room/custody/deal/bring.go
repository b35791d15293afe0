package deal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// maxAhead is by how many versions a holder's box may be newer than ours: this disk may have been
// set back.
const maxAhead = 1000

// patience bounds what one holder's node may take to answer.
const patience = 20 * time.Second

// Run brings what is still to be brought, of every deal.
func (d *Deals) Run(ctx context.Context) error {
	list, err := live(ctx, d.n.DB)
	if err != nil {
		return err
	}
	var trouble error
	for _, own := range list {
		trouble = errors.Join(trouble, d.Bring(ctx, own.ID))
	}
	return trouble
}

// Bring tells the holders of a deal what they do not have yet, all of them side by side, and has
// the deal stand when that is due. A holder that does not answer is no error: it is asked again
// later.
func (d *Deals) Bring(ctx context.Context, id share.ID) error {
	own, err := get(ctx, d.n.DB, id)
	if err != nil || own.state != Pending && own.state != Standing {
		return err
	}
	kept, err := box.Get(ctx, d.n.DB, id)
	if err != nil {
		return err
	}
	list, err := parts(ctx, d.n.DB, id)
	if err != nil {
		return err
	}
	answers, asked := make(chan error, len(list)), 0
	for _, p := range list {
		if p.kind != byNode || p.acked != 0 && p.box >= kept.Version {
			continue
		}
		asked++
		go func() { answers <- courier{d}.tell(ctx, own, p, kept) }()
	}
	for range asked {
		err = errors.Join(err, <-answers)
	}
	if err != nil {
		return err
	}
	return courier{d}.settle(ctx, id)
}

// courier brings shares and boxes to members' nodes.
type courier struct{ *Deals }

// tell brings one holder's node what it lacks. It returns only errors of our own.
func (d courier) tell(ctx context.Context, own row, p part, kept box.Kept) error {
	got, err := d.deliver(ctx, own, p, kept)
	if err == nil {
		return acknowledged(ctx, d.n.DB, p, got.Box, d.n.now())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.n.Log.LogAttrs(ctx, slog.LevelInfo, "a share is brought later", slog.String("peer", string(p.Member)), slog.Any("err", err))
	return failed(ctx, d.n.DB, p, troubleOf(err), d.n.now())
}

// troubleOf is the words key of why a holder could not be told.
func troubleOf(err error) string {
	switch core.CodeOf(err) { //nolint:exhaustive // all others are a refusal
	case core.CodeUnsure:
		return "custody.deal.trouble_away"
	case core.CodeFull:
		return "custody.deal.trouble_full"
	}
	return "custody.deal.trouble_refused"
}

func (d courier) deliver(ctx context.Context, own row, p part, kept box.Kept) (ack, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	contacts, err := d.contactsFor(ctx, p.Member)
	if err != nil {
		return ack{}, err
	}
	var r receipt
	if p.acked != 0 {
		err = d.n.Peer.JSON(ctx, p.Member, http.MethodPost, pathBox, refresh{kept.Document, contacts}, &r)
	} else {
		err = d.n.Peer.JSON(ctx, p.Member, http.MethodPost, pathDeal,
			delivery{own.Document, base64.StdEncoding.EncodeToString(p.sealed), kept.Document, contacts}, &r)
	}
	if err != nil {
		return ack{}, err
	}
	got, err := d.n.readAck(ctx, r.Ack, own.ID, p.Holder)
	if err == nil && got.Box > kept.Version+maxAhead {
		err = core.Denied("custody.deal.bad_ack", fmt.Errorf("box %d, ours is %d", got.Box, kept.Version))
	}
	return got, err
}

// contactsFor is whom to call back, sealed for a holder; empty while nobody wrote it.
func (d courier) contactsFor(ctx context.Context, to core.MemberID) (string, error) {
	plain, err := d.n.People.Contacts(ctx)
	if err != nil || len(plain) == 0 {
		return "", err
	}
	recipient, err := d.n.Recipients.Of(ctx, to)
	if err != nil {
		return "", err
	}
	sealed, err := encrypt(recipient, plain)
	if err != nil || len(sealed) > maxContacts {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// settle has a deal stand when it may: first our logbook says so, then the deal before it ends.
func (d courier) settle(ctx context.Context, id share.ID) error {
	own, err := get(ctx, d.n.DB, id)
	if err != nil || own.state != Pending {
		return err
	}
	list, err := parts(ctx, d.n.DB, id)
	if err != nil {
		return err
	}
	var acked int64
	for _, p := range list {
		if p.acked != 0 {
			acked++
		}
	}
	if !mayStand(own.K, own.N, acked, own.forced) {
		return nil
	}
	said, err := d.said(ctx, own)
	if err != nil {
		return err
	}
	if !said {
		if _, err := d.n.Book.Append(ctx, TypeEntry, nil, 0, entryBody{own.ID, own.K, own.N, own.WaitHours}); err != nil {
			return err
		}
	}
	return d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return stand(ctx, q, own.Deal, d.n.now())
	})
}
