package logbook

import (
	"context"
	"fmt"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

const (
	// tileLimit bounds a hash tile, bundleLimit an entry bundle of 256 entries.
	tileLimit   = torchwood.TileWidth * tlog.HashSize
	bundleLimit = torchwood.TileWidth * (MaxEntry + 2)
	// maxPull bounds how many entries one pull takes; the next goes on from there.
	maxPull = 4096
)

func mirrorURL(base string, id core.MemberID) string {
	return strings.TrimSuffix(base, "/") + "/ec/v1/mirror/" + id.Hash()
}

func logURL(base string) string { return strings.TrimSuffix(base, "/") + "/log" }

// claimedTree reads a note's checkpoint before its signature is checked, to know
// how much to fetch.
func claimedTree(note []byte, id core.MemberID) (tlog.Tree, error) {
	text, _, _ := strings.Cut(string(note), "\n\n")
	c, err := torchwood.ParseCheckpoint(text + "\n")
	if err != nil || c.Origin != string(id) {
		return tlog.Tree{}, core.Invalid("logbook.bad_head", fmt.Errorf("head of %s: names %.80q, %w", id, c.Origin, err)).With("Member", id)
	}
	return c.Tree, nil
}

// fetchEntries reads entry bundles [from, to) of a tile log. A log that is very
// far ahead is refused here and caught up with by its own author's pushes.
func (b *Book) fetchEntries(ctx context.Context, base string, note []byte, from, to int64) (offer, error) {
	if to-from > maxPull*64 {
		return offer{}, core.Invalid("logbook.too_long", fmt.Errorf("%d entries at once", to-from))
	}
	first := from / torchwood.TileWidth
	o := offer{note: note, start: first * torchwood.TileWidth}
	for n := first; n*torchwood.TileWidth < to; n++ {
		width := int(min(torchwood.TileWidth, to-n*torchwood.TileWidth))
		tile := tlog.Tile{H: torchwood.TileHeight, L: -1, N: n, W: width}
		data, err := b.fetch(ctx, base+"/"+torchwood.TilePath(tile), bundleLimit)
		if err != nil {
			return o, err
		}
		for range width {
			entry, rest, err := torchwood.ReadTileEntry(data)
			if err != nil {
				return o, core.Invalid("logbook.bad_bundle", fmt.Errorf("bundle %d at %s: %w", n, base, err))
			}
			o.entries, data = append(o.entries, entry), rest
		}
	}
	return o, nil
}

// remoteTiles reads hash tiles at an address; torchwood checks them against the
// tree.
type remoteTiles struct {
	b    *Book
	base string
}

func (r remoteTiles) ReadTiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, err := r.b.fetch(ctx, r.base+"/"+torchwood.TilePath(tile), tileLimit)
		if err != nil {
			return nil, err
		}
		out[i] = data
	}
	return out, nil
}

func (r remoteTiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (r remoteTiles) ReadEndpoint(ctx context.Context, path string) ([]byte, error) {
	return r.b.fetch(ctx, r.base+"/"+path, maxHead)
}

// remoteProof asks a tile log for its root at a smaller size and the consistency
// proof from there; both are checked against the tree's own root.
func (b *Book) remoteProof(ctx context.Context, base string, tree tlog.Tree, size int64) (tlog.Hash, tlog.TreeProof, error) {
	read := torchwood.TileHashReaderWithContext(ctx, tree, remoteTiles{b, base})
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		return tlog.Hash{}, nil, err
	}
	proof, err := tlog.ProveTree(tree.N, size, read)
	return root, proof, err
}

// readTile makes the bytes of a hash tile or entry bundle of a log we hold.
// Returns CodeNotFound for a tile past its end.
func (b *Book) readTile(ctx context.Context, l row, tile tlog.Tile) ([]byte, error) {
	if tile.L < 0 {
		return b.readBundle(ctx, l, tile)
	}
	last := ((tile.N<<tile.H + int64(tile.W)) << (tile.L * tile.H))
	if last > l.Tree.N || last <= 0 {
		return nil, core.NotFound("logbook.no_tile", fmt.Errorf("tile %v of %s", tile, l.Origin))
	}
	return tlog.ReadTileData(tile, hashes(ctx, b.n.DB, l.Origin))
}

func (b *Book) readBundle(ctx context.Context, l row, tile tlog.Tile) ([]byte, error) {
	from := tile.N * torchwood.TileWidth
	if from+int64(tile.W) > l.Tree.N {
		return nil, core.NotFound("logbook.no_tile", fmt.Errorf("entries %d of %s", tile.N, l.Origin))
	}
	entries, err := getEntries(ctx, b.n.DB, l.Origin, from, tile.W)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, s := range entries {
		if out, err = torchwood.AppendTileEntry(out, s.data); err != nil {
			return nil, err
		}
	}
	return out, nil
}
