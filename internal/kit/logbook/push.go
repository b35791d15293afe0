package logbook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Bounds of one post.
const (
	postEntries = 256
	postBytes   = 256 << 10
	maxPostBody = 1 << 20
	maxPosts    = 64 // of one push to one member
)

// entriesMessage is what an author posts to those who mirror it.
// spec: docs/spec/exchange.md#posts
type entriesMessage struct {
	Epoch   int64          `json:"epoch"`
	Head    string         `json:"head"`
	From    int64          `json:"from"`    // leaf index of the first entry
	Entries []string       `json:"entries"` // standard base64
	KeySet  *seal.Envelope `json:"keyset,omitzero"`
}

// entriesAnswer tells how far the mirror now holds the log, with its cosignature
// of the head it got when that is where it stands.
type entriesAnswer struct {
	Size        int64  `json:"size"`
	Cosignature string `json:"cosignature,omitempty"`
}

// Push posts our own new entries, or our freshly signed head, to the fixed
// neighbours and to the members the entries name.
func (b *Book) Push(ctx context.Context) error {
	l, err := currentLog(ctx, b.n.DB, b.self())
	if err != nil || l.note == nil || b.wasPosted(l.seq) {
		return ignoreForeign(err) // no log yet
	}
	m, err := getMember(ctx, b.n.DB, b.self())
	if err != nil {
		return err
	}
	all, next, err := b.addressees(ctx, l)
	if err != nil {
		return err
	}
	var late atomic.Bool
	var ids []core.MemberID
	var to []neighbour
	for _, n := range all {
		if n.toldSize >= l.base+l.tree.N && n.toldSigned >= l.signed && n.toldVersion >= m.version {
			continue
		}
		if n.retry > b.now() {
			late.Store(true)
			continue
		}
		ids, to = append(ids, n.member), append(to, n)
	}
	done := b.pushes.round(ctx, ids, 0, func(ctx context.Context, i int) {
		err := b.pushTo(ctx, to[i].contact, m, l)
		b.noted(ctx, to[i], err)
		if err != nil {
			late.Store(true)
		}
	})
	if done && !late.Load() {
		b.postedUpTo(l.seq, next)
	}
	return ctx.Err()
}

// postAgain is how long a push that reached everybody counts while our log does
// not change: neighbours may have.
const postAgain = 5 * time.Minute

func (b *Book) wasPosted(seq int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.posted == seq && b.now() < b.postAt
}

// postedUpTo: everybody who is not waited for has our log; next is when the first of
// those that did not answer is tried again, zero without one.
func (b *Book) postedUpTo(seq int64, next core.Moment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.posted, b.postAt = seq, b.now().Add(postAgain)
	if next != 0 {
		b.postAt = min(b.postAt, next)
	}
}

// addressees are whom we post to: the fixed neighbours, and whoever one of the
// last entries names and was not told. The others hear of it by the exchange. next is
// when the first of those that did not answer is tried again, zero without one.
func (b *Book) addressees(ctx context.Context, l logRow) (out []neighbour, next core.Moment, err error) {
	all, err := b.neighbours(ctx)
	if err != nil {
		return nil, 0, err
	}
	recent, err := b.page(ctx, l, max(0, l.tree.N-64), 64)
	if err != nil {
		return nil, 0, err
	}
	named := map[core.MemberID]int64{} // up to which index
	for _, s := range recent {
		e, err := parseLeaf(l.member, l.base+s.index, s.data)
		if err != nil {
			continue // it is what we signed, and names nobody
		}
		for _, id := range e.Aud {
			named[id] = e.Index + 1
		}
	}
	fixed := b.n.Tuning.orDefault().Fixed
	for _, n := range all {
		if n.retry > b.now() && (next == 0 || n.retry < next) {
			next = n.retry
		}
		switch {
		case n.retry <= b.now() && fixed > 0:
			fixed--
			out = append(out, n)
		case n.toldSize < named[n.member]:
			out = append(out, n)
		}
	}
	return out, next, nil
}

// pushTo posts from where the member said it stands until it holds our head. Each
// post carries a head of its own, so that a long backlog needs nothing from us but
// posts: a node behind a home line cannot be pulled.
func (b *Book) pushTo(ctx context.Context, c contact, m memberRow, l logRow) error {
	id := c.member
	held := min(max(0, c.toldSize-l.base), l.tree.N)
	for range maxPosts {
		message, end, err := b.post(ctx, m, l, held)
		if err != nil {
			return err
		}
		if c.toldVersion >= m.version {
			message.KeySet = nil
		}
		var got entriesAnswer
		err = b.calls.JSON(ctx, id, http.MethodPost, "/ec/v1/entries", message, &got)
		if core.CodeOf(err) == core.CodeDenied && message.KeySet != nil {
			// It does not know our new key yet; the root key's word needs none.
			if err = b.calls.JSON(ctx, id, http.MethodPost, "/ec/v1/keyset", message.KeySet, nil); err == nil {
				err = b.calls.JSON(ctx, id, http.MethodPost, "/ec/v1/entries", message, &got)
			}
		}
		if err != nil {
			return err
		}
		if got.Size >= l.tree.N {
			return b.confirmed(ctx, id, m, l, got)
		}
		if got.Size == held && end > held {
			return core.Unsure("logbook.no_progress", fmt.Errorf("%s does not get on with our log", id)).With("Member", id)
		}
		held = max(0, got.Size)
	}
	return nil // the rest with the next push
}

