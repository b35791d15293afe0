package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/succession/promise"
)

// endpoints answer members.
type endpoints struct{ *Service }

// PeerRoutes are the endpoints.
func (s *Service) PeerRoutes() []peer.Route {
	e := endpoints{s}
	return []peer.Route{
		{Pattern: "POST " + pathPack, Digest: true, MaxBody: 2 * MaxDocument, Handle: e.serveOffer},
		{Pattern: "PUT " + pathSealed("{service}"), MaxBody: MaxSealed, Handle: e.serveSealed},
		{Pattern: "POST " + pathRestored, Digest: true, MaxBody: 2 * MaxDocument, Handle: e.serveRestored},
	}
}

func (e endpoints) serveOffer(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in offer
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	if !validNonce(in.Nonce) {
		return bad(errors.New("no nonce"))
	}
	p, err := e.offered(r.Context(), from, in.Pack)
	if err != nil {
		return err
	}
	return e.acknowledge(r.Context(), w, p, in.Nonce)
}

// acknowledge answers a receipt when the sealed file is here whole.
func (e endpoints) acknowledge(ctx context.Context, w http.ResponseWriter, p row, nonce string) error {
	if p.kept == 0 {
		return peer.WriteJSON(w, answer{})
	}
	sum, proved, err := e.hashKept(p.Pack, nonce)
	if err != nil {
		return err
	}
	if sum != p.Sealed {
		return errors.Join(e.damaged(ctx, p.Pack), peer.WriteJSON(w, answer{}))
	}
	env, err := signReceipt(receipt{Owner: p.Owner, Service: p.Service, Pack: p.ID, Nonce: nonce, Proof: proved, At: e.now()}, e.n.Signer)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, answer{&env})
}

// hashKept hashes a sealed file; the empty sum where it is not here, or cannot be read.
func (s *Service) hashKept(p Pack, nonce string) (sum, proved string, err error) {
	f, err := s.disk.Open(blobName(p))
	if core.CodeOf(err) == core.CodeNotFound {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	defer f.Close() //nolint:errcheck // only read
	sum, proved, err = proofOf(f, nonce)
	if err != nil {
		return "", "", nil // a disk that does not give it back does not have it
	}
	return sum, proved, nil
}

// damaged notes that a sealed file is not here any more: its owner sends it again.
func (s *Service) damaged(ctx context.Context, p Pack) error {
	s.n.Log.Warn("a sealed pack is damaged or gone; it is asked for again", "owner", string(p.Owner), "service", p.Service, "number", p.Number)
	if err := setKept(ctx, s.n.DB, p, 0); err != nil {
		return err
	}
	if err := s.disk.Remove(blobName(p)); err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return nil
}

// offered checks a document that an owner sends, and notes it. The same again changes nothing.
func (e endpoints) offered(ctx context.Context, from core.MemberID, env seal.Envelope) (out row, err error) {
	p, err := Read(env)
	if err != nil {
		return out, err
	}
	if p.Owner != from {
		return out, core.Denied("succession.pack.other_owner", errors.New("a pack of somebody else"))
	}
	if err := e.named(ctx, from, p.Service); err != nil {
		return out, err
	}
	if err := e.signedBy(ctx, env, TypePack, from); err != nil {
		return out, err
	}
	stale, err := e.stale(ctx, p)
	if err != nil {
		return out, err
	}
	err = e.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		out, err = note(ctx, q, p, stale)
		return err
	})
	return out, err
}

// note keeps a document in the place of those that never came, and of the stale ones. Returns
// CodeConflict for one whose number is not above the last.
func note(ctx context.Context, q db.Querier, p Pack, stale []string) (row, error) {
	out := row{Pack: p}
	all, err := packsOf(ctx, q, p.Owner, p.Service)
	if err != nil {
		return out, err
	}
	if i := slices.IndexFunc(all, func(r row) bool { return r.ID == p.ID }); i >= 0 {
		return all[i], nil
	}
	if i := slices.IndexFunc(all, func(r row) bool { return !slices.Contains(stale, r.ID) }); i >= 0 && all[i].Number >= p.Number {
		return out, core.Conflict("succession.pack.old_number", fmt.Errorf("number %d after %d", p.Number, all[i].Number))
	}
	for _, r := range all { // one may be on its way; those that never came are forgotten
		if r.kept == 0 || slices.Contains(stale, r.ID) {
			if err := dropPack(ctx, q, r.Pack); err != nil {
				return out, err
			}
		}
	}
	return out, putPack(ctx, q, out)
}

// stale are the packs here, of the same service and with a number that is not below, that were
// signed by keys that the owner gave up: who stole a key would stop every later pack by a high
// number. Nobody brings them again.
func (e endpoints) stale(ctx context.Context, p Pack) (ids []string, err error) {
	all, err := packsOf(ctx, e.n.DB, p.Owner, p.Service)
	for _, r := range all {
		if r.Number < p.Number {
			break
		}
		good, err := e.good(ctx, r.Pack)
		if err != nil {
			return nil, err
		}
		if !good {
			ids = append(ids, r.ID)
		}
	}
	return ids, err
}

