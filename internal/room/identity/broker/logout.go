package broker

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
)

const (
	logoutType  = "logout+jwt"
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	maxBody     = 16 << 10 // bytes
)

// farewell hears of people who signed out at home.
type farewell struct{ *Broker }

// logout takes a home's word that somebody has signed out there: their sessions here end,
// and the services they were signed in at are told. OpenID Connect Back-Channel Logout 1.0
// section 2.5.
func (b farewell) logout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := errToken
	if r.ParseForm() == nil {
		err = b.signedOut(r.Context(), r.PostForm.Get("logout_token"))
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errToken):
		http.Error(w, "invalid_request", http.StatusBadRequest)
	default:
		b.n.Log.Error("sign-out at home failed", "error", err)
		http.Error(w, "try again", core.CodeOf(err).HTTPStatus())
	}
}

var errToken = errors.New("not a logout token")

// signedOut ends the sessions that a logout token means.
func (b farewell) signedOut(ctx context.Context, raw string) error {
	from, c, err := b.sender(ctx, raw)
	if err != nil {
		return err
	}
	now := b.now()
	_, event := c.Events[logoutEvent]
	switch {
	case !event || c.Nonce != "" || c.Sub == "" && c.SID == "" || len(c.Sub) > 200 || len(c.SID) > 200:
		return errToken
	case !c.Audience.only(b.n.Self), c.ID == "" || len(c.ID) > 200:
		return errToken
	case seconds(c.Issued) > now.Add(leeway) || seconds(c.Issued) < now.Add(-seenLife+leeway):
		return errToken
	case c.Expiry != 0 && seconds(c.Expiry) <= now.Add(-leeway):
		return errToken
	}
	list, err := pairsOf(ctx, b.n.DB, from.Member, c.Sub, c.SID)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := b.n.Sessions.End(ctx, p.person, p.session); err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		if err := deletePair(ctx, b.n.DB, p.session); err != nil {
			return err
		}
	}
	// Noted last: one that failed half-way may come again.
	if taken, err := takeSeen(ctx, b.n.DB, seal.TokenHash(string(from.Member)+"\n"+c.ID), now.Add(2*seenLife)); err != nil {
		return err
	} else if !taken {
		return errToken
	}
	return nil
}

// sender is the member whose key signed a token: of those that name the issuer as theirs,
// the one whose card has the key.
func (b farewell) sender(ctx context.Context, raw string) (home.Home, claims, error) {
	parts := strings.Split(raw, ".")
	if len(raw) > maxBody || len(parts) != 3 {
		return home.Home{}, claims{}, errToken
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	var said claims
	if err != nil || wire.Peek(text, &said) != nil {
		return home.Home{}, claims{}, errToken
	}
	homes, err := b.n.Homes.At(ctx, said.Issuer)
	if err != nil {
		return home.Home{}, claims{}, err
	}
	for _, h := range homes {
		if c, err := open(raw, logoutType, h); err == nil {
			return h, c, nil
		}
	}
	return home.Home{}, claims{}, errToken
}