// post makes one message with entries from a leaf index on, and a head over just
// what the member then holds.
func (b *Book) post(ctx context.Context, m memberRow, l logRow, from int64) (entriesMessage, int64, error) {
	doc, err := seal.DecodeEnvelope(m.doc)
	if err != nil {
		return entriesMessage{}, 0, err
	}
	message := entriesMessage{Epoch: l.epoch, Head: string(l.note), From: from, Entries: []string{}, KeySet: &doc}
	var page []stored
	if from < l.tree.N {
		if page, err = b.page(ctx, l, from, postEntries); err != nil {
			return message, 0, err
		}
	}
	size := 0
	for _, s := range page {
		if size += len(s.data); size > postBytes && len(message.Entries) > 0 {
			break
		}
		message.Entries = append(message.Entries, base64.StdEncoding.EncodeToString(s.data))
	}
	end := from + int64(len(message.Entries))
	if end == l.tree.N {
		return message, end, nil
	}
	root, err := rootAt(ctx, b.n.DB, l, end)
	if err != nil {
		return message, 0, err
	}
	part, err := signHead(b.n.Signer, l.origin, tlog.Tree{N: end, Hash: root}, b.now())
	message.Head = string(part)
	return message, end, err
}

// confirmed keeps that a member holds our log, with its cosignature if it holds.
func (b *Book) confirmed(ctx context.Context, id core.MemberID, m memberRow, l logRow, got entriesAnswer) error {
	if got.Cosignature != "" {
		keys, err := b.Keys(ctx, id)
		if err != nil {
			return err
		}
		if err := checkCosignature(l.head(), id, keys, got.Cosignature); err != nil {
			return err
		}
		if err := putCosignature(ctx, b.n.DB, cosignature{l.origin, id, l.tree.N, got.Cosignature}); err != nil {
			return err
		}
	}
	return updateContact(ctx, b.n.DB, id, func(c *contact) {
		c.toldSize, c.toldSigned, c.toldVersion = l.base+l.tree.N, l.signed, m.version
	})
}

// parsePost reads an author's post. Returns CodeInvalid.
func parsePost(data []byte) (entriesMessage, offer, error) {
	var m entriesMessage
	if err := wire.Decode(data, &m); err != nil {
		return m, offer{}, err
	}
	bad := func(err error) error { return core.Invalid("logbook.bad_bundle", err) }
	if len(m.Entries) > postEntries || m.From < 0 || m.Epoch < 1 || m.Epoch > maxEpochs+1 || len(m.Head) > maxHead {
		return m, offer{}, bad(fmt.Errorf("%d entries from %d", len(m.Entries), m.From))
	}
	o := offer{epoch: m.Epoch, note: []byte(m.Head), from: m.From}
	for _, text := range m.Entries {
		entry, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return m, offer{}, bad(err)
		}
		o.entries = append(o.entries, entry)
	}
	return m, o, nil
}

// serveEntries takes what an author posts of its own log.
func (b *Book) serveEntries(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	b.calledBy(r.Context(), from)
	data, err := readBody(r)
	if err != nil {
		return err
	}
	m, o, err := parsePost(data)
	if err != nil {
		return err
	}
	o.member = from
	if m.KeySet != nil {
		if err := b.Learn(r.Context(), from, *m.KeySet); err != nil {
			return err
		}
	}
	l, err := b.take(r.Context(), o)
	switch {
	case errors.Is(err, errConflict), errors.Is(err, errMismatch):
		return b.refuseFork(r.Context(), from, m)
	case errors.Is(err, errSuspended):
		return core.Denied("logbook.forked", fmt.Errorf("%s: %w", from, err)).With("Member", from)
	case err != nil && core.CodeOf(err) != core.CodeConflict:
		return err
	}
	if err != nil { // a gap: tell where we stand
		if l, err = getLog(r.Context(), b.n.DB, from, m.Epoch); err != nil {
			return err
		}
	}
	out := entriesAnswer{Size: l.tree.N}
	if c, err := claim(o.note); err == nil && c.Tree == l.tree && l.note != nil {
		out.Cosignature = l.cosig
	}
	return peer.WriteJSON(w, out)
}

// refuseFork: an author posted a head that contradicts what it told us before. A
// proof over different sizes needs its tiles, which we ask of it.
func (b *Book) refuseFork(ctx context.Context, from core.MemberID, m entriesMessage) error {
	address, err := b.URL(ctx, from)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, witnessTime)
	defer cancel()
	err = b.dispute(ctx, b.sourceAt(holder{from, address}, LogOrigin(from, m.Epoch)), from, m.Epoch, []byte(m.Head))
	return core.Conflict("logbook.forked", fmt.Errorf("%s posts another history: %w", from, err)).With("Member", from)
}

// serveKeySet takes a newer key set of a member we know. Anybody may bring it: the
// root key's signature is what counts, and who lost its online key could not sign
// the request.
// spec: docs/spec/exchange.md#key-sets
func (b *Book) serveKeySet(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
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
	if err := b.Learn(r.Context(), doc.Signers()[0], doc); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// announceTime is how long telling one member of a key set may take.
const announceTime = 20 * time.Second
