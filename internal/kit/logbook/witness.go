package logbook

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"entrechat/internal/core"
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
	req, err := parseAddCheckpoint(string(body))
	if err != nil {
		return core.Invalid("logbook.bad_head", err)
	}
	l, err := logByHash(r.Context(), s.st.DB, core.MemberID(req.claim.Origin).Hash())
	if err != nil {
		return err
	}
	keys, _, err := s.reg.KeySet(r.Context(), l.member)
	if err != nil {
		return err
	}
	h, err := openHead(keys, l.epoch, req.note)
	if err != nil {
		return err // 403, as the standard asks
	}
	// What we cosigned last is what we hold a head of.
	held := l.tree
	if l.note == nil {
		held.N = 0
	}
	switch {
	case req.old != held.N, h.tree.N == held.N && h.tree.Hash != held.Hash:
		if h.tree.N == held.N && h.tree.Hash != held.Hash {
			err = s.mirror.dispute(r.Context(), source{}, l.member, l.epoch, req.note)
			s.st.Log.Warn("head contradicts the log we hold", "log", l.origin, "error", err)
		}
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, "%d\n", held.N) // the asker is gone
		return nil
	case !req.leads(held, h.tree):
		w.WriteHeader(http.StatusUnprocessableEntity)
		return nil
	}
	m, err := getMember(r.Context(), s.st.DB, l.member)
	if err != nil {
		return err
	}
	// The asker waits while the author is asked.
	ctx, cancel := context.WithTimeout(r.Context(), witnessTime)
	defer cancel()
	now, err := s.mirror.syncLog(ctx, s.remote.sourceAt(holder{l.member, m.url}, l.origin), l.member, l.epoch, req.note)
	if err != nil {
		return err
	}
	if now.tree != h.tree || now.note == nil {
		return core.Unsure("logbook.gap", fmt.Errorf("log %s: at %d meanwhile", l.origin, now.tree.N)).With("Member", l.member)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, now.cosig) // the asker is gone
	return nil
}
