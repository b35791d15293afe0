package logbook

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
)

// checkup is one log while it is compared with what its author signed.
type checkup struct {
	r      *Repairer
	member memberRow
	keys   KeySet
	log    logRow // as stored

	expect     logRow           // as it should be stored
	leaves     []tlog.Hash      // of the stored leaves, zero where one is missing
	rewritten  map[int64]stored // leaves to store anew
	rereadFrom int64            // first leaf that readers are told again, -1 = none
	stray      bool             // there are leaves outside of the tree
	olderKey   bool             // our line under the head is of a key that was replaced since
}

// span is a range of leaves, the end excluded.
type span struct{ from, to int64 }

// run compares, repairs, and says whether anything was repaired.
func (c *checkup) run(ctx context.Context) (bool, error) {
	c.rewritten, c.rereadFrom = map[int64]stored{}, -1
	c.expect = c.expected()
	if err := c.readLeaves(ctx); err != nil {
		return false, err
	}
	hashed, root, err := buildTree(c.leaves)
	if err != nil {
		return false, err
	}
	if root != c.expect.tree.Hash {
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
	resign := c.log.note != nil && c.expect.note == nil
	sound := tiles == nil && len(c.rewritten) == 0 && !c.stray && !resign && sameLog(c.log, c.expect)
	if sound && !c.olderKey {
		return false, nil
	}
	return !sound, c.store(ctx, tiles, resign)
}

// expected is the log row as the signed head, or the key set that closed the log,
// says it should be. Where neither says anything, the stored tree counts: the
// leaves must lead to it.
func (c *checkup) expected() logRow {
	l := c.log
	if l.epoch <= c.keys.Epoch() {
		l.base = c.keys.base(l.epoch)
	}
	if closed, ok := c.keys.closed(l.epoch); ok {
		if l.tree.N >= closed.N {
			l.tree = closed
		}
		return l
	}
	if l.note == nil {
		return l
	}
	h, err := openHead(c.keys, l.epoch, l.note)
	if err != nil {
		l.note = nil
		return l
	}
	l.tree = h.tree
	// A head says when it was signed in whole seconds, the row more closely.
	if d := l.signed.Sub(h.signed); d < 0 || d >= time.Second {
		l.signed = h.signed
	}
	return l
}

// readLeaves hashes every stored leaf.
func (c *checkup) readLeaves(ctx context.Context) error {
	inside, outside, err := countEntries(ctx, c.r.st.DB, c.log.origin, c.expect.tree.N)
	if err != nil {
		return err
	}
	c.stray = outside > 0
	if c.expect.tree.N-inside > maxMissing {
		return c.damage(fmt.Errorf("%d of %d entries are missing", c.expect.tree.N-inside, c.expect.tree.N))
	}
	c.leaves = make([]tlog.Hash, c.expect.tree.N)
	for next := int64(0); next < c.expect.tree.N; {
		page, err := getEntries(ctx, c.r.st.DB, c.log.origin, next, pageSize)
		if err != nil {
			return err
		}
		for _, s := range page {
			if s.index < c.expect.tree.N {
				c.leaves[s.index] = tlog.RecordHash(s.data)
				c.checkType(s)
				next = s.index + 1
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	return nil
}

// checkType compares the type noted beside a leaf with the one in it: readers are
// not told leaves of other types.
func (c *checkup) checkType(s stored) {
	if s.typ != "" && strings.HasPrefix(string(s.data), `{"typ":"`+s.typ+`"`) {
		return // as we write them
	}
	if typ := c.typeOf(s.index, s.data); typ != s.typ {
		s.typ = typ
		c.rewrite(s)
	}
}

func (c *checkup) typeOf(index int64, data []byte) string {
	e, err := parseLeaf(c.member.id, c.expect.base+index, data)
	if err != nil {
		return ""
	}
	return e.Typ
}

func (c *checkup) rewrite(s stored) {
	c.rewritten[s.index] = s
	if c.rereadFrom < 0 || s.index < c.rereadFrom {
		c.rereadFrom = s.index
	}
}

// missing are the leaves that are missing or are not those of the tree. Where the
// stored tiles still lead to the root they say which; elsewhere whole pages are
// fetched.
func (c *checkup) missing(ctx context.Context) []span {
	var out []span
	read := hashes(ctx, c.r.st.DB, c.log.origin, c.expect.tree)
	for from := int64(0); from < c.expect.tree.N; from += pageSize {
		to := min(from+pageSize, c.expect.tree.N)
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
	where := c.damage(fmt.Errorf("%d entries are missing or not those signed, the first is %d", total, c.expect.base+first(lost)))
	if total == 0 || total > maxMissing {
		return nil, where
	}
	holders, err := c.r.contacts.holders(ctx, c.member)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, repairTime)
	defer cancel()
	type answer struct {
		hashed hashList
		rows   map[int64]stored
	}
	got := make(chan answer, len(holders))
	for _, at := range holders {
		go func() {
			hashed, rows, err := c.fetchFrom(ctx, c.r.remote.sourceAt(at, c.log.origin), lost)
			if err != nil {
				c.r.st.Log.Debug("no sound copy", "log", c.log.origin, "at", at.member, "error", err)
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
func (c *checkup) fetchFrom(ctx context.Context, s source, lost []span) (hashList, map[int64]stored, error) {
	leaves := slices.Clone(c.leaves)
	rows := map[int64]stored{}
	for _, part := range lost {
		entries, err := s.entries(ctx, part.from, part.to)
		if err != nil {
			return nil, nil, err
		}
		for i, data := range entries {
			index := part.from + int64(i)
			leaves[index] = tlog.RecordHash(data)
			rows[index] = stored{index: index, typ: c.typeOf(index, data), data: data, received: c.r.st.Now()}
		}
	}
	hashed, root, err := buildTree(leaves)
	if err != nil {
		return nil, nil, err
	}
	if root != c.expect.tree.Hash {
		return nil, nil, core.Invalid("logbook.bad_bundle", fmt.Errorf("entries at %s do not lead to the signed root", s))
	}
	return hashed, rows, nil
}

// wrongTiles computes every tile and answers all of them when one that is stored
// differs; nil when all are right.
func (c *checkup) wrongTiles(ctx context.Context, hashed hashList) (*growth, error) {
	g := &growth{tree: c.expect.tree, tiles: tlog.NewTiles(torchwood.TileHeight, 0, c.expect.tree.N)}
	wrong := false
	for _, t := range g.tiles {
		data, err := tlog.ReadTileData(t, hashed)
		if err != nil {
			return nil, c.damage(err)
		}
		g.data = append(g.data, data)
		have, err := getTile(ctx, c.r.st.DB, c.log.origin, t)
		if err != nil && !isDamage(err) {
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
	if c.expect.bytes, err = leafBytes(ctx, c.r.st.DB, c.log.origin); err != nil || c.expect.note == nil {
		return err
	}
	keys := []ed25519.PublicKey{c.r.st.Signer.Public()}
	if checkCosignature(c.expect.head(), c.r.st.Self(), keys, c.expect.cosig) == nil {
		return nil
	}
	if c.olderKey, err = c.ofOlderKey(ctx); err != nil {
		return err
	}
	line, err := cosign(c.r.st.Signer, c.expect.head(), c.r.st.Now())
	if err != nil {
		return err
	}
	if c.expect.cosig = line; c.olderKey {
		c.log.cosig = line // it was replaced with its key, and not damaged
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
	return checkCosignature(c.expect.head(), c.r.st.Self(), keys, c.expect.cosig) == nil, nil
}

// sameLog says whether two rows of one log agree in what a checkup looks at.
func sameLog(a, b logRow) bool {
	return a.base == b.base && a.tree == b.tree && a.signed == b.signed && a.bytes == b.bytes && a.cosig == b.cosig
}

// store writes what was repaired, if the log is still as it was read. A head of
// ours that was damaged is signed again over the same tree; somebody else's is
// fetched again.
func (c *checkup) store(ctx context.Context, tiles *growth, resign bool) error {
	r := c.r
	return r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		now, err := getLog(ctx, q, c.log.member, c.log.epoch)
		if err != nil {
			return err
		}
		if now.tree != c.log.tree || string(now.note) != string(c.log.note) || now.base != c.log.base {
			return errChanged
		}
		if err := c.replace(ctx, q, tiles); err != nil {
			return err
		}
		if c.expect.bytes, err = leafBytes(ctx, q, c.log.origin); err != nil {
			return err
		}
		if resign {
			c.expect.cosig = ""
		}
		if err := putSound(ctx, q, c.expect); err != nil || !resign {
			return err
		}
		if c.log.member == r.st.Self() {
			return r.author.signLog(ctx, q, c.expect, c.keys)
		}
		return resetCursors(ctx, q)
	})
}

// replace stores the leaves and tiles that were wrong.
func (c *checkup) replace(ctx context.Context, q db.Querier, tiles *growth) error {
	if err := dropStray(ctx, q, c.expect, c.r.st.Now()); err != nil {
		return err
	}
	for _, index := range slices.Sorted(maps.Keys(c.rewritten)) {
		if err := replaceEntry(ctx, q, c.log.origin, c.rewritten[index]); err != nil {
			return err
		}
	}
	if tiles != nil {
		if err := replaceTiles(ctx, q, c.log.origin, *tiles); err != nil {
			return err
		}
	}
	if c.rereadFrom < 0 {
		return nil
	}
	return rewindCursors(ctx, q, c.log.member, c.expect.base+c.rereadFrom)
}

func (c *checkup) damage(err error) error { return damaged(c.log.origin, err) }

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
