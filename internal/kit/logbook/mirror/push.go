package mirror

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/seal"
)

// Bounds of one post.
const (
	postBytes = 256 << 10
	maxPosts  = 64 // of one push to one member
)

// Pusher posts our own log to members.
type Pusher struct {
	st       *store.Store
	reg      *members.Registry
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
	l, err := store.CurrentLog(ctx, p.st.DB, p.st.Self())
	if err != nil || l.Note == nil || p.wasPosted(l.Seq) {
		return orNoLog(err)
	}
	m, err := store.GetMember(ctx, p.st.DB, p.st.Self())
	if err != nil {
		return err
	}
	all, next, err := p.addressees(ctx, l)
	if err != nil {
		return err
	}
	var late atomic.Bool
	var ids []core.MemberID
	var to []store.Neighbour
	for _, n := range all {
		if n.ConfirmedSize >= l.Base+l.Tree.N && n.ConfirmedSigned >= l.Signed && n.ConfirmedVersion >= m.Version {
			continue
		}
		if n.Retry > p.st.Now() {
			late.Store(true)
			continue
		}
		ids, to = append(ids, n.Member), append(to, n)
	}
	done := p.pushes.round(ctx, ids, 0, func(ctx context.Context, i int) {
		err := p.pushTo(ctx, to[i].Contact, m, l)
		p.contacts.Record(ctx, to[i], err)
		if err != nil {
			late.Store(true)
		}
	})
	if done && !late.Load() {
		p.postedUpTo(l.Seq, followed, next)
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
func (p *Pusher) addressees(ctx context.Context, l store.LogRow) (out []store.Neighbour, next core.Moment, err error) {
	all, err := p.contacts.Neighbours(ctx)
	if err != nil {
		return nil, 0, err
	}
	recent, err := p.st.Page(ctx, l, max(0, l.Tree.N-64), 64)
	if err != nil {
		return nil, 0, err
	}
	named := map[core.MemberID]int64{} // up to which index
	for _, s := range recent {
		e, err := format.ParseLeaf(l.Member, l.Base+s.Index, s.Data)
		if err != nil {
			continue // it is what we signed, and names nobody
		}
		for _, id := range e.Aud {
			named[id] = e.Index + 1
		}
	}
	fixed := p.tuning.Fixed
	for _, n := range all {
		if n.Retry > p.st.Now() && (next == 0 || n.Retry < next) {
			next = n.Retry
		}
		switch {
		case n.Retry <= p.st.Now() && fixed > 0:
			fixed--
			out = append(out, n)
		case n.ConfirmedSize < named[n.Member]:
			out = append(out, n)
		}
	}
	return out, next, nil
}

// pushTo posts from where the member said it stands until it holds our head. Each
// post carries a head of its own, so that a long backlog needs nothing from us but
// posts: a node behind a home line cannot be pulled.
func (p *Pusher) pushTo(ctx context.Context, c store.Contact, m store.MemberRow, l store.LogRow) error {
	id := c.Member
	held := min(max(0, c.ConfirmedSize-l.Base), l.Tree.N)
	for range maxPosts {
		message, end, err := p.post(ctx, m, l, held)
		if err != nil {
			return err
		}
		if c.ConfirmedVersion >= m.Version {
			message.KeySet = nil
		}
		var got format.EntriesAnswer
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
		if got.Size >= l.Tree.N {
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
func (p *Pusher) post(ctx context.Context, m store.MemberRow, l store.LogRow, from int64) (format.EntriesMessage, int64, error) {
	doc, err := seal.DecodeEnvelope(m.Doc)
	if err != nil {
		return format.EntriesMessage{}, 0, err
	}
	message := format.EntriesMessage{Epoch: l.Epoch, Head: string(l.Note), From: from, Entries: []string{}, KeySet: &doc}
	var page []store.LeafRow
	if from < l.Tree.N {
		if page, err = p.st.Page(ctx, l, from, format.PostEntries); err != nil {
			return message, 0, err
		}
	}
	size := 0
	for _, s := range page {
		if size += len(s.Data); size > postBytes && len(message.Entries) > 0 {
			break
		}
		message.Entries = append(message.Entries, base64.StdEncoding.EncodeToString(s.Data))
	}
	end := from + int64(len(message.Entries))
	if end == l.Tree.N {
		return message, end, nil
	}
	root, err := store.RootAt(ctx, p.st.DB, l, end)
	if err != nil {
		return message, 0, err
	}
	part, err := format.SignHead(p.st.Signer, l.Origin, tlog.Tree{N: end, Hash: root}, p.st.Now())
	message.Head = string(part)
	return message, end, err
}

// confirmed notes that a member holds our log, with its cosignature if it holds.
func (p *Pusher) confirmed(ctx context.Context, id core.MemberID, m store.MemberRow, l store.LogRow, got format.EntriesAnswer) error {
	if got.Cosignature != "" {
		keys, err := p.reg.Keys(ctx, id)
		if err != nil {
			return err
		}
		if err := format.CheckCosignature(l.Head(), id, keys, got.Cosignature); err != nil {
			return err
		}
		if err := store.PutCosignature(ctx, p.st.DB, store.Cosignature{Log: l.Origin, Witness: id, Size: l.Tree.N, Line: got.Cosignature}); err != nil {
			return err
		}
	}
	return store.UpdateContact(ctx, p.st.DB, id, func(c *store.Contact) {
		c.ConfirmedSize, c.ConfirmedSigned, c.ConfirmedVersion = l.Base+l.Tree.N, l.Signed, m.Version
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
