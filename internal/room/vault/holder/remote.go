package holder

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/shard"
)

// Remote is another member's store, over the wire. What it answers is checked
// before it is believed: a member that lies is named with the lie (CodeInvalid:
// vault.peer_wrong_bytes, vault.peer_truncated, vault.peer_other_owner,
// vault.peer_old_receipt), one that does not answer is vault.peer_silent
// (CodeUnsure). Safe for concurrent use.
type Remote struct {
	client *peer.Client
	keys   Keys
	to     core.MemberID
}

// NewRemote makes the store of a member; keys knows the key it signs receipts with.
func NewRemote(client *peer.Client, keys Keys, to core.MemberID) *Remote {
	return &Remote{client: client, keys: keys, to: to}
}

var (
	_ Holder     = (*Remote)(nil)
	_ Summarizer = (*Remote)(nil)
)

// Put implements Writer. body is not read after Put has returned, so that its
// memory may be used again.
func (m *Remote) Put(ctx context.Context, head shard.Head, body io.Reader) (Receipt, error) {
	nonce := rand.Text()
	lease := &lease{body: body}
	defer lease.end()
	res, err := m.do(ctx, peer.Request{
		Method: http.MethodPut, Path: ShardsPath + "/" + head.Name(), Query: url.Values{"nonce": {nonce}},
		Header: http.Header{
			HeadHeader: {base64.StdEncoding.EncodeToString(head.Bytes())},
			"Expect":   {"100-continue"},
		},
		Body: lease, Length: head.Length, Limit: seal.MaxDocument,
	})
	if err != nil {
		return Receipt{}, err
	}
	data, err := m.readAll(res)
	if err != nil {
		return Receipt{}, err
	}
	envelope, err := seal.DecodeEnvelope(data)
	if err != nil {
		return Receipt{}, m.garbled(err)
	}
	keys, err := m.keys.Keys(ctx, m.to)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := ReadReceipt(envelope, m.to, keys)
	if err != nil {
		return Receipt{}, err
	}
	return receipt, receipt.Answers(head.Header, nonce)
}

// Get implements Reader.
func (m *Remote) Get(ctx context.Context, ref Ref, off, n int64) (io.ReadCloser, error) {
	query := url.Values{"owner": {string(ref.Owner)}}
	if off > 0 {
		query.Set("off", strconv.FormatInt(off, 10))
	}
	want := n
	if n < 0 && ref.Length > 0 {
		want = ref.Length - off
	}
	if want >= 0 {
		query.Set("n", strconv.FormatInt(want, 10))
	}
	limit := want
	if limit <= 0 {
		limit = shard.MaxSealed
	}
	res, err := m.do(ctx, peer.Request{
		Method: http.MethodGet, Path: ShardsPath + "/" + ref.Name(), Query: query, Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	if want >= 0 && res.ContentLength >= 0 && res.ContentLength != want {
		err := lie("vault.peer_truncated", m.to, "%s: %d bytes, asked for %d", ref.Name(), res.ContentLength, want)
		return nil, errors.Join(err, res.Body.Close())
	}
	if ref.Root.IsZero() || off != 0 || want != ref.Length {
		return res.Body, nil
	}
	return VerifyWhole(res.Body, ref, m.to), nil
}

// List implements Reader.
func (m *Remote) List(ctx context.Context, owner core.MemberID, after string, limit int) (Page, error) {
	query := url.Values{"owner": {string(owner)}}
	if after != "" {
		query.Set("after", after)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	res, err := m.do(ctx, peer.Request{
		Method: http.MethodGet, Path: ShardsPath, Query: query, Limit: maxPage,
	})
	if err != nil {
		return Page{}, err
	}
	data, err := m.readAll(res)
	if err != nil {
		return Page{}, err
	}
	page, err := parsePage(data)
	if err != nil {
		return Page{}, m.garbled(err)
	}
	return page, page.check(owner, after, m.to)
}

// Audit implements Reader; a proof that comes back was checked when ref has a Root.
func (m *Remote) Audit(ctx context.Context, ref Ref, off int64) (Proof, error) {
	query := url.Values{"owner": {string(ref.Owner)}, "off": {strconv.FormatInt(off, 10)}}
	res, err := m.do(ctx, peer.Request{
		Method: http.MethodGet, Path: AuditsPath + "/" + ref.Name(), Query: query, Limit: MaxProof, Total: peer.SmallCall,
	})
	if err != nil {
		return Proof{}, err
	}
	data, err := m.readAll(res)
	if err != nil {
		return Proof{}, err
	}
	proof := Proof{Offset: off / Group * Group, Slice: data}
	if !ref.Root.IsZero() {
		_, err = proof.Check(ref, m.to)
	}
	return proof, err
}

// Delete implements Writer.
func (m *Remote) Delete(ctx context.Context, t Tombstone) (Deletion, error) {
	var deletion Deletion
	return deletion, m.json(ctx, http.MethodPost, DeletePath, t.Document, &deletion)
}

// Undelete implements Writer.
func (m *Remote) Undelete(ctx context.Context, objects []shard.Hash) (int, error) {
	var undeleted UndeletedCount
	err := m.json(ctx, http.MethodPost, UndeletePath, ObjectList{Objects: objects}, &undeleted)
	return undeleted.Undeleted, err
}

// NameReaders implements Writer.
func (m *Remote) NameReaders(ctx context.Context, r Readers) error {
	return m.json(ctx, http.MethodPut, ReadersPath, r.Document, nil)
}

func (m *Remote) do(ctx context.Context, r peer.Request) (*http.Response, error) {
	res, err := m.client.Do(ctx, m.to, r)
	return res, m.named(err)
}

func (m *Remote) json(ctx context.Context, method, path string, in, out any) error {
	body, err := wire.Encode(in)
	if err != nil {
		return err
	}
	res, err := m.do(ctx, peer.Request{Method: method, Path: path, Covered: body, Total: peer.SmallCall})
	if err != nil {
		return err
	}
	data, err := m.readAll(res)
	if err != nil || out == nil {
		return err
	}
	if err := wire.Peek(data, out); err != nil {
		return m.garbled(err)
	}
	return nil
}

// garbled is an answer that cannot be read. Nobody signed it: it proves nothing against
// the member.
func (m *Remote) garbled(err error) error {
	return core.Unsure("peer.bad_answer", fmt.Errorf("answer of %s: %w", m.to, err)).With("Member", m.to)
}

// named calls a member that cannot be reached silent; what it did answer stays.
func (m *Remote) named(err error) error {
	var e *core.Error
	if errors.As(err, &e) && e.Key == "peer.unreachable" {
		return silent(m.to, err)
	}
	return err
}

func (m *Remote) readAll(res *http.Response) ([]byte, error) {
	defer res.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, silent(m.to, fmt.Errorf("read answer: %w", err))
	}
	return data, nil
}

// lease ends a body. net/http may go on reading a request's body for a moment
// after it has given back the answer; the caller's memory is the caller's then.
type lease struct {
	mu   sync.Mutex
	body io.Reader
}

// Read implements io.Reader.
func (l *lease) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.body == nil {
		return 0, io.ErrClosedPipe
	}
	return l.body.Read(p)
}

func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.body = nil
}
