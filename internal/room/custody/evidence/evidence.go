package evidence

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/share"
)

// shown is what is shown: what was asked, and of whom.
// spec: docs/spec/custody.md#evidence
type shown struct {
	Ask  seal.Envelope `json:"ask"`
	Deal seal.Envelope `json:"deal"`
}

// Book is what is needed of the logbooks.
type Book interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Known(ctx context.Context) ([]logbook.Member, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Evidence shows and checks. All fields are required.
type Evidence struct {
	DB   *db.DB
	Self core.MemberID
	Book Book
	Peer Peer
	// Deal is the document of a deal that we keep a share of. Returns CodeNotFound.
	Deal func(ctx context.Context, id share.ID) (seal.Envelope, error)
	// Stands says whether a member's logbook says that a deal of its own stands, or stood.
	Stands func(ctx context.Context, owner core.MemberID, id share.ID) (bool, error)
}

// Opened is the id of our newest ask by which the box of a member was opened, and what shows to
// others that its holders let it go. Returns CodeNotFound "custody.evidence.not_opened",
// CodeUnsure "custody.evidence.no_deal".
func (v *Evidence) Opened(ctx context.Context, owner core.MemberID, scope string) (id string, text []byte, err error) {
	all, err := opened(ctx, v.DB)
	if err != nil {
		return "", nil, err
	}
	i := slices.IndexFunc(all, func(s ask.Signed) bool { return s.Owner == owner && s.Scope == scope })
	if i < 0 {
		return "", nil, core.NotFound("custody.evidence.not_opened", errors.New("no ask of ours opened it")).With("Member", string(owner)).With("Scope", scope)
	}
	document, err := v.document(ctx, all[i])
	if err != nil {
		return "", nil, err
	}
	text, err = wire.Encode(shown{all[i].Document, document})
	return all[i].ID, text, err
}

// document is that of the deal of an ask: ours where we keep a share, else one that a holder has
// still.
func (v *Evidence) document(ctx context.Context, s ask.Signed) (seal.Envelope, error) {
	own, err := v.Deal(ctx, s.Deal)
	if err == nil || core.CodeOf(err) != core.CodeNotFound {
		return own, err
	}
	known, err := v.Book.Known(ctx)
	if err != nil {
		return own, err
	}
	for _, m := range known {
		var h collect.Handed
		if m.ID == v.Self || m.ID == s.Owner || m.Suspended != 0 || v.Peer.JSON(ctx, m.ID, http.MethodPost, collect.PathShare, collect.ShareMessage{Ask: s.ID}, &h) != nil || h.Deal == nil {
			continue
		}
		if d, err := deal.Read(*h.Deal); err == nil && d.ID == s.Deal {
			return *h.Deal, nil
		}
	}
	return own, core.Unsure("custody.evidence.no_deal", errors.New("nobody answers with it")).With("Member", string(s.Owner))
}

// Released checks what asker shows: that it asked for the box of a silent owner, and that as many
// members that hold its shares as are needed say in their logbooks that they let them go. It
// returns the ask's id and time. Returns CodeDenied "custody.evidence.bad" for what does not hold,
// CodeUnsure "custody.evidence.few" with Found and Needed while the logbooks here do not say it.
func (v *Evidence) Released(ctx context.Context, asker, owner core.MemberID, scope string, text []byte) (id string, made core.Moment, err error) {
	s, d, err := read(text)
	switch {
	case err != nil:
	case s.Asker != asker || s.Role != ask.AsMember || s.Owner != owner || s.Scope != scope || s.Reason != ask.SilentOwner:
		err = fmt.Errorf("an ask of %s as %s for %s of %s, %s", s.Asker, s.Role, s.Scope, s.Owner, s.Reason)
	case s.Deal != d.ID || d.Owner != owner || string(d.Scope) != scope || s.Made < d.Made || s.Made > d.Until:
		err = errors.New("another deal")
	}
	bad := func(err error) error { return core.Denied("custody.evidence.bad", err).With("Member", string(asker)) }
	if err != nil {
		return "", 0, bad(err)
	}
	// The logbook names a deal by its id alone: one that an old key signed may be somebody else's.
	keys, err := v.Book.Keys(ctx, owner)
	if err != nil {
		return "", 0, err
	}
	if _, _, err := d.Document.Verify(deal.Type, map[core.MemberID][]ed25519.PublicKey{owner: keys}); err != nil {
		return "", 0, bad(err)
	}
	stands, err := v.Stands(ctx, owner, d.ID)
	if err != nil {
		return "", 0, err
	}
	found, err := v.found(ctx, s.ID, d.Deal)
	if err == nil && (!stands || found < int(d.K)) {
		err = core.Unsure("custody.evidence.few", fmt.Errorf("in the logbook: %v, %d of %d released", stands, found, d.K)).
			With("Member", string(owner)).With("Found", found).With("Needed", d.K)
	}
	return s.ID, s.Made, err
}

// read reads both documents, of which nobody knows who signed them.
func read(text []byte) (s ask.Signed, d deal.Signed, err error) {
	var e shown
	if err := wire.Decode(text, &e); err != nil {
		return s, d, err
	}
	if s, err = ask.Read(e.Ask); err != nil {
		return s, d, err
	}
	d, err = deal.Read(e.Deal)
	return s, d, err
}

// found is how many of the deal's holders let their share go.
func (v *Evidence) found(ctx context.Context, id string, d deal.Deal) (n int, err error) {
	all, err := released(ctx, v.DB, id)
	for _, m := range all {
		if _, holds := d.Of(m); holds {
			n++
		}
	}
	return n, err
}
