package logbook

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// ReplaceKeys makes the key this process signs with the only good one of our log,
// and url where we are: after a new key was drawn because the one before may be in other hands. Earlier
// keys are revoked from where our history ends now; what they sign beyond counts
// nowhere. It answers the size of that history. With the key that is in force
// already it only tells the members the new address.
//
// Returns the codes of Append but for the key (CodeConflict asks for an epoch), and
// CodeDenied (logbook.revoked_key) for a key that was given up before.
func (b *Book) ReplaceKeys(ctx context.Context, root ed25519.PrivateKey, url string) (int64, error) {
	if err := b.guard(ctx); err != nil {
		return 0, err
	}
	return b.renewKeys(ctx, root, url, 0, nil)
}

// learnOwn asks members for our newest key set, so that the next one is newer than
// any that was ever signed: a node that was taken back in time does not know them
// all. What they hold of the log itself is not asked; it may be why we are here.
func (b *Book) learnOwn(ctx context.Context) error {
	l, err := currentLog(ctx, b.n.DB, b.self())
	if err != nil {
		return err
	}
	all, err := b.neighbours(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	confirmed, answered := 0, 0
	var problems error
	sideBySide(ctx, all[:min(len(all), guardAsks)], guardTime, func(ctx context.Context, n neighbour) {
		doc, err := b.sourceAt(n.at(), l.origin).keySet(ctx)
		if err == nil {
			err = b.Learn(ctx, b.self(), doc)
		}
		mu.Lock()
		defer mu.Unlock()
		if n.toldSize > 0 {
			confirmed++
		}
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			problems = errors.Join(problems, err)
			return
		}
		answered++
	})
	if confirmed > 0 && answered == 0 {
		return core.Unsure("logbook.no_mirror", fmt.Errorf("none of %d mirrors answered: %w", confirmed, problems))
	}
	return ctx.Err()
}

// renewKeys publishes a key set in which this node's key is the only good one. It
// answers the size of our whole history before that entry. reopen, when not nil,
// changes the set further; its version is at least the one given.
func (b *Book) renewKeys(ctx context.Context, root ed25519.PrivateKey, url string, least int64, reopen func(*KeySet) error) (int64, error) {
	var size int64
	err := b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := getMember(ctx, q, b.self())
		if err != nil {
			return err
		}
		keys, err := m.keySet()
		if err != nil {
			return err
		}
		l, err := currentLog(ctx, q, b.self())
		if err != nil {
			return err
		}
		size = l.base + l.tree.N
		keys.Version, keys.URL, keys.Made = max(keys.Version+1, least), url, b.now()
		if reopen != nil {
			if err := reopen(&keys); err != nil {
				return err
			}
			size = keys.base(keys.Epoch())
		}
		if keys.revoked(b.n.Signer.Public()) {
			return core.Denied("logbook.revoked_key", errors.New("the key this node signs with was revoked"))
		}
		keys.replace(b.n.Signer.Public(), size)
		doc, err := keys.Sign(root)
		if err != nil {
			return err
		}
		if err := b.spoke(ctx, q); err != nil {
			return err
		}
		m.forked = 0
		return b.publish(ctx, q, m, doc)
	})
	if err == nil {
		b.wake()
	}
	return size, err
}

// spoke settles, now that the root key spoke, what was held against ourselves; whoever
// refused the old keys, or what they signed, is told at once.
func (b *Book) spoke(ctx context.Context, q db.Querier) error {
	if err := clearStops(ctx, q); err != nil {
		return err
	}
	if _, err := pardonForks(ctx, q, b.self(), b.now()); err != nil {
		return err
	}
	return callNow(ctx, q, "")
}

// revoked says whether a key was given up: nothing makes it good again.
func (s KeySet) revoked(key ed25519.PublicKey) bool {
	return slices.ContainsFunc(s.Keys, func(k Key) bool { return k.RevokedFrom != 0 && key.Equal(k.Public()) })
}

// replace makes a key the only good one; the others keep what they signed up to
// size.
func (s *KeySet) replace(key ed25519.PublicKey, size int64) {
	var out []Key
	for _, k := range s.Keys {
		if key.Equal(k.Public()) {
			continue
		}
		if k.RevokedFrom == 0 || k.RevokedFrom > size {
			k.RevokedFrom = size
		}
		if k.RevokedFrom > 0 {
			out = append(out, k)
		}
	}
	if len(out) >= maxKeys {
		out = out[len(out)-maxKeys+1:]
	}
	s.Keys = append(out, NewKey(key))
}

// OpenEpoch closes our log where it is known to be good and goes on in a new one:
// the way back after two histories of it were signed by accident, or after its
// disk was damaged. It costs one root-signed entry, not the identity. size is how
// many entries of our whole history are good, at most what verifies here; -1 takes
// as many as a neighbour cosigned. Entries behind it
// leave the log and are kept in quarantine. It answers the number of the epoch
// opened.
//
// Returns CodeUnsure (logbook.no_mirror) when members hold our log and none
// answers, CodeDenied (logbook.revoked_key), CodeInternal when the disk does not
// even give a tree of that size.
func (b *Book) OpenEpoch(ctx context.Context, root ed25519.PrivateKey, size int64) (int64, error) {
	if err := b.learnOwn(ctx); err != nil {
		return 0, err
	}
	l, err := currentLog(ctx, b.n.DB, b.self())
	if err != nil {
		return 0, err
	}
	switch {
	case size < 0:
		if size, err = witnessedSize(ctx, b.n.DB, l.origin); err != nil {
			return 0, err
		}
	case size < l.base:
		return 0, core.Invalid("logbook.closed_earlier", fmt.Errorf("size %d, the present log begins at %d", size, l.base)).With("Size", l.base)
	default:
		size -= l.base
	}
	size = min(size, l.tree.N)
	at, err := rootAt(ctx, b.n.DB, l, size)
	if err != nil {
		return 0, err
	}
	address, err := b.URL(ctx, b.self())
	if err != nil {
		return 0, err
	}
	var epoch int64
	_, err = b.renewKeys(ctx, root, address, 0, func(k *KeySet) error {
		if len(k.Closed) >= maxEpochs {
			return core.Invalid("logbook.bad_keyset", errors.New("too many epochs")).With("Member", b.self())
		}
		k.Closed = append(k.Closed, Closed{Size: size, Root: hashText(at)})
		epoch = k.Epoch()
		return nil
	})
	return epoch, err
}
