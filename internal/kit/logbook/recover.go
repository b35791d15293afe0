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
// CodeDenied when they know us under another root key,
// CodeConflict when they hold two histories (open an epoch) or this node has a log
// already.
func (b *Book) Recover(ctx context.Context, root ed25519.PrivateKey, url string, addresses []string) (int64, error) {
	if l, err := currentLog(ctx, b.n.DB, b.self()); err == nil && l.tree.N > 0 {
		return 0, core.Conflict("logbook.exists", fmt.Errorf("%s has a log of %d entries", b.self(), l.tree.N))
	}
	if err := b.forgetTry(ctx); err != nil {
		return 0, err
	}
	if err := b.Follow(ctx, b.self(), url, rootOf(root)); err != nil {
		return 0, err
	}
	var problems error
	var answered []core.MemberID
	otherRoot := false
	for _, address := range addresses {
		id, err := b.recoverFrom(ctx, address)
		if errors.Is(err, errConflict) {
			return 0, core.Conflict("logbook.own_fork", err)
		}
		if err == nil {
			answered = append(answered, id)
		}
		otherRoot = otherRoot || core.CodeOf(err) == core.CodeDenied
		problems = errors.Join(problems, err)
	}
	m, err := getMember(ctx, b.n.DB, b.self())
	if err != nil {
		return 0, err
	}
	if m.version == 0 {
		if otherRoot {
			return 0, core.Denied("logbook.other_words", fmt.Errorf("recover own log: %w", problems)).With("Member", b.self())
		}
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

// forgetTry forgets a recovery that brought nothing: it may have had another root
// key in hand.
func (b *Book) forgetTry(ctx context.Context) error {
	m, err := getMember(ctx, b.n.DB, b.self())
	if err != nil || m.version != 0 {
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		return err
	}
	return b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return forget(ctx, q, b.self()) })
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
	return known.Origin, b.pullOwnAt(ctx, holder{known.Origin, known.URL}, l)
}

// NewKeySet is a first key set for a member whose online key is known; sign it
// with the root key and hand it to Init.
func NewKeySet(s seal.Signer, url string, made core.Moment) KeySet {
	return KeySet{Origin: s.ID(), Version: 1, URL: url, Keys: []Key{NewKey(s.Public())}, Made: made}
}
