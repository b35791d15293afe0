package logbook

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// tileStore reads hash tiles of one log from SQL, for tlog.TileHashReader.
type tileStore struct {
	ctx    context.Context //nolint:containedctx // tlog.TileReader has no other way to pass one
	q      db.Querier
	origin string
}

func (s tileStore) Height() int { return torchwood.TileHeight }

func (s tileStore) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, err := getTile(s.ctx, s.q, s.origin, t)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (s tileStore) SaveTiles([]tlog.Tile, [][]byte) {}

func getTile(ctx context.Context, q db.Querier, origin string, t tlog.Tile) ([]byte, error) {
	data, err := db.One(ctx, q, scanBytes, `SELECT data FROM logbook_tile WHERE log = $1 AND level = $2 AND n = $3`, origin, t.L, t.N)
	if errors.Is(err, db.ErrNoRow) || err == nil && len(data) < t.W*tlog.HashSize {
		return nil, damaged(origin, fmt.Errorf("tile %s is missing or short", torchwood.TilePath(t)))
	}
	if err != nil {
		return nil, err
	}
	return data[:t.W*tlog.HashSize], nil
}

func scanBytes(r db.Row) (b []byte, err error) {
	err = r.Scan(&b)
	return b, err
}

// hashes reads hashes of a log that we hold up to tree. Everything read is
// checked against the tree's root first, so a flipped bit on the disk is an
// error, never a hash.
func hashes(ctx context.Context, q db.Querier, origin string, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, tileStore{ctx, q, origin})
}

// rootAt is a log's root at a smaller size than we hold.
func rootAt(ctx context.Context, q db.Querier, l logRow, size int64) (tlog.Hash, error) {
	if size == l.tree.N {
		return l.tree.Hash, nil
	}
	root, err := tlog.TreeHash(size, hashes(ctx, q, l.origin, l.tree))
	if err != nil {
		return root, damaged(l.origin, err)
	}
	return root, nil
}

// growth is a tree that got longer, computed and not yet stored.
type growth struct {
	tree  tlog.Tree
	tiles []tlog.Tile
	data  [][]byte
}

// grow computes a tree with more leaves. The old tree's right edge is verified on
// the way.
func grow(ctx context.Context, q db.Querier, origin string, tree tlog.Tree, leaves [][]byte) (growth, error) {
	fresh := map[int64]tlog.Hash{}
	old := hashes(ctx, q, origin, tree)
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return overlay(indexes, fresh, old) })
	size := tree.N
	for _, leaf := range leaves {
		added, err := tlog.StoredHashesForRecordHash(size, tlog.RecordHash(leaf), read)
		if err != nil {
			return growth{}, damaged(origin, err)
		}
		at := tlog.StoredHashIndex(0, size)
		for i, h := range added {
			fresh[at+int64(i)] = h
		}
		size++
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		return growth{}, damaged(origin, err)
	}
	g := growth{tree: tlog.Tree{N: size, Hash: root}, tiles: tlog.NewTiles(torchwood.TileHeight, tree.N, size)}
	for _, t := range g.tiles {
		data, err := tlog.ReadTileData(t, read)
		if err != nil {
			return growth{}, damaged(origin, err)
		}
		g.data = append(g.data, data)
	}
	return g, nil
}

// overlay reads hashes that are new from memory and the rest, in one go, from the
// tree before.
func overlay(indexes []int64, fresh map[int64]tlog.Hash, old tlog.HashReader) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var ask []int64
	var places []int
	for i, index := range indexes {
		if h, ok := fresh[index]; ok {
			out[i] = h
			continue
		}
		ask, places = append(ask, index), append(places, i)
	}
	if len(ask) == 0 {
		return out, nil
	}
	found, err := old.ReadHashes(ask)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		out[place] = found[i]
	}
	return out, nil
}

