package holder

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
	"entrechat/internal/room/vault/shard"
)

// Where a holder answers, and the header that carries a shard's head.
const (
	shardsPath   = "/ec/v1/vault/shards"
	auditsPath   = "/ec/v1/vault/audits"
	deletePath   = "/ec/v1/vault/bury"
	undeletePath = "/ec/v1/vault/unbury"
	readersPath  = "/ec/v1/vault/readers"
	headHeader   = "Entrechat-Shard"
)

// objectList is the body of undelete, and its answer's count beside it.
type objectList struct {
	Objects []shard.Hash `json:"objects"`
}

type undeletedCount struct {
	Undeleted int `json:"raised"`
}

// Routes serve this store to the other members.
//
// spec: docs/spec/holder.md#requests
func (l *Local) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "PUT " + shardsPath + "/{name}", MaxBody: shard.MaxSealed, Handle: l.servePut},
		{Pattern: "GET " + shardsPath + "/{name}", Handle: l.serveGet},
		{Pattern: "GET " + shardsPath, Handle: l.serveList},
		{Pattern: "GET " + summaryPath, Handle: l.serveSummary},
		{Pattern: "GET " + auditsPath + "/{name}", Handle: l.serveAudit},
		{Pattern: "POST " + deletePath, Digest: true, MaxBody: seal.MaxDocument, Handle: l.serveDelete},
		{Pattern: "POST " + undeletePath, Digest: true, MaxBody: maxDocument, Handle: l.serveUndelete},
		{Pattern: "PUT " + readersPath, Digest: true, Handle: l.serveReaders},
	}
}

// servePut has the head in a header, so that a shard is refused before its data
// leaves the other side.
func (l *Local) servePut(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	// Until the data is in, an answer ends the connection: net/http would wait for
	// the body we do not want before it lets the refusal go.
	w.Header().Set("Connection", "close")
	raw, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get(headHeader))
	if err != nil {
		return core.Invalid("vault.bad_shard", fmt.Errorf("%s: %w", headHeader, err))
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
	receipt, err := view{l, from}.put(r.Context(), head, body, nonce)
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

func (l *Local) serveGet(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
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
	p, err := view{l, from}.open(r.Context(), ref, off, n)
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // it was only read
	w.Header().Set("Content-Length", strconv.FormatInt(p.length, 10))
	// io.LimitReader over a file: the kernel sends it, no byte comes through us.
	if _, err := io.Copy(w, p.Reader); err != nil {
		return sent(l.unread(r.Context(), ref, err))
	}
	return nil
}

func (l *Local) serveList(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	limit, err := queryNumber(r, "limit", 0)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	rows, page, err := view{l, from}.list(r.Context(), core.MemberID(q.Get("owner")), q.Get("after"), int(min(limit, MaxPage)))
	if err != nil {
		return err
	}
	return writeBytes(w, writePage(rows, page))
}

func (l *Local) serveAudit(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	off, err := queryNumber(r, "off", 0)
	if err != nil {
		return err
	}
	proof, err := view{l, from}.Audit(r.Context(), ref, off)
	if err != nil {
		return err
	}
	return writeBytes(w, proof.Slice)
}

func (l *Local) serveDelete(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var e seal.Envelope
	if err := peer.ReadJSON(r, &e); err != nil {
		return err
	}
	deletion, err := view{l, from}.Delete(r.Context(), Tombstone{Document: e})
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, deletion)
}

func (l *Local) serveUndelete(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var list objectList
	if err := peer.ReadJSON(r, &list); err != nil {
		return err
	}
	n, err := view{l, from}.Undelete(r.Context(), list.Objects)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, undeletedCount{Undeleted: n})
}

func (l *Local) serveReaders(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var e seal.Envelope
	if err := peer.ReadJSON(r, &e); err != nil {
		return err
	}
	if err := (view{l, from}).NameReaders(r.Context(), Readers{Document: e}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refOf reads which shard of which owner is asked for.
func refOf(r *http.Request) (Ref, error) {
	object, index, err := ParseName(r.PathValue("name"))
	if err != nil {
		return Ref{}, err
	}
	owner := core.MemberID(r.URL.Query().Get("owner"))
	if !owner.Valid() {
		return Ref{}, invalid("owner %.80q", owner)
	}
	return Ref{Owner: owner, Object: object, Index: index}, nil
}

func queryNumber(r *http.Request, name string, without int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return without, nil
	}
	return number(text)
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
