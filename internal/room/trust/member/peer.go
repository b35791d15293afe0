package member

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// pathHello is where a node introduces itself.
//
// spec: docs/spec/trust.md#endpoints
const pathHello = "/ec/v1/trust/hello"

// endpoints answer other members.
type endpoints struct{ *Service }

// Routes are open to nodes that have no grant: a hello brings its own proof.
func (s *Service) Routes() []peer.Route {
	e := endpoints{s}
	return []peer.Route{{Pattern: "POST " + pathHello, Public: true, Digest: true, MaxBody: maxHello, Handle: e.serveHello}}
}

func (e endpoints) serveHello(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	var g Greeting
	if err := peer.ReadJSON(r, &g); err != nil {
		return err
	}
	standing, err := e.Greet(r.Context(), g)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, welcome{standing})
}
