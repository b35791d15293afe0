package pact

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// PathPacts is where members reach pacts.
//
// spec: docs/spec/trust.md#endpoints
const PathPacts = "/ec/v1/trust/pacts"

// endpoints answer other members.
type endpoints struct{ *Service }

// Routes is what the other party of a pact may ask.
func (s *Service) Routes() []peer.Route {
	e := endpoints{s}
	return []peer.Route{
		{Pattern: "POST " + PathPacts, Digest: true, MaxBody: maxOffer, Handle: e.serveOffer},
		{Pattern: "GET " + PathPacts + "/{id}", Handle: e.serveFetch},
		{Pattern: "POST " + PathPacts + "/{id}/close", Digest: true, MaxBody: 1 << 10, Handle: e.serveClose},
	}
}

func (e endpoints) serveOffer(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var o Offer
	if err := peer.ReadJSON(r, &o); err != nil {
		return err
	}
	offer, err := e.Receive(r.Context(), from, o)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, offer)
}

func (e endpoints) serveFetch(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	offer, err := e.Fetch(r.Context(), from, r.PathValue("id"))
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, offer)
}

func (e endpoints) serveClose(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	if err := e.ReceiveClose(r.Context(), from, r.PathValue("id")); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}
