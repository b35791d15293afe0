package repair

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"filippo.io/torchwood"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
)

// checkup is one log while it is compared with what its author signed.
type checkup struct {
	r      *Repairer
	member store.MemberRow
	keys   format.KeySet
	log    store.LogRow // as stored

	expect     store.LogRow            // as it should be stored
	leaves     []tlog.Hash             // of the stored leaves, zero where one is missing
	rewritten  map[int64]store.LeafRow // leaves to store anew
	rereadFrom int64                   // first leaf that readers are told again, -1 = none
	stray      bool                    // there are leaves outside of the tree
	olderKey   bool                    // our line under the head is of a key that was replaced since
}

// span is a range of leaves, the end excluded.
type span struct{ from, to int64 }

// run compares, repairs, and says whether anything was repaired.
func (c *checkup) run(ctx context.Context) (bool, error) {
	c.rewritten, c.rereadFrom = map[int64]store.LeafRow{}, -1
	c.expect = c.expected()
	if err := c.readLeaves(ctx); err != nil {
		return false, err
	}
	hashed, root, err := buildTree(c.leaves)
	if err != nil {
		return false, err
	}
	if root != c.expect.Tree.Hash {
		if hashed, err = c.fetchBack(ctx); err != nil {
			return false, err
		}
	}
	tiles, err := c.wrongTiles(ctx, hashed)
	if err != nil {
		return false, err
	}
	if err := c.bind(ctx); err != nil {
		return false, err
	}
	resign := c.log.Note != nil && c.expect.Note == nil
	sound := tiles == nil && len(c.rewritten) == 0 && !c.stray && !resign && sameLog(c.log, c.expect)
	if sound && !c.olderKey {
		return false, nil
	}
	return !sound, c.store(ctx, tiles, resign)
}

// expected is the log row as the signed head, or the key set that closed the log,
// says it should be. Where neither says anything, the stored tree counts: the
// leaves must lead to it.
func (c *checkup) expected() store.LogRow {
	l := c.log
	if l.Epoch <= c.keys.Epoch() {
		l.Base = c.keys.Base(l.Epoch)
	}
	if closed, ok := c.keys.ClosedTree(l.Epoch); ok {
		if l.Tree.N >= closed.N {
			l.Tree = closed
		}
		return l
	}
	if l.Note == nil {
		return l
	}
	h, err := format.OpenHead(c.keys, l.Epoch, l.Note)
	if err != nil {
		l.Note = nil
		return l
	}
	l.Tree = h.Tree
	// A head says when it was signed in whole seconds, the row more closely.
	if d := l.Signed.Sub(h.Signed); d < 0 || d >= time.Second {
		l.Signed = h.Signed
	}
	return l
}

// readLeaves hashes every stored leaf.
func (c *checkup) readLeaves(ctx context.Context) error {
	inside, outside, err := store.CountEntries(ctx, c.r.st.DB, c.log.Origin, c.expect.Tree.N)
	if err != nil {
		return err
	}
	c.stray = outside > 0
	if c.expect.Tree.N-inside > maxMissing {
		return c.damage(fmt.Errorf("%d of %d entries are missing", c.expect.Tree.N-inside, c.expect.Tree.N))
	}
	c.leaves = make([]tlog.Hash, c.expect.Tree.N)
	for next := int64(0); next < c.expect.Tree.N; {
		page, err := store.GetEntries(ctx, c.r.st.DB, c.log.Origin, next, store.PageSize)
		if err != nil {
			return err
		}
		for _, s := range page {
			if s.Index < c.expect.Tree.N {
				c.leaves[s.Index] = tlog.RecordHash(s.Data)
				c.checkType(s)
				next = s.Index + 1
			}
		}
		if len(page) < store.PageSize {
			break
		}
	}
	return nil
}

// checkType compares the type noted beside a leaf with the one in it: readers are
// not told leaves of other types.
func (c *checkup) checkType(s store.LeafRow) {
	if s.Typ != "" && strings.HasPrefix(string(s.Data), `{"typ":"`+s.Typ+`"`) {
		return // as we write them
	}
	if typ := c.typeOf(s.Index, s.Data); typ != s.Typ {
		s.Typ = typ
		c.rewrite(s)
	}
}

func (c *checkup) typeOf(index int64, data []byte) string {
	e, err := format.ParseLeaf(c.member.ID, c.expect.Base+index, data)
	if err != nil {
		return ""
	}
	return e.Typ
}

