package recovery

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
)

// ReplaceKeys makes the key this process signs with the only good one of our log,
// and url where we are: after a new key was drawn because the one before may be in other hands. Earlier
// keys are revoked from where our history ends now; what they sign beyond counts
// nowhere. It answers the size of that history. With the key that is in force
// already it only tells the members the new address.
//
// Returns the codes of Append but for the key (CodeConflict asks for an epoch), and
// CodeDenied (logbook.revoked_key) for a key that was given up before.
func (r *Recovery) ReplaceKeys(ctx context.Context, root ed25519.PrivateKey, url string) (int64, error) {
	if err := r.guard.Pass(ctx); err != nil {
		return 0, err
	}
	return r.author.RenewKeys(ctx, root, url, 0, nil)
}

// learnOwn asks members for our newest key set, so that the next one is newer than
// any that was ever signed: a node that was taken back in time does not know them
// all. What they hold of the log itself is not asked; it may be why we are here.
func (r *Recovery) learnOwn(ctx context.Context) error {
	l, err := store.CurrentLog(ctx, r.st.DB, r.st.Self())
	if err != nil {
		return err
	}
	all, err := r.contacts.Neighbours(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	confirmed, answered := 0, 0
	var problems error
	mirror.SideBySide(ctx, all[:min(len(all), mirror.MaxAsked)], mirror.AskTime, func(ctx context.Context, n store.Neighbour) {
		doc, err := r.remote.SourceAt(n.At(), l.Origin).KeySet(ctx)
		if err == nil {
			err = r.reg.Learn(ctx, r.st.Self(), doc)
		}
		mu.Lock()
		defer mu.Unlock()
		if n.ConfirmedSize > 0 {
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
func (r *Recovery) OpenEpoch(ctx context.Context, root ed25519.PrivateKey, size int64) (int64, error) {
	if err := r.learnOwn(ctx); err != nil {
		return 0, err
	}
	l, err := store.CurrentLog(ctx, r.st.DB, r.st.Self())
	if err != nil {
		return 0, err
	}
	switch {
	case size < 0:
		if size, err = store.WitnessedSize(ctx, r.st.DB, l.Origin); err != nil {
			return 0, err
		}
	case size < l.Base:
		return 0, core.Invalid("logbook.closed_earlier", fmt.Errorf("size %d, the present log begins at %d", size, l.Base)).With("Size", l.Base)
	default:
		size -= l.Base
	}
	size = min(size, l.Tree.N)
	at, err := store.RootAt(ctx, r.st.DB, l, size)
	if err != nil {
		return 0, err
	}
	address, err := r.reg.URL(ctx, r.st.Self())
	if err != nil {
		return 0, err
	}
	var epoch int64
	_, err = r.author.RenewKeys(ctx, root, address, 0, func(k *format.KeySet) error {
		if len(k.Closed) >= format.MaxEpochs {
			return core.Invalid("logbook.bad_keyset", errors.New("too many epochs")).With("Member", r.st.Self())
		}
		k.Closed = append(k.Closed, format.Closed{Size: size, Root: format.HashText(at)})
		epoch = k.Epoch()
		return nil
	})
	return epoch, err
}
