package deal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// maxHeld is how many deals we keep shares of for one member.
const maxHeld = 64

// maxKept is that with those which ended and are kept for a month.
const maxKept = 4 * maxHeld

// endpoints answer members.
type endpoints struct{ *Keeper }

// PeerRoutes are the endpoints for members.
func (k *Keeper) PeerRoutes() []peer.Route {
	return []peer.Route{
		{Pattern: "POST " + pathDeal, Digest: true, MaxBody: maxBody, Handle: endpoints{k}.serveDeal},
		{Pattern: "POST " + pathBox, Digest: true, MaxBody: maxBody, Handle: endpoints{k}.serveBox},
	}
}

func (e endpoints) serveDeal(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in delivery
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	h, kept, err := e.receive(r.Context(), from, in)
	if err != nil {
		return err
	}
	return e.acknowledge(w, h, kept)
}

func (e endpoints) serveBox(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in refresh
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	h, kept, err := e.renew(r.Context(), from, in)
	if err != nil {
		return err
	}
	return e.acknowledge(w, h, kept)
}

func (e endpoints) acknowledge(w http.ResponseWriter, h Held, kept box.Kept) error {
	env, err := ack{Deal: h.ID, Number: h.Number, Box: kept.Version, At: e.n.now()}.sign(e.n.Signer)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, receipt{env})
}

// receive checks a share that a member entrusts to us and keeps it. The same delivery again is
// acknowledged again.
func (e endpoints) receive(ctx context.Context, from core.MemberID, in delivery) (h Held, kept box.Kept, err error) {
	may, err := e.n.Trust.May(ctx, from, e.n.Kind)
	if err != nil {
		return h, kept, err
	}
	if may.ReadOnly {
		return h, kept, core.Denied("custody.deal.pact_ends", errors.New("read only"))
	}
	if err := e.n.signedBy(ctx, in.Deal, Type, from); err != nil {
		return h, kept, err
	}
	if h.Signed, err = Read(in.Deal); err != nil {
		return h, kept, err
	}
	if err := e.mine(&h, from); err != nil {
		return h, kept, err
	}
	if h.sealed, err = e.checkShare(h, in.Share); err != nil {
		return h, kept, err
	}
	if h.contacts, err = readContacts(in.Contacts); err != nil {
		return h, kept, err
	}
	update, err := e.n.readBox(ctx, in.Box, from)
	if err == nil && update.Deal != h.ID {
		err = bad(errors.New("a box of another deal"))
	}
	if err != nil {
		return h, kept, err
	}
	return e.keep(ctx, h, update)
}

// mine says which share of a deal is ours.
func (e endpoints) mine(h *Held, from core.MemberID) error {
	me, is := h.Of(e.n.self())
	switch {
	case h.Owner != from:
		return core.Denied("custody.deal.other_signer", errors.New("a deal of somebody else"))
	case !is:
		return bad(errors.New("we are no holder of it"))
	case e.n.now() >= h.Until:
		return core.Denied("custody.deal.over", errors.New("too old"))
	}
	h.Number, h.Received = me.Number, e.n.now()
	return e.n.checkWait(h.Scope, h.Wait())
}

// checkShare opens a share, as nobody keeps one that does not hold.
func (e endpoints) checkShare(h Held, encoded string) ([]byte, error) {
	sealed, err := wire.Base64(encoded)
	if err != nil || len(sealed) == 0 || len(sealed) > maxShare {
		return nil, bad(errors.New("no sealed share"))
	}
	h.sealed = sealed
	_, err = e.open(h)
	return sealed, err
}

