package archive

import (
	"context"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/motion"
)

// Routes are the endpoints: documents, for anybody.
// spec: docs/spec/decision.md#words
func (a *Archive) Routes() []peer.Route {
	return []peer.Route{{Pattern: "GET " + PathDocuments + "{id}", Public: true, Handle: a.serve}}
}

func (a *Archive) serve(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	id := r.PathValue("id")
	if !motion.ValidID(id) {
		return core.NotFound("assembly.decision.no_document", nil)
	}
	env, gone, err := a.Document(r.Context(), id)
	if err != nil {
		return err
	}
	if gone {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusGone)
		_, err := w.Write([]byte(`{"code":"gone"}` + "\n"))
		return err
	}
	return peer.WriteJSON(w, env)
}

// Document answers a signed document to anybody. Returns CodeNotFound, also for one whose author
// took the text back; gone says which.
func (a *Archive) Document(ctx context.Context, id string) (env seal.Envelope, gone bool, err error) {
	p, err := GetPaper(ctx, a.DB, id)
	return p.Envelope, p.Gone, err
}
