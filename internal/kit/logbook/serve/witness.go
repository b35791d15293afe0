package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
)

// serveAddCheckpoint is the witness endpoint of c2sp.org/tlog-witness, for logs we
// mirror. As we are a mirror too, we cosign only heads whose entries we hold: they
// are fetched from the author before we answer.
// spec: docs/spec/exchange.md#add-checkpoint
func (s *Server) serveAddCheckpoint(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	req, err := format.ParseAddCheckpoint(string(body))
	if err != nil {
		return core.Invalid("logbook.bad_head", err)
	}
	l, err := store.LogByHash(r.Context(), s.st.DB, core.MemberID(req.Claim.Origin).Hash())
	if err != nil {
		return err
	}
	keys, _, err := s.reg.KeySet(r.Context(), l.Member)
	if err != nil {
		return err
	}
	h, err := format.OpenHead(keys, l.Epoch, req.Note)
	if err != nil {
		return err // 403, as the standard asks
	}
	// What we cosigned last is what we hold a head of.
	held := l.Tree
	if l.Note == nil {
		held.N = 0
	}
	switch {
	case req.Old != held.N, h.Tree.N == held.N && h.Tree.Hash != held.Hash:
		if h.Tree.N == held.N && h.Tree.Hash != held.Hash {
			err = s.mirror.Dispute(r.Context(), mirror.Source{}, l.Member, l.Epoch, req.Note)
			s.st.Log.Warn("head contradicts the log we hold", "log", l.Origin, "error", err)
		}
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, "%d\n", held.N) // the asker is gone
		return nil
	case !req.Leads(held, h.Tree):
		w.WriteHeader(http.StatusUnprocessableEntity)
		return nil
	}
	m, err := store.GetMember(r.Context(), s.st.DB, l.Member)
	if err != nil {
		return err
	}
	// The asker waits while the author is asked.
	ctx, cancel := context.WithTimeout(r.Context(), witnessTime)
	defer cancel()
	now, err := s.mirror.SyncLog(ctx, s.remote.SourceAt(store.Holder{Member: l.Member, Address: m.URL}, l.Origin), l.Member, l.Epoch, req.Note)
	if err != nil {
		return err
	}
	if now.Tree != h.Tree || now.Note == nil {
		return core.Unsure("logbook.gap", fmt.Errorf("log %s: at %d meanwhile", l.Origin, now.Tree.N)).With("Member", l.Member)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, now.Cosig) // the asker is gone
	return nil
}