// keep writes a checked share and its box down, unless they are here.
func (e endpoints) keep(ctx context.Context, h Held, update box.Signed) (was Held, kept box.Kept, err error) {
	err = e.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err = getHeld(ctx, q, h.ID)
		switch {
		case core.CodeOf(err) == core.CodeNotFound:
			if err := begin(ctx, q, h); err != nil {
				return err
			}
			was = h
		case err != nil:
			return err
		case was.Document.Payload != h.Document.Payload:
			return core.Conflict("custody.deal.other_document", errors.New("another deal under this id"))
		case was.Ended != 0:
			return core.Conflict("custody.deal.ended", errors.New("it ended"))
		}
		if _, err := box.Put(ctx, q, box.Kept{Signed: update}); err != nil {
			return err
		}
		kept, err = box.Get(ctx, q, h.ID)
		return err
	})
	return was, kept, err
}

// begin keeps the share of a deal that is not here yet, within bounds. Its owner's logbook may
// have said before that it stands: then what it takes the place of ends now.
func begin(ctx context.Context, q db.Querier, h Held) error {
	_, err := get(ctx, q, h.ID)
	if err == nil {
		return core.Conflict("custody.deal.other_document", errors.New("the id of a deal of ours"))
	}
	if core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	live, all, err := countHeld(ctx, q, h.Owner)
	if err != nil {
		return err
	}
	if live >= maxHeld || all >= maxKept {
		return core.Full("custody.deal.too_many_held", fmt.Errorf("%d deals, %d of them over", all, all-live)).With("Max", maxHeld)
	}
	if err := insertHeld(ctx, q, h); err != nil {
		return err
	}
	entry, at, err := standsBy(ctx, q, h.Owner, h.ID)
	if err != nil || at == 0 {
		return err
	}
	return supersede(ctx, q, h, entry, at)
}

// renew takes a newer box of a deal that we keep a share of. An older one changes nothing: what
// is kept is acknowledged.
func (e endpoints) renew(ctx context.Context, from core.MemberID, in refresh) (h Held, kept box.Kept, err error) {
	update, err := e.n.readBox(ctx, in.Box, from)
	if err != nil {
		return h, kept, err
	}
	contacts, err := readContacts(in.Contacts)
	if err != nil {
		return h, kept, err
	}
	err = e.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if h, err = getHeld(ctx, q, update.Deal); err != nil {
			return err
		}
		if h.Owner != from {
			return core.NotFound("custody.deal.not_held", errors.New("of somebody else"))
		}
		if h.Ended != 0 {
			return core.Conflict("custody.deal.ended", errors.New("it ended"))
		}
		fresh, err := box.Put(ctx, q, box.Kept{Signed: update})
		if err == nil && fresh && len(contacts) > 0 {
			err = setContacts(ctx, q, h.ID, contacts)
		}
		if err == nil {
			kept, err = box.Get(ctx, q, h.ID)
		}
		return err
	})
	return h, kept, err
}

func readContacts(encoded string) ([]byte, error) {
	if encoded == "" {
		return []byte{}, nil
	}
	contacts, err := wire.Base64(encoded)
	if err != nil || len(contacts) > maxContacts {
		return nil, bad(errors.New("no contact sheet, or a too large one"))
	}
	return contacts, nil
}

func damaged() error {
	return core.Invalid("custody.deal.held_damaged", errors.New("its document cannot be read"))
}

// open opens the share that we keep of a deal, and checks it. Returns CodeInvalid.
func (k *Keeper) open(h Held) (s share.Share, err error) {
	if h.Damaged {
		return s, damaged()
	}
	text, err := decrypt(k.n.Recipients.Key.Identity(), h.sealed, maxShare)
	if err != nil {
		return s, core.Invalid("custody.deal.share_closed", err)
	}
	if s, err = share.Parse(string(text)); err != nil {
		return s, err
	}
	if !s.Of(h.ID) || int64(s.Number) != h.Number {
		return s, core.Invalid("custody.deal.other_share", errors.New("a share of another deal or holder"))
	}
	return s, h.Commitments.Verify(s)
}

func decrypt(with age.Identity, sealed []byte, most int64) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		return nil, fmt.Errorf("open what is sealed to us: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return nil, fmt.Errorf("open what is sealed to us: %w", err)
	}
	return plain, nil
}
