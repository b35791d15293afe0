package logbook

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Bounds of one post.
const (
	postBytes = 256 << 10
	maxPosts  = 64 // of one push to one member
)

// Pusher posts our own log to members.
type Pusher struct {
	st       *Store
	reg      *Registry
	contacts *Contacts
	remote   *Remote
	tuning   Tuning
	pushes   tasks // work with members that goes on

	mu       sync.Mutex
	posted   int64       // the change after which everybody was posted to
	followed int64       // what the registry had counted then
	postAt   core.Moment // look again then all the same
}

// Push posts our own new entries, or our freshly signed head, to the fixed
// neighbours and to the members the entries name.
func (p *Pusher) Push(ctx context.Context) error {
	followed := p.reg.Followed()
	l, err := currentLog(ctx, p.st.DB, p.st.Self())
	if err != nil || l.note == nil || p.wasPosted(l.seq) {
		return orNoLog(err)
	}
	m, err := getMember(ctx, p.st.DB, p.st.Self())
	if err != nil {
		return err
	}
	all, next, err := p.addressees(ctx, l)
	if err != nil {
		return err
	}
	var late atomic.Bool
	var ids []core.MemberID
	var to []neighbour
	for _, n := range all {
		if n.confirmedSize >= l.base+l.tree.N && n.confirmedSigned >= l.signed && n.confirmedVersion >= m.version {
			continue
		}
		if n.retry > p.st.Now() {
			late.Store(true)
			continue
		}
		ids, to = append(ids, n.member), append(to, n)
	}
	done := p.pushes.round(ctx, ids, 0, func(ctx context.Context, i int) {
		err := p.pushTo(ctx, to[i].contact, m, l)
		p.contacts.Record(ctx, to[i], err)
		if err != nil {
			late.Store(true)
		}
	})
	if done && !late.Load() {
		p.postedUpTo(l.seq, followed, next)
	}
	return ctx.Err()
}

// postAgain is how long a push that reached everybody counts while our log does
// not change: neighbours may have.
const postAgain = 5 * time.Minute

func (p *Pusher) wasPosted(seq int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posted == seq && p.followed == p.reg.Followed() && p.st.Now() < p.postAt
}

// postedUpTo: everybody who is not waited for has our log; next is when the first of
// those that did not answer is tried again, zero without one.
func (p *Pusher) postedUpTo(seq, followed int64, next core.Moment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posted, p.followed, p.postAt = seq, followed, p.st.Now().Add(postAgain)
	if next != 0 {
		p.postAt = min(p.postAt, next)
	}
}

// addressees are whom we post to: the fixed neighbours, and whoever one of the
// last entries names and was not told. The others hear of it by the exchange. next is
// when the first of those that did not answer is tried again, zero without one.
func (p *Pusher) addressees(ctx context.Context, l logRow) (out []neighbour, next core.Moment, err error) {
	all, err := p.contacts.neighbours(ctx)
	if err != nil {
		return nil, 0, err
	}
	recent, err := p.st.page(ctx, l, max(0, l.tree.N-64), 64)
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
	fixed := p.tuning.Fixed
	for _, n := range all {
		if n.retry > p.st.Now() && (next == 0 || n.retry < next) {
			next = n.retry
		}
		switch {
		case n.retry <= p.st.Now() && fixed > 0:
			fixed--
			out = append(out, n)
		case n.confirmedSize < named[n.member]:
			out = append(out, n)
		}
	}
	return out, next, nil
}

// pushTo posts from where the member said it stands until it holds our head. Each
// post carries a head of its own, so that a long backlog needs nothing from us but
// posts: a node behind a home line cannot be pulled.
func (p *Pusher) pushTo(ctx context.Context, c contact, m memberRow, l logRow) error {
	id := c.member
	held := min(max(0, c.confirmedSize-l.base), l.tree.N)
	for range maxPosts {
		message, end, err := p.post(ctx, m, l, held)
		if err != nil {
			return err
		}
		if c.confirmedVersion >= m.version {
			message.KeySet = nil
		}
		var got entriesAnswer
		err = p.remote.Post(ctx, id, "/ec/v1/entries", message, &got)
		if core.CodeOf(err) == core.CodeDenied && message.KeySet != nil {
			// It does not know our new key yet; the root key's word needs none.
			if err = p.remote.Post(ctx, id, "/ec/v1/keyset", message.KeySet, nil); err == nil {
				err = p.remote.Post(ctx, id, "/ec/v1/entries", message, &got)
			}
		}
		if err != nil {
			return err
		}
		if got.Size >= l.tree.N {
			return p.confirmed(ctx, id, m, l, got)
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
func (p *Pusher) post(ctx context.Context, m memberRow, l logRow, from int64) (entriesMessage, int64, error) {
	doc, err := seal.DecodeEnvelope(m.doc)
	if err != nil {
		return entriesMessage{}, 0, err
	}
	message := entriesMessage{Epoch: l.epoch, Head: string(l.note), From: from, Entries: []string{}, KeySet: &doc}
	var page []stored
	if from < l.tree.N {
		if page, err = p.st.page(ctx, l, from, postEntries); err != nil {
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
	root, err := rootAt(ctx, p.st.DB, l, end)
	if err != nil {
		return message, 0, err
	}
	part, err := signHead(p.st.Signer, l.origin, tlog.Tree{N: end, Hash: root}, p.st.Now())
	message.Head = string(part)
	return message, end, err
}

// confirmed keeps that a member holds our log, with its cosignature if it holds.
func (p *Pusher) confirmed(ctx context.Context, id core.MemberID, m memberRow, l logRow, got entriesAnswer) error {
	if got.Cosignature != "" {
		keys, err := p.reg.Keys(ctx, id)
		if err != nil {
			return err
		}
		if err := checkCosignature(l.head(), id, keys, got.Cosignature); err != nil {
			return err
		}
		if err := putCosignature(ctx, p.st.DB, cosignature{l.origin, id, l.tree.N, got.Cosignature}); err != nil {
			return err
		}
	}
	return updateContact(ctx, p.st.DB, id, func(c *contact) {
		c.confirmedSize, c.confirmedSigned, c.confirmedVersion = l.base+l.tree.N, l.signed, m.version
	})
}

// orNoLog passes over that there is no log of ours yet.
func orNoLog(err error) error {
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	return err
}

// Finish is a job that ends with the node, once nothing is posted any more.
func (p *Pusher) Finish(ctx context.Context) error { return p.pushes.finish(ctx) }
