package logbook

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Discover reads who a node is from its address. Nothing says yet that it is who
// you think: compare the fingerprint of Root. Returns CodeInvalid, CodeUnsure.
func (b *Book) Discover(ctx context.Context, address string) (WellKnown, error) {
	return Discover(ctx, b.calls, address)
}

// Discover is Book.Discover for one who has no book yet.
func Discover(ctx context.Context, calls Calls, address string) (WellKnown, error) {
	var known WellKnown
	res, err := calls.Get(ctx, strings.TrimSuffix(address, "/")+"/.well-known/entrechat.json", "", seal.MaxDocument)
	if err != nil {
		return known, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return known, core.Unsure("peer.unreachable", err).With("Member", address)
	}
	if err := wire.Peek(data, &known); err != nil {
		return known, err
	}
	keys, err := OpenKeySet(known.KeySet, known.Origin, known.Root)
	if err != nil {
		return known, err
	}
	known.URL = keys.URL
	return known, nil
}

// firstPull bounds how long Adopt waits for the log itself.
const firstPull = 5 * time.Second

// Adopt follows a member whose root key was confirmed, with the key set it showed,
// and fetches its log if it answers now; otherwise the exchange will.
func (b *Book) Adopt(ctx context.Context, known WellKnown) error {
	if err := b.Follow(ctx, known.Origin, known.URL, known.Root); err != nil {
		return err
	}
	if err := b.Learn(ctx, known.Origin, known.KeySet); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstPull)
	defer cancel()
	if err := b.pullLog(ctx, known.Origin, logURL(known.URL)); err != nil {
		b.n.Log.Debug("log not fetched yet", "member", known.Origin, "error", err)
	}
	return nil
}

// Recover rebuilds our own log on an empty disk from the members at these
// addresses: the longest verified history any of them holds goes on, under a new
// online key that the root key vouches for. It answers how many entries came back.
// Returns CodeUnsure when nobody answers, CodeNotFound when nobody knows us.
func (b *Book) Recover(ctx context.Context, root ed25519.PrivateKey, url string, addresses []string) (int64, error) {
	self := core.RootKey(root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
	if err := b.Follow(ctx, b.self(), url, self); err != nil {
		return 0, err
	}
	var problems error
	var answered []core.MemberID
	for _, address := range addresses {
		id, err := b.recoverFrom(ctx, address)
		if err == nil {
			answered = append(answered, id)
		}
		problems = errors.Join(problems, err)
	}
	l, err := getRow(ctx, b.n.DB, b.self())
	if err != nil {
		return 0, err
	}
	if len(answered) == 0 || l.Doc == nil {
		code := core.CodeOf(problems)
		if code != core.CodeNotFound {
			code = core.CodeUnsure
		}
		return 0, &core.Error{Code: code, Key: "logbook.nobody_knows_us", Err: fmt.Errorf("recover own log: %w", problems)}
	}
	if err := b.newOnlineKey(ctx, root, l, url); err != nil {
		return l.Tree.N, err
	}
	b.announce(ctx, answered)
	return l.Tree.N, nil
}

// recoverFrom gets to know the member at an address and fetches our log from it.
// Its root key is taken as shown: what it gives back proves itself.
func (b *Book) recoverFrom(ctx context.Context, address string) (core.MemberID, error) {
	known, err := b.Discover(ctx, address)
	if err != nil {
		return "", err
	}
	if err := b.Adopt(ctx, known); err != nil {
		return "", err
	}
	return known.Origin, b.pullLog(ctx, b.self(), mirrorURL(known.URL, b.self()))
}

// announce tells members our newest key set at once; who does not hear it will
// find it in the log.
func (b *Book) announce(ctx context.Context, to []core.MemberID) {
	_, doc, err := b.KeySet(ctx, b.self())
	if err != nil {
		return
	}
	for _, id := range to {
		if err := b.calls.JSON(ctx, id, "POST", "/ec/v1/keyset", doc, nil); err != nil {
			b.n.Log.Warn("key set not announced", "member", id, "error", err)
		}
	}
}

// newOnlineKey signs a key set with this node's key, revokes the earlier ones from
// the size that was found, and appends it.
func (b *Book) newOnlineKey(ctx context.Context, root ed25519.PrivateKey, l row, url string) error {
	keys, err := l.keySet()
	if err != nil {
		return err
	}
	for i := range keys.Keys {
		if keys.Keys[i].RevokedFrom == 0 {
			keys.Keys[i].RevokedFrom = l.Tree.N
		}
	}
	keys.Keys = append(keys.Keys, NewKey(b.n.Signer.Public()))
	if len(keys.Keys) > 16 {
		keys.Keys = keys.Keys[len(keys.Keys)-16:]
	}
	keys.Version, keys.URL, keys.Made = keys.Version+1, url, b.now()
	doc, err := keys.Sign(root)
	if err != nil {
		return err
	}
	text, err := doc.Encode()
	if err != nil {
		return err
	}
	entry, err := encodeLeaf(Entry{Typ: TypKeySet, Log: b.self(), Iat: b.now()}, doc)
	if err != nil {
		return err
	}
	err = b.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		l, err := getRow(ctx, q, b.self())
		if err != nil {
			return err
		}
		if err := soundEdge(ctx, q, l); err != nil {
			return err
		}
		l.Doc, l.Version, l.URL = text, keys.Version, url
		_, err = b.grow(ctx, q, l, stored{typ: TypKeySet, data: entry, received: b.now()})
		return err
	})
	if err != nil {
		return err
	}
	return b.Beat(ctx)
}