func (c *checkup) rewrite(s store.LeafRow) {
	c.rewritten[s.Index] = s
	if c.rereadFrom < 0 || s.Index < c.rereadFrom {
		c.rereadFrom = s.Index
	}
}

// missing are the leaves that are missing or are not those of the tree. Where the
// stored tiles still lead to the root they say which; elsewhere whole pages are
// fetched.
func (c *checkup) missing(ctx context.Context) []span {
	var out []span
	read := store.Hashes(ctx, c.r.st.DB, c.log.Origin, c.expect.Tree)
	for from := int64(0); from < c.expect.Tree.N; from += store.PageSize {
		to := min(from+store.PageSize, c.expect.Tree.N)
		indexes := make([]int64, 0, to-from)
		for i := from; i < to; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, i))
		}
		want, err := read.ReadHashes(indexes)
		if err != nil {
			out = append(out, span{from, to})
			continue
		}
		for i := from; i < to; i++ {
			if c.leaves[i] != want[i-from] {
				out = append(out, span{i, i + 1})
			}
		}
	}
	return out
}

// fetchBack asks members that hold the log, side by side, for the leaves that are
// lost. The first answer with which the tree leads to the signed root is taken. It
// answers the hashes of that tree.
func (c *checkup) fetchBack(ctx context.Context) (hashList, error) {
	lost := c.missing(ctx)
	total := int64(0)
	for _, s := range lost {
		total += s.to - s.from
	}
	where := c.damage(fmt.Errorf("%d entries are missing or not those signed, the first is %d", total, c.expect.Base+first(lost)))
	if total == 0 || total > maxMissing {
		return nil, where
	}
	holders, err := c.r.contacts.Holders(ctx, c.member)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	type answer struct {
		hashed hashList
		rows   map[int64]store.LeafRow
	}
	got := make(chan answer, len(holders))
	for _, at := range holders {
		go func() {
			hashed, rows, err := c.fetchFrom(ctx, c.r.remote.SourceAt(at, c.log.Origin), lost)
			if err != nil {
				c.r.st.Log.Debug("no sound copy", "log", c.log.Origin, "at", at.Member, "error", err)
			}
			got <- answer{hashed, rows}
		}()
	}
	for range holders {
		if a := <-got; a.rows != nil {
			for _, s := range a.rows {
				c.rewrite(s)
			}
			return a.hashed, nil
		}
	}
	return nil, where
}

func first(spans []span) int64 {
	if len(spans) == 0 {
		return 0
	}
	return spans[0].from
}

// fetchFrom fetches the lost leaves from one member and checks them against the
// root.
func (c *checkup) fetchFrom(ctx context.Context, s mirror.Source, lost []span) (hashList, map[int64]store.LeafRow, error) {
	leaves := slices.Clone(c.leaves)
	rows := map[int64]store.LeafRow{}
	for _, part := range lost {
		entries, err := s.Entries(ctx, part.from, part.to)
		if err != nil {
			return nil, nil, err
		}
		for i, data := range entries {
			index := part.from + int64(i)
			leaves[index] = tlog.RecordHash(data)
			rows[index] = store.LeafRow{Index: index, Typ: c.typeOf(index, data), Data: data, Received: c.r.st.Now()}
		}
	}
	hashed, root, err := buildTree(leaves)
	if err != nil {
		return nil, nil, err
	}
	if root != c.expect.Tree.Hash {
		return nil, nil, core.Invalid("logbook.bad_bundle", fmt.Errorf("entries at %s do not lead to the signed root", s))
	}
	return hashed, rows, nil
}

// wrongTiles computes every tile and answers all of them when one that is stored
// differs; nil when all are right.
func (c *checkup) wrongTiles(ctx context.Context, hashed hashList) (*store.Growth, error) {
	g := &store.Growth{Tree: c.expect.Tree, Tiles: tlog.NewTiles(torchwood.TileHeight, 0, c.expect.Tree.N)}
	wrong := false
	for _, t := range g.Tiles {
		data, err := tlog.ReadTileData(t, hashed)
		if err != nil {
			return nil, c.damage(err)
		}
		g.Data = append(g.Data, data)
		have, err := store.GetTile(ctx, c.r.st.DB, c.log.Origin, t)
		if err != nil && !store.IsDamage(err) {
			return nil, err
		}
		wrong = wrong || string(have) != string(data)
	}
	if !wrong {
		return nil, nil //nolint:nilnil // no growth: nothing to store
	}
	return g, nil
}

