package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// serveEntries takes what an author posts of its own log.
func (s *Server) serveEntries(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	s.contacts.Called(r.Context(), from)
	data, err := readBody(r)
	if err != nil {
		return err
	}
	m, o, err := format.ParsePost(data)
	if err != nil {
		return err
	}
	o.Member = from
	if m.KeySet != nil {
		if err := s.reg.Learn(r.Context(), from, *m.KeySet); err != nil {
			return err
		}
	}
	l, err := s.mirror.Accept(r.Context(), o)
	switch {
	case errors.Is(err, mirror.ErrConflict), errors.Is(err, mirror.ErrMismatch):
		return s.refuseFork(r.Context(), from, m)
	case errors.Is(err, mirror.ErrSuspended):
		return core.Denied("logbook.forked", fmt.Errorf("%s: %w", from, err)).With("Member", from)
	case err != nil && core.CodeOf(err) != core.CodeConflict:
		return err
	}
	if err != nil { // a gap: tell where we stand
		if l, err = store.GetLog(r.Context(), s.st.DB, from, m.Epoch); err != nil {
			return err
		}
	}
	out := format.EntriesAnswer{Size: l.Tree.N}
	if c, err := format.Claim(o.Note); err == nil && c.Tree == l.Tree && l.Note != nil {
		out.Cosignature = l.Cosig
	}
	return peer.WriteJSON(w, out)
}

// refuseFork: an author posted a head that contradicts what it told us before. A
// proof over different sizes needs its tiles, which we ask of it.
func (s *Server) refuseFork(ctx context.Context, from core.MemberID, m format.EntriesMessage) error {
	address, err := s.reg.URL(ctx, from)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, witnessTime)
	defer cancel()
	err = s.mirror.Dispute(ctx, s.remote.SourceAt(store.Holder{Member: from, Address: address}, format.LogOrigin(from, m.Epoch)), from, m.Epoch, []byte(m.Head))
	return core.Conflict("logbook.forked", fmt.Errorf("%s posts another history: %w", from, err)).With("Member", from)
}

// serveKeySet takes a newer key set of a member we know. Anybody may bring it: the
// root key's signature is what counts, and who lost its online key could not sign
// the request.
// spec: docs/spec/exchange.md#key-sets
func (s *Server) serveKeySet(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	data, err := readBody(r)
	if err != nil {
		return err
	}
	doc, err := seal.DecodeEnvelope(data)
	if err != nil {
		return err
	}
	if len(doc.Signatures) != 1 {
		return core.Invalid("logbook.bad_keyset", fmt.Errorf("%d signatures", len(doc.Signatures))).With("Member", "")
	}
	if err := s.reg.Learn(r.Context(), doc.Signers()[0], doc); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// witnessTime bounds how long a witness asks the author for entries while somebody
// waits for its cosignature.
const witnessTime = 30 * time.Second

func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, core.Invalid("peer.bad_body", err)
	}
	return data, nil
}
