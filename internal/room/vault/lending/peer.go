package lending

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// Routes serve this store to the other members.
//
// spec: docs/spec/holder.md#requests
func (s *Store) Routes() []peer.Route {
	h := handler{s}
	return []peer.Route{
		{Pattern: "PUT " + holder.ShardsPath + "/{name}", MaxBody: shard.MaxSealed, Handle: h.put},
		{Pattern: "GET " + holder.ShardsPath + "/{name}", Handle: h.get},
		{Pattern: "GET " + holder.ShardsPath, Handle: h.list},
		{Pattern: "GET " + holder.SummaryPath, Handle: h.summary},
		{Pattern: "GET " + holder.AuditsPath + "/{name}", Handle: h.audit},
		{Pattern: "POST " + holder.DeletePath, Digest: true, MaxBody: seal.MaxDocument, Handle: h.delete},
		{Pattern: "POST " + holder.UndeletePath, Digest: true, MaxBody: holder.MaxDocument, Handle: h.undelete},
		{Pattern: "PUT " + holder.ReadersPath, Digest: true, Handle: h.readers},
	}
}

// handler answers other members' requests: it reads what they ask, a view decides.
type handler struct{ store *Store }

// put has the head in a header, so that a shard is refused before its data
// leaves the other side.
func (h handler) put(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	// Until the data is in, an answer ends the connection: net/http would wait for
	// the body we do not want before it lets the refusal go.
	w.Header().Set("Connection", "close")
	raw, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get(holder.HeadHeader))
	if err != nil {
		return core.Invalid("vault.bad_shard", fmt.Errorf("%s: %w", holder.HeadHeader, err))
	}
	head, err := shard.Parse(raw)
	if err != nil {
		return err
	}
	switch {
	case int64(len(raw)) != head.Size() || head.Name() != r.PathValue("name"):
		return core.Invalid("vault.bad_shard", fmt.Errorf("%.100q is not the name of this head", r.PathValue("name")))
	case r.ContentLength != head.Length:
		return core.Invalid("vault.bad_bytes", fmt.Errorf("body of %d bytes, head says %d", r.ContentLength, head.Length))
	}
	nonce := r.URL.Query().Get("nonce")
	if nonce == "" || len(nonce) > 64 {
		return core.Invalid("vault.bad_document", fmt.Errorf("nonce of %d bytes", len(nonce)))
	}
	body := &toEnd{Reader: r.Body}
	receipt, err := view{h.store, from}.put(r.Context(), head, body, nonce)
	if err != nil {
		return err
	}
	if body.seen {
		w.Header().Del("Connection")
	}
	return peer.WriteJSON(w, receipt.Document)
}

// toEnd notes that a body was read to its end.
type toEnd struct {
	io.Reader
	seen bool
}

// Read implements io.Reader.
func (b *toEnd) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.seen = b.seen || errors.Is(err, io.EOF)
	return n, err
}

func (h handler) get(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	off, err := queryNumber(r, "off", 0)
	if err != nil {
		return err
	}
	n, err := queryNumber(r, "n", -1)
	if err != nil {
		return err
	}
	p, err := view{h.store, from}.open(r.Context(), ref, off, n)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // it was only read
	w.Header().Set("Content-Length", strconv.FormatInt(p.length, 10))
	// io.LimitReader over a file: the kernel sends it, no byte comes through us.
	if _, err := io.Copy(w, p.Reader); err != nil {
		return sent(h.store.unread(r.Context(), ref, err))
	}
	return nil
}

func (h handler) list(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	limit, err := queryNumber(r, "limit", 0)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	page, err := view{h.store, from}.List(r.Context(), core.MemberID(q.Get("owner")), q.Get("after"), int(min(limit, holder.MaxPage)))
	if err != nil {
		return err
	}
	return writeBytes(w, holder.EncodePage(page))
}

func (h handler) summary(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	owner := core.MemberID(r.URL.Query().Get("owner"))
	if !owner.Valid() {
		return holder.BadDocument("owner %.80q", owner)
	}
	summary, err := view{h.store, from}.Summary(r.Context(), owner)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, holder.SummaryAnswer{Buckets: summary})
}

func (h handler) audit(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	off, err := queryNumber(r, "off", 0)
	if err != nil {
		return err
	}
	proof, err := view{h.store, from}.Audit(r.Context(), ref, off)
	if err != nil {
		return err
	}
	return writeBytes(w, proof.Slice)
}

func (h handler) delete(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var e seal.Envelope
	if err := peer.ReadJSON(r, &e); err != nil {
		return err
	}
	deletion, err := view{h.store, from}.Delete(r.Context(), holder.Tombstone{Document: e})
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, deletion)
}

func (h handler) undelete(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var list holder.ObjectList
	if err := peer.ReadJSON(r, &list); err != nil {
		return err
	}
	n, err := view{h.store, from}.Undelete(r.Context(), list.Objects)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, holder.UndeletedCount{Undeleted: n})
}

func (h handler) readers(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var e seal.Envelope
	if err := peer.ReadJSON(r, &e); err != nil {
		return err
	}
	if err := (view{h.store, from}).NameReaders(r.Context(), holder.Readers{Document: e}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refOf reads which shard of which owner is asked for.
func refOf(r *http.Request) (holder.Ref, error) {
	object, index, err := holder.ParseName(r.PathValue("name"))
	if err != nil {
		return holder.Ref{}, err
	}
	owner := core.MemberID(r.URL.Query().Get("owner"))
	if !owner.Valid() {
		return holder.Ref{}, holder.BadDocument("owner %.80q", owner)
	}
	return holder.Ref{Owner: owner, Object: object, Index: index}, nil
}

func queryNumber(r *http.Request, name string, without int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	return holder.ParseNumber(text)
}

func writeBytes(w http.ResponseWriter, b []byte) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if _, err := w.Write(b); err != nil { //nolint:gosec // octets for a program, labelled so
		return sent(err)
	}
	return nil
}

// sent is an answer that broke off: the other side is gone or too slow, and there
// is nobody left to tell.
func sent(err error) error {
	return core.Unsure("vault.answer_cut", fmt.Errorf("%w: %w", context.Canceled, err))
}
