package trust

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// pathHello is where a node introduces itself.
//
// spec: docs/spec/trust.md#endpoints
const pathHello = "/ec/v1/trust/hello"

// pathPacts is where members reach pacts.
//
// spec: docs/spec/trust.md#endpoints
const pathPacts = "/ec/v1/trust/pacts"

// pathCharters is where members reach charters.
//
// spec: docs/spec/trust.md#endpoints
const pathCharters = "/ec/v1/trust/charters"

// memberRoutes are open to nodes that have no grant: a hello brings its own proof.
func (s *Service) memberRoutes() []peer.Route {
	return []peer.Route{{Pattern: "POST " + pathHello, Public: true, Digest: true, MaxBody: maxHello, Handle: s.serveHello}}
}

// pactRoutes is what the other party of a pact may ask.
func (s *Service) pactRoutes() []peer.Route {
	return []peer.Route{
		{Pattern: "POST " + pathPacts, Digest: true, MaxBody: maxOffer, Handle: s.serveOffer},
		{Pattern: "GET " + pathPacts + "/{id}", Handle: s.serveFetch},
		{Pattern: "POST " + pathPacts + "/{id}/close", Digest: true, MaxBody: 1 << 10, Handle: s.serveClose},
	}
}

// collectiveRoutes are open to nodes that have no grant: anybody may read a charter.
func (s *Service) collectiveRoutes() []peer.Route {
	return []peer.Route{{Pattern: "GET " + pathCharters + "/{id}", Public: true, Handle: s.serveCharter}}
}

func (s *Service) serveHello(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var g Greeting
	if err := peer.ReadJSON(r, &g); err != nil {
		return err
	}
	standing, err := s.Greet(r.Context(), g)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, welcome{standing})
}

func (s *Service) serveOffer(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var o Offer
	if err := peer.ReadJSON(r, &o); err != nil {
		return err
	}
	held, err := s.Receive(r.Context(), from, o)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, held)
}

func (s *Service) serveFetch(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	held, err := s.Fetch(r.Context(), from, r.PathValue("id"))
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, held)
}

func (s *Service) serveClose(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	if err := s.ReceiveClose(r.Context(), from, r.PathValue("id")); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

func (s *Service) serveCharter(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	doc, err := s.CharterDoc(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, doc)
}
