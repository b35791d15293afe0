package collective

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// pathCharters is where members reach charters.
//
// spec: docs/spec/trust.md#endpoints
const pathCharters = "/ec/v1/trust/charters"

// endpoints answer other members.
type endpoints struct{ *Service }

// Routes are open to nodes that have no grant: anybody may read a charter.
func (s *Service) Routes() []peer.Route {
	e := endpoints{s}
	return []peer.Route{{Pattern: "GET " + pathCharters + "/{id}", Public: true, Handle: e.serveCharter}}
}

func (e endpoints) serveCharter(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	doc, err := e.CharterDoc(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, doc)
}
