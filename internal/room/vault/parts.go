package vault

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// partsMax bounds the shards that are kept of objects that are not whole yet, in bytes:
// many members away must not fill the disk.
const partsMax = 1 << 30

// partPrefixOf begins the names of their files.
const partPrefixOf = "shard-"

// partPath is where a shard waits for the others of its object: beside the scratch files,
// gone with them at the node's next start.
func (r *Room) partPath(id shard.Hash, index int) string {
	return filepath.Join(r.scratch(), partPrefixOf+id.String()+"."+strconv.Itoa(index))
}

// keepParts keeps the shards that came whole of an object of which too few did. Failing is
// no more than slow.
func (g *gathering) keepParts() {
	if g.o.Code.K == 1 || g.have == nil {
		return
	}
	kept := g.room.partsSize()
	for i, at := range g.have {
		path := g.room.partPath(g.o.ID, i)
		if at < 0 || isFile(path) {
			continue
		}
		if kept += g.size; kept > partsMax {
			return
		}
		if err := writePartFile(path, io.NewSectionReader(g.file, at, g.size)); err != nil {
			g.room.n.Log.Warn("keeping a shard for the next try failed", "object", g.o.ID.String(), "error", err)
			return
		}
	}
}

func isFile(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func writePartFile(path string, data io.Reader) error {
	f, err := newScratch(filepath.Dir(path))
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, data); err == nil {
		err = os.Rename(f.Name(), path)
	}
	f.kept = err == nil
	return errors.Join(err, f.Close())
}

// takeParts puts the shards that an earlier try kept into their places. What is not the
// bytes its placement says is thrown away.
func (g *gathering) takeParts() error {
	if g.o.Code.K == 1 {
		return nil
	}
	for i := range g.have {
		n := slices.IndexFunc(g.sources, func(p catalogue.Placement) bool { return p.Index == i })
		if n < 0 || g.count() == g.o.Code.K {
			continue
		}
		p, at := g.sources[n], int64(i)*g.size
		if i >= g.o.Code.K {
			g.tickets++
			at = g.o.Code.Padded(g.o.Sealed) + int64(g.tickets)*g.size
		}
		ok, err := g.takePart(g.room.partPath(g.o.ID, i), at, p.Root)
		if err != nil {
			return err
		}
		if ok {
			g.have[i], g.from[i] = at, p
		}
	}
	return nil
}

func (g *gathering) takePart(path string, at int64, root shard.Hash) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	sum := shard.NewRootHasher()
	n, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(g.file, at), sum), io.LimitReader(f, g.size+1))
	if err != nil {
		return false, err
	}
	if n != g.size || sum.Sums().Root != root {
		return false, os.Remove(path)
	}
	return true, nil
}

// dropParts forgets what was kept of an object.
func (r *Room) dropParts(id shard.Hash) {
	for _, path := range r.parts(id.String()) {
		_ = os.Remove(path) // or at the next start
	}
}

func (r *Room) partsSize() (total int64) {
	for _, path := range r.parts("") {
		if info, err := os.Lstat(path); err == nil {
			total += info.Size()
		}
	}
	return total
}

// parts lists the shards that are kept, of one object or of all.
func (r *Room) parts(object string) (paths []string) {
	entries, err := os.ReadDir(r.scratch())
	for _, e := range entries {
		if err == nil && strings.HasPrefix(e.Name(), partPrefixOf+object) {
			paths = append(paths, filepath.Join(r.scratch(), e.Name()))
		}
	}
	return paths
}
