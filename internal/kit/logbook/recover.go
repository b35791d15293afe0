package logbook

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

// Recover rebuilds our own log on an empty disk from the members at these
// addresses: the longest verified history any of them holds goes on under this
// node's new online key, which the root key vouches for; earlier keys are revoked
// from where the recovered history ends. It answers the size of that history. url
// is where we can be reached now.
//
// Returns CodeUnsure when nobody answers, CodeNotFound when nobody knows us,
// CodeConflict when they hold two histories (open an epoch) or this node has a log
// already.
func (b *Book) Recover(ctx context.Context, root ed25519.PrivateKey, url string, addresses []string) (int64, error) {
	if l, err := currentLog(ctx, b.n.DB, b.self()); err == nil && l.tree.N > 0 {
		return 0, core.Conflict("logbook.exists", fmt.Errorf("%s has a log of %d entries", b.self(), l.tree.N))
	}
	if err := b.Follow(ctx, b.self(), url, rootOf(root)); err != nil {
		return 0, err
	}
	var problems error
	var answered []core.MemberID
	for _, address := range addresses {
		id, err := b.recoverFrom(ctx, address)
		if errors.Is(err, errConflict) {
			return 0, core.Conflict("logbook.own_fork", err)
		}
		if err == nil {
			answered = append(answered, id)
		}
		problems = errors.Join(problems, err)
	}
	m, err := getMember(ctx, b.n.DB, b.self())
	if err != nil {
		return 0, err
	}
	if m.version == 0 {
		if problems != nil && core.CodeOf(problems) != core.CodeNotFound {
			return 0, core.Unsure("logbook.nobody_answers", fmt.Errorf("recover own log: %w", problems))
		}
		return 0, core.NotFound("logbook.nobody_knows_us", fmt.Errorf("recover own log: %w", problems))
	}
	b.passed() // whoever is left was just asked
	size, err := b.renewKeys(ctx, root, url, nil)
	if err == nil {
		b.announce(ctx, answered)
	}
	return size, err
}

// recoverFrom gets to know the member at an address and fetches our log from it.
// Its root key is taken as shown: what it gives back proves itself, and our own
// log says with whom we had to do.
func (b *Book) recoverFrom(ctx context.Context, address string) (core.MemberID, error) {
	known, err := b.Discover(ctx, address)
	if err != nil {
		return "", err
	}
	if known.Origin == b.self() {
		return "", core.NotFound("logbook.nobody_knows_us", fmt.Errorf("%s is our own address", address))
	}
	if err := b.Adopt(ctx, known); err != nil {
		return "", err
	}
	l, err := currentLog(ctx, b.n.DB, b.self())
	if err != nil {
		return "", err
	}
	return known.Origin, b.pullOwnAt(ctx, known.URL, l)
}

// renewKeys publishes a key set in which this node's key is the only good one. It
// answers the size of our whole history before that entry. reopen, when not nil,
// changes the set further.
func (b *Book) renewKeys(ctx context.Context, root ed25519.PrivateKey, url string, reopen func(*KeySet) error) (int64, error) {
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
		keys.Version, keys.URL, keys.Made = keys.Version+1, url, b.now()
		if reopen != nil {
			if err := reopen(&keys); err != nil {
				return err
			}
			size = keys.base(keys.Epoch())
		}
		keys.replace(b.n.Signer.Public(), size)
		doc, err := keys.Sign(root)
		if err != nil {
			return err
		}
		// The root key spoke: what was held against ourselves is settled.
		if err := clearStops(ctx, q); err != nil {
			return err
		}
		if _, err := pardonForks(ctx, q, m.id, b.now()); err != nil {
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
// much of the present log is good, at most what verifies here; -1 takes the
// largest size that a neighbour cosigned and that verifies here. Entries behind it
// leave the log and are kept in quarantine. It answers the number of the epoch
// opened.
func (b *Book) OpenEpoch(ctx context.Context, root ed25519.PrivateKey, size int64) (int64, error) {
	l, err := currentLog(ctx, b.n.DB, b.self())
	if err != nil {
		return 0, err
	}
	if size < 0 {
		if size, err = witnessedSize(ctx, b.n.DB, l.origin); err != nil {
			return 0, err
		}
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
	_, err = b.renewKeys(ctx, root, address, func(k *KeySet) error {
		if len(k.Closed) >= maxEpochs {
			return core.Invalid("logbook.bad_keyset", errors.New("too many epochs")).With("Member", b.self())
		}
		k.Closed = append(k.Closed, Closed{Size: size, Root: hashText(at)})
		epoch = k.Epoch()
		return nil
	})
	return epoch, err
}

// NewKeySet is a first key set for a member whose online key is known; sign it
// with the root key and hand it to Init.
func NewKeySet(s seal.Signer, url string, made core.Moment) KeySet {
	return KeySet{Origin: s.ID(), Version: 1, URL: url, Keys: []Key{NewKey(s.Public())}, Made: made}
}