// bind recomputes what the row says beside the tree: how many bytes there are, and
// our own line under the head.
func (c *checkup) bind(ctx context.Context) (err error) {
	if c.expect.Bytes, err = store.LeafBytes(ctx, c.r.st.DB, c.log.Origin); err != nil || c.expect.Note == nil {
		return err
	}
	keys := []ed25519.PublicKey{c.r.st.Signer.Public()}
	if format.CheckCosignature(c.expect.Head(), c.r.st.Self(), keys, c.expect.Cosig) == nil {
		return nil
	}
	if c.olderKey, err = c.ofOlderKey(ctx); err != nil {
		return err
	}
	line, err := format.Cosign(c.r.st.Signer, c.expect.Head(), c.r.st.Now())
	if err != nil {
		return err
	}
	if c.expect.Cosig = line; c.olderKey {
		c.log.Cosig = line // it was replaced with its key, and not damaged
	}
	return nil
}

// ofOlderKey says whether our line under the head holds under a key we had before.
func (c *checkup) ofOlderKey(ctx context.Context) (bool, error) {
	ours, _, err := c.r.reg.KeySet(ctx, c.r.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil // no log yet
	}
	if err != nil {
		return false, err
	}
	var keys []ed25519.PublicKey
	for _, k := range ours.Keys {
		keys = append(keys, k.Public())
	}
	return format.CheckCosignature(c.expect.Head(), c.r.st.Self(), keys, c.expect.Cosig) == nil, nil
}

// sameLog says whether two rows of one log agree in what a checkup looks at.
func sameLog(a, b store.LogRow) bool {
	return a.Base == b.Base && a.Tree == b.Tree && a.Signed == b.Signed && a.Bytes == b.Bytes && a.Cosig == b.Cosig
}

// store writes what was repaired, if the log is still as it was read. A head of
// ours that was damaged is signed again over the same tree; somebody else's is
// fetched again.
func (c *checkup) store(ctx context.Context, tiles *store.Growth, resign bool) error {
	r := c.r
	return r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		now, err := store.GetLog(ctx, q, c.log.Member, c.log.Epoch)
		if err != nil {
			return err
		}
		if now.Tree != c.log.Tree || string(now.Note) != string(c.log.Note) || now.Base != c.log.Base {
			return errChanged
		}
		if err := c.replace(ctx, q, tiles); err != nil {
			return err
		}
		if c.expect.Bytes, err = store.LeafBytes(ctx, q, c.log.Origin); err != nil {
			return err
		}
		if resign {
			c.expect.Cosig = ""
		}
		if err := store.PutSound(ctx, q, c.expect); err != nil || !resign {
			return err
		}
		if c.log.Member == r.st.Self() {
			return r.author.SignLog(ctx, q, c.expect, c.keys)
		}
		return store.ResetCursors(ctx, q)
	})
}

// replace stores the leaves and tiles that were wrong.
func (c *checkup) replace(ctx context.Context, q db.Querier, tiles *store.Growth) error {
	if err := store.DropStray(ctx, q, c.expect, c.r.st.Now()); err != nil {
		return err
	}
	for _, index := range slices.Sorted(maps.Keys(c.rewritten)) {
		if err := store.ReplaceEntry(ctx, q, c.log.Origin, c.rewritten[index]); err != nil {
			return err
		}
	}
	if tiles != nil {
		if err := store.ReplaceTiles(ctx, q, c.log.Origin, *tiles); err != nil {
			return err
		}
	}
	if c.rereadFrom < 0 {
		return nil
	}
	return store.RewindCursors(ctx, q, c.log.Member, c.expect.Base+c.rereadFrom)
}

func (c *checkup) damage(err error) error { return store.Damaged(c.log.Origin, err) }

// hashList is every hash of a tree, in the order of tlog.StoredHashIndex.
type hashList []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (l hashList) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(l)) {
			return nil, fmt.Errorf("hash %d of %d", index, len(l))
		}
		out[i] = l[index]
	}
	return out, nil
}

// buildTree computes a tree from its leaves.
func buildTree(leaves []tlog.Hash) (hashList, tlog.Hash, error) {
	all := make(hashList, 0, 2*len(leaves))
	for i, leaf := range leaves {
		added, err := tlog.StoredHashesForRecordHash(int64(i), leaf, all)
		if err != nil {
			return nil, tlog.Hash{}, err
		}
		all = append(all, added...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), all)
	return all, root, err
}