// good says whether a key signed a pack that its owner signs with now.
func (s *Service) good(ctx context.Context, p Pack) (bool, error) {
	switch err := s.signedBy(ctx, p.Document, TypePack, p.Owner); core.CodeOf(err) {
	case "":
		return true, nil
	case core.CodeDenied, core.CodeInvalid, core.CodeNotFound:
		return false, nil
	default:
		return false, err
	}
}

// signedBy verifies that a member signed a document, and nobody else.
func (s *Service) signedBy(ctx context.Context, env seal.Envelope, typ string, id core.MemberID) error {
	keys, err := s.n.Keys.Keys(ctx, id)
	if err != nil {
		return err
	}
	_, signers, err := env.Verify(typ, keysOf(id, keys))
	if err == nil && !slices.Equal(signers, []core.MemberID{id}) {
		err = core.Denied("succession.pack.other_owner", errors.New("signed by somebody else"))
	}
	return err
}

func (e endpoints) serveSealed(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	service, nonce, id := r.PathValue("service"), r.URL.Query().Get("nonce"), r.URL.Query().Get("pack")
	if !promise.ValidService(service) || !validNonce(nonce) || !hashForm.MatchString(id) || r.ContentLength < 1 {
		return bad(errors.New("no service, nonce or length"))
	}
	if err := e.named(r.Context(), from, service); err != nil {
		return err
	}
	all, err := packsOf(r.Context(), e.n.DB, from, service)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(one row) bool { return one.ID == id })
	if i < 0 {
		return core.NotFound("succession.pack.none", errors.New("it was not offered")).With("Service", service).With("Member", string(from))
	}
	if all[i].kept == 0 {
		if err := e.keep(r.Context(), all[i].Pack, r); err != nil {
			return err
		}
		all[i].kept = e.now()
	}
	return e.acknowledge(r.Context(), w, all[i], nonce)
}

// keep writes a sealed file down when it is the one that was announced.
func (e endpoints) keep(ctx context.Context, p Pack, r *http.Request) error {
	if r.ContentLength != p.SealedBytes {
		return bad(fmt.Errorf("%d bytes, not %d", r.ContentLength, p.SealedBytes))
	}
	if err := e.disk.Room(core.Size(p.SealedBytes)); err != nil {
		return err
	}
	// Of a transfer that ended in the middle of what follows, the file may be here already.
	sum, _, err := e.hashKept(p, "")
	if err != nil {
		return err
	}
	if sum != p.Sealed {
		if err := e.write(p, r.Body); err != nil {
			return err
		}
	}
	if err := setKept(ctx, e.n.DB, p, e.now()); err != nil {
		return err
	}
	return e.trim(ctx, p.Owner, p.Service)
}

func (e endpoints) write(p Pack, body io.Reader) error {
	if err := e.disk.Remove(blobName(p)); err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	draft, err := e.disk.Create(blobName(p))
	if err != nil {
		return err
	}
	defer draft.Abort() //nolint:errcheck // after Commit it does nothing
	sum, _, err := proofOf(io.TeeReader(io.LimitReader(body, p.SealedBytes), draft), "")
	if err != nil {
		return err
	}
	if sum != p.Sealed {
		return core.Invalid("succession.pack.other_file", errors.New("another hash"))
	}
	return draft.Commit()
}

func (e endpoints) serveRestored(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in saidRestored
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	if err := e.heard(r.Context(), from, in.Restored); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// heard takes in what a successor of ours says it restored. The same again changes nothing.
func (e endpoints) heard(ctx context.Context, from core.MemberID, env seal.Envelope) error {
	r, err := readRestored(env)
	if err != nil {
		return err
	}
	switch {
	case r.By != from || r.Owner != e.self():
		return core.Denied("succession.pack.other_owner", errors.New("of somebody else"))
	case r.At > e.now().Add(maxAhead):
		return core.Invalid("succession.pack.bad_restored", errors.New("in the future"))
	}
	if err := e.signedBy(ctx, env, TypeRestored, from); err != nil {
		return err
	}
	named, err := e.n.Promises.Of(ctx, e.self())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(named, func(n promise.Successor) bool { return n.Member == from && n.Service == r.Service }) {
		return core.Denied("succession.pack.no_successor", errors.New("nobody named it")).With("Service", r.Service)
	}
	sent, err := sentTo(ctx, e.n.DB, r.Service, from)
	if err != nil {
		return err
	}
	if sent.Number == 0 {
		return core.Denied("succession.pack.no_successor", errors.New("it never had a pack")).With("Service", r.Service)
	}
	return putRestore(ctx, e.n.DB, restore{Restored: r, said: e.now()})
}
