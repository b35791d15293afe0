package logbook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// errForked: the head contradicts what we hold; the caller builds the proof.
var errForked = errors.New("head contradicts the log we hold")

// offer is a head with the entries that follow what we hold, from anybody: the
// author's signature is what counts.
type offer struct {
	note     []byte
	start    int64
	entries  [][]byte
	received core.Moment
}

// take verifies an offer and stores it in one transaction. It answers the head
// that is now held. errForked means that the head is validly signed and
// contradicts ours.
func (b *Book) take(ctx context.Context, id core.MemberID, o offer) (Head, error) {
	var head Head
	changed := false
	o.received = b.now()
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		changed = false
		l, err := getRow(ctx, q, id)
		if err != nil {
			return err
		}
		keys, err := b.keysFor(ctx, q, &l, o)
		if err != nil {
			return err
		}
		if head, err = openHead(id, keys.Keys, o.note); err != nil {
			return err
		}
		v, err := judge(l.Tree, head.Tree, func(size int64) (tlog.Hash, error) { return tlog.TreeHash(size, hashes(ctx, q, id)) })
		switch {
		case err != nil:
			return err
		case v == forking:
			return errForked
		case v == older || v == same && head.Signed <= l.Signed:
			return nil
		case v == longer:
			if err := extend(ctx, q, l, head, o); err != nil {
				return err
			}
		}
		changed = true
		l.Tree, l.Note, l.Signed = head.Tree, head.Note, max(head.Signed, l.Signed)
		return updateRow(ctx, q, l)
	})
	if err == nil && changed {
		b.wake()
	}
	return head, err
}

// keysFor is the key set to verify an offer with: the one we hold, or a newer one
// that stands among the offered entries. Entries are not verified yet, the root
// key's signature on a key set is.
func (b *Book) keysFor(ctx context.Context, q db.Querier, l *row, o offer) (KeySet, error) {
	for _, data := range o.entries {
		doc, ok := keySetIn(data)
		if !ok {
			continue
		}
		learned, err := b.learn(ctx, q, *l, doc)
		if err == nil {
			*l = learned
		}
	}
	return l.keySet()
}

func keySetIn(data []byte) (seal.Envelope, bool) {
	var e leaf
	if wire.Decode(data, &e) != nil || e.Typ != TypKeySet {
		return seal.Envelope{}, false
	}
	return keySetInBody(e.Body)
}

func keySetInBody(body []byte) (seal.Envelope, bool) {
	doc, err := seal.DecodeEnvelope(body)
	return doc, err == nil
}

// extend stores the offered entries up to the new tree and checks that they give
// its root.
func extend(ctx context.Context, q db.Querier, l row, head Head, o offer) error {
	id, held, tree := l.Origin, l.Tree.N, head.Tree
	if o.start > held || o.start+int64(len(o.entries)) < tree.N {
		return core.Conflict("logbook.gap", fmt.Errorf("log of %s: hold %d, offered from %d", id, held, o.start)).With("Member", id)
	}
	for index := held; index < tree.N; index++ {
		data := o.entries[index-o.start]
		if len(data) > MaxEntry {
			return core.Invalid("logbook.bad_entry", fmt.Errorf("entry %d of %s has %d bytes", index, id, len(data)))
		}
		typ := ""
		if e, err := parseLeaf(id, index, data); err == nil {
			typ = e.Typ
		}
		if err := putEntry(ctx, q, id, index, stored{typ: typ, data: data, received: o.received}); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(tree.N, hashes(ctx, q, id))
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errForked
	}
	return nil
}

// accuse keeps a checked fork proof, suspends the member and tells everybody in
// our own log, once.
func (b *Book) accuse(ctx context.Context, f Fork) error {
	fresh := false
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		fresh = false
		l, err := getRow(ctx, q, f.Origin)
		if err != nil || l.Suspended != 0 || f.Origin == b.self() {
			return err
		}
		if err := f.Check(l.Root); err != nil {
			return err
		}
		text, err := wire.Encode(f)
		if err != nil {
			return err
		}
		if err := putFork(ctx, q, f.Origin, text, b.now()); err != nil {
			return err
		}
		l.Suspended, fresh = b.now(), true
		return updateRow(ctx, q, l)
	})
	if err != nil || !fresh {
		return err
	}
	b.n.Log.Warn("member forked its log", "member", f.Origin)
	_, err = b.Append(ctx, TypFork, nil, 0, f)
	return err
}

// prove builds the fork proof of two contradicting heads. rootAndProof asks the
// larger tree for its root at a smaller size and the way from there.
func (b *Book) prove(ctx context.Context, id core.MemberID, other []byte,
	rootAndProof func(tree tlog.Tree, size int64) (tlog.Hash, tlog.TreeProof, error),
) (Fork, error) {
	l, err := getRow(ctx, b.n.DB, id)
	if err != nil {
		return Fork{}, err
	}
	keys, doc, err := b.KeySet(ctx, id)
	if err != nil {
		return Fork{}, err
	}
	theirs, err := openHead(id, keys.Keys, other)
	if err != nil {
		return Fork{}, err
	}
	f := Fork{Origin: id, KeySet: doc, A: string(l.Note), B: string(other)}
	switch {
	case theirs.Tree.N == l.Tree.N:
		return f, nil
	case theirs.Tree.N > l.Tree.N:
		root, proof, err := rootAndProof(theirs.Tree, l.Tree.N)
		if err != nil {
			return f, err
		}
		f.set(root, proof)
		return f, nil
	}
	f.A, f.B = f.B, f.A
	read := hashes(ctx, b.n.DB, id)
	root, err := tlog.TreeHash(theirs.Tree.N, read)
	if err != nil {
		return f, err
	}
	proof, err := tlog.ProveTree(l.Tree.N, theirs.Tree.N, read)
	if err != nil {
		return f, err
	}
	f.set(root, proof)
	return f, nil
}

func (f *Fork) set(root tlog.Hash, proof tlog.TreeProof) {
	f.RootAtA = base64.StdEncoding.EncodeToString(root[:])
	for _, h := range proof {
		f.Proof = append(f.Proof, base64.StdEncoding.EncodeToString(h[:]))
	}
}
