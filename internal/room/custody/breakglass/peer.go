package breakglass

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
)

// endpoints answer members, and who lost everything.
type endpoints struct{ *base }

// PeerRoutes are the endpoints.
func (a *base) PeerRoutes() []peer.Route {
	e := endpoints{a}
	return []peer.Route{
		{Pattern: "POST " + collect.PathAsk, Public: true, MaxBody: 2 * ask.MaxDocument, Handle: e.serveAsk},
		{Pattern: "POST " + collect.PathWord, Public: true, MaxBody: 2 * maxSignature, Handle: e.serveWord},
		{Pattern: "POST " + collect.PathShare, Public: true, MaxBody: 1 << 10, Handle: e.serveShare},
		{Pattern: "POST " + collect.PathHeld, Public: true, MaxBody: 1 << 10, Handle: e.serveHeld},
	}
}

func (e endpoints) serveAsk(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var m collect.AskMessage
	if err := peer.ReadJSON(r, &m); err != nil {
		return err
	}
	st, err := e.Take(r.Context(), m.Ask)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, st)
}

func (e endpoints) serveWord(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var m wordMessage
	if err := peer.ReadJSON(r, &m); err != nil {
		return err
	}
	if err := objections(e).Hear(r.Context(), m); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (e endpoints) serveShare(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var m collect.ShareMessage
	if err := peer.ReadJSON(r, &m); err != nil {
		return err
	}
	if !ask.ValidID(m.Ask) {
		return ask.Bad(nil)
	}
	h, err := e.Hand(r.Context(), m.Ask)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, h)
}

func (e endpoints) serveHeld(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var m collect.HeldMessage
	if err := peer.ReadJSON(r, &m); err != nil {
		return err
	}
	if !m.Owner.Valid() {
		return ask.Bad(nil)
	}
	all, err := e.n.Boxes.HeldOf(r.Context(), m.Owner)
	if err != nil {
		return err
	}
	out := collect.HeldAnswer{Deals: []collect.HeldDeal{}}
	for _, d := range all[:min(len(all), 64)] {
		out.Deals = append(out.Deals, collect.HeldOf(d))
	}
	return peer.WriteJSON(w, out)
}
