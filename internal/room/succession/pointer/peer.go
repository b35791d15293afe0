package pointer

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// path is where an owner gives a pointer.
//
// spec: docs/spec/succession.md#pointer
const path = "/ec/v1/succession/pointer"

// letter is a pointer on its way.
type letter struct {
	Backup  string `json:"backup"`
	Pointer []byte `json:"pointer"` // an age file to the adopter's recipient
}

// Routes are the endpoints for members.
func (s *Service) Routes() []peer.Route {
	return []peer.Route{{Pattern: "POST " + path, Digest: true, MaxBody: 2 * maxLetter, Handle: func(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
		var in letter
		if err := peer.ReadJSON(r, &in); err != nil {
			return err
		}
		if err := s.take(r.Context(), from, in); err != nil {
			return err
		}
		return peer.WriteJSON(w, struct{}{})
	}}}
}