func putTiles(ctx context.Context, q db.Querier, origin string, g growth) error {
	for i, t := range g.tiles {
		_, err := db.Exec(ctx, q, `INSERT INTO logbook_tile (log, level, n, data) VALUES ($1,$2,$3,$4)
			ON CONFLICT (log, level, n) DO UPDATE SET data = excluded.data`, origin, t.L, t.N, g.data[i])
		if err != nil {
			return err
		}
	}
	return nil
}

// stored is an entry's bytes with what we noted about them.
type stored struct {
	index    int64 // leaf index within its log
	typ      string
	data     []byte
	received core.Moment
}

func putEntries(ctx context.Context, q db.Querier, origin string, entries []stored) error {
	for _, e := range entries {
		_, err := db.Exec(ctx, q, `INSERT INTO logbook_entry (log, idx, typ, data, received_us) VALUES ($1,$2,$3,$4,$5)`,
			origin, e.index, e.typ, e.data, int64(e.received))
		if err != nil {
			return err
		}
	}
	return nil
}

// rowBytes is what an entry costs beside its own bytes, in rows, index and tiles.
const rowBytes = 256

// memberBytes is what is held of a member, in bytes: the leaves of all its logs, those in
// quarantine too, and what their rows cost.
func memberBytes(ctx context.Context, q db.Querier, id core.MemberID) (int64, error) {
	logs, err := db.One(ctx, q, db.Int64, `SELECT CAST(COALESCE(SUM(bytes + size * $2), 0) AS BIGINT) FROM logbook_log WHERE member = $1`, string(id), rowBytes)
	if err != nil {
		return 0, err
	}
	apart, err := db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM logbook_quarantine WHERE log IN (SELECT origin FROM logbook_log WHERE member = $1)`, string(id))
	return logs + apart*rowBytes, err
}

// getEntries reads at most limit leaves from leaf index from on.
func getEntries(ctx context.Context, q db.Querier, origin string, from int64, limit int) ([]stored, error) {
	return db.All(ctx, q, func(r db.Row) (s stored, err error) {
		err = r.Scan(&s.index, &s.typ, &s.data, &s.received)
		return s, err
	}, `SELECT idx, typ, data, received_us FROM logbook_entry WHERE log = $1 AND idx >= $2 ORDER BY idx LIMIT $3`, origin, from, limit)
}

// truncate takes a log back to a smaller size; what stood behind is kept in
// quarantine and goes on counting as the member's bytes. It answers the tree that is
// left.
func truncate(ctx context.Context, q db.Querier, l logRow, size int64, now core.Moment) (logRow, error) {
	root, err := rootAt(ctx, q, l, size)
	if err != nil {
		return l, err
	}
	edge, err := edgeTiles(ctx, q, l, size)
	if err != nil {
		return l, err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_quarantine (log, idx, moved_us, data)
		SELECT log, idx, CAST($3 AS BIGINT), data FROM logbook_entry WHERE log = $1 AND idx >= $2
		ON CONFLICT (log, idx, moved_us) DO NOTHING`, l.origin, size, int64(now))
	if err != nil {
		return l, err
	}
	if _, err := db.Exec(ctx, q, `DELETE FROM logbook_entry WHERE log = $1 AND idx >= $2`, l.origin, size); err != nil {
		return l, err
	}
	if _, err := db.Exec(ctx, q, `DELETE FROM logbook_tile WHERE log = $1`, l.origin); err != nil {
		return l, err
	}
	l.tree = tlog.Tree{N: size, Hash: root}
	return l, putTiles(ctx, q, l.origin, edge)
}

// edgeTiles are all hash tiles of a log as of a smaller size.
func edgeTiles(ctx context.Context, q db.Querier, l logRow, size int64) (growth, error) {
	g := growth{tiles: tlog.NewTiles(torchwood.TileHeight, 0, size)}
	read := hashes(ctx, q, l.origin, l.tree)
	for _, t := range g.tiles {
		data, err := tlog.ReadTileData(t, read)
		if err != nil {
			return g, damaged(l.origin, err)
		}
		g.data = append(g.data, data)
	}
	return g, nil
}
