package store

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
		data, err := GetTile(s.ctx, s.q, s.origin, t)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (s tileStore) SaveTiles([]tlog.Tile, [][]byte) {}

// GetTile reads the first hashes of a stored tile, as many as t is wide. Returns CodeInternal
// (logbook.damaged) when there are fewer.
func GetTile(ctx context.Context, q db.Querier, origin string, t tlog.Tile) ([]byte, error) {
	data, err := db.One(ctx, q, scanBytes, `SELECT data FROM logbook_tile WHERE log = $1 AND level = $2 AND n = $3`, origin, t.L, t.N)
	if errors.Is(err, db.ErrNoRow) || err == nil && len(data) < t.W*tlog.HashSize {
		return nil, Damaged(origin, fmt.Errorf("tile %s is missing or short", torchwood.TilePath(t)))
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

// Hashes reads hashes of a log that we hold up to tree. Everything read is
// checked against the tree's root first, so a flipped bit on the disk is an
// error, never a hash.
func Hashes(ctx context.Context, q db.Querier, origin string, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, tileStore{ctx, q, origin})
}

// RootAt is a log's root at a smaller size than we hold.
func RootAt(ctx context.Context, q db.Querier, l LogRow, size int64) (tlog.Hash, error) {
	if size == l.Tree.N {
		return l.Tree.Hash, nil
	}
	root, err := tlog.TreeHash(size, Hashes(ctx, q, l.Origin, l.Tree))
	if err != nil {
		return root, Damaged(l.Origin, err)
	}
	return root, nil
}

// Growth is a tree that got longer, computed and not yet stored.
type Growth struct {
	Tree  tlog.Tree
	Tiles []tlog.Tile
	Data  [][]byte
}

// Grow computes a tree with more leaves. The old tree's right edge is verified on
// the way.
func Grow(ctx context.Context, q db.Querier, origin string, tree tlog.Tree, leaves [][]byte) (Growth, error) {
	fresh := map[int64]tlog.Hash{}
	old := Hashes(ctx, q, origin, tree)
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return overlay(indexes, fresh, old) })
	size := tree.N
	for _, leaf := range leaves {
		added, err := tlog.StoredHashesForRecordHash(size, tlog.RecordHash(leaf), read)
		if err != nil {
			return Growth{}, Damaged(origin, err)
		}
		at := tlog.StoredHashIndex(0, size)
		for i, h := range added {
			fresh[at+int64(i)] = h
		}
		size++
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		return Growth{}, Damaged(origin, err)
	}
	g := Growth{Tree: tlog.Tree{N: size, Hash: root}, Tiles: tlog.NewTiles(torchwood.TileHeight, tree.N, size)}
	for _, t := range g.Tiles {
		data, err := tlog.ReadTileData(t, read)
		if err != nil {
			return Growth{}, Damaged(origin, err)
		}
		g.Data = append(g.Data, data)
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

// PutTiles stores the tiles of a tree that grew.
func PutTiles(ctx context.Context, q db.Querier, origin string, g Growth) error {
	for i, t := range g.Tiles {
		_, err := db.Exec(ctx, q, `INSERT INTO logbook_tile (log, level, n, data) VALUES ($1,$2,$3,$4)
			ON CONFLICT (log, level, n) DO UPDATE SET data = excluded.data`, origin, t.L, t.N, g.Data[i])
		if err != nil {
			return err
		}
	}
	return nil
}

// LeafRow is an entry's bytes with what we noted about them.
type LeafRow struct {
	Index    int64 // leaf index within its log
	Typ      string
	Data     []byte
	Received core.Moment
}

// PutEntries stores leaves in places that are empty.
func PutEntries(ctx context.Context, q db.Querier, origin string, entries []LeafRow) error {
	for _, e := range entries {
		_, err := db.Exec(ctx, q, `INSERT INTO logbook_entry (log, idx, typ, data, received_us) VALUES ($1,$2,$3,$4,$5)`,
			origin, e.Index, e.Typ, e.Data, int64(e.Received))
		if err != nil {
			return err
		}
	}
	return nil
}

// RowBytes is what an entry costs beside its own bytes, in rows, index and tiles.
const RowBytes = 256

// MemberBytes is what is held of a member, in bytes: the leaves of all its logs, those in
// quarantine too, and what their rows cost.
func MemberBytes(ctx context.Context, q db.Querier, id core.MemberID) (int64, error) {
	logs, err := db.One(ctx, q, db.Int64, `SELECT CAST(COALESCE(SUM(bytes + size * $2), 0) AS BIGINT) FROM logbook_log WHERE member = $1`, string(id), RowBytes)
	if err != nil {
		return 0, err
	}
	apart, err := db.One(ctx, q, db.Int64, `SELECT COUNT(*) FROM logbook_quarantine WHERE log IN (SELECT origin FROM logbook_log WHERE member = $1)`, string(id))
	return logs + apart*RowBytes, err
}

// GetEntries reads at most limit leaves from leaf index from on.
func GetEntries(ctx context.Context, q db.Querier, origin string, from int64, limit int) ([]LeafRow, error) {
	return db.All(ctx, q, func(r db.Row) (s LeafRow, err error) {
		err = r.Scan(&s.Index, &s.Typ, &s.Data, &s.Received)
		return s, err
	}, `SELECT idx, typ, data, received_us FROM logbook_entry WHERE log = $1 AND idx >= $2 ORDER BY idx LIMIT $3`, origin, from, limit)
}

// Truncate takes a log back to a smaller size; what stood behind is kept in
// quarantine and goes on counting as the member's bytes. It answers the tree that is
// left.
func Truncate(ctx context.Context, q db.Querier, l LogRow, size int64, now core.Moment) (LogRow, error) {
	root, err := RootAt(ctx, q, l, size)
	if err != nil {
		return l, err
	}
	edge, err := edgeTiles(ctx, q, l, size)
	if err != nil {
		return l, err
	}
	_, err = db.Exec(ctx, q, `INSERT INTO logbook_quarantine (log, idx, moved_us, data)
		SELECT log, idx, CAST($3 AS BIGINT), data FROM logbook_entry WHERE log = $1 AND idx >= $2
		ON CONFLICT (log, idx, moved_us) DO NOTHING`, l.Origin, size, int64(now))
	if err != nil {
		return l, err
	}
	if _, err := db.Exec(ctx, q, `DELETE FROM logbook_entry WHERE log = $1 AND idx >= $2`, l.Origin, size); err != nil {
		return l, err
	}
	if _, err := db.Exec(ctx, q, `DELETE FROM logbook_tile WHERE log = $1`, l.Origin); err != nil {
		return l, err
	}
	l.Tree = tlog.Tree{N: size, Hash: root}
	return l, PutTiles(ctx, q, l.Origin, edge)
}

// edgeTiles are all hash tiles of a log as of a smaller size.
func edgeTiles(ctx context.Context, q db.Querier, l LogRow, size int64) (Growth, error) {
	g := Growth{Tiles: tlog.NewTiles(torchwood.TileHeight, 0, size)}
	read := Hashes(ctx, q, l.Origin, l.Tree)
	for _, t := range g.Tiles {
		data, err := tlog.ReadTileData(t, read)
		if err != nil {
			return g, Damaged(l.Origin, err)
		}
		g.Data = append(g.Data, data)
	}
	return g, nil
}
