package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"entrechat/internal/room/vault/shard"
)

// partsMax bounds the shards of objects that are not whole yet, in bytes: many members away
// must not fill the disk.
const partsMax = 1 << 30

// partPrefix begins the names of their files.
const partPrefix = "shard-"

// Parts are shards that wait for the others of their object: in the cache's folder, beside
// the temporary files, gone with them at the node's next start.
type Parts struct{ Dir string }

func (p Parts) path(id shard.Hash, index int) string {
	return filepath.Join(p.Dir, partPrefix+id.String()+"."+strconv.Itoa(index))
}

// Put writes a shard of size bytes, when there is room for it beside the others; what is
// there already stays.
func (p Parts) Put(id shard.Hash, index int, data io.Reader, size int64) error {
	path := p.path(id, index)
	if _, err := os.Lstat(path); err == nil || p.size()+size > partsMax {
		return nil
	}
	f, err := NewTemp(p.Dir)
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, data); err == nil {
		err = f.Rename(path)
	}
	return errors.Join(err, f.Close())
}

// CopyTo writes a shard of size bytes to its place. False when it is not here; what is not
// the bytes that root says is thrown away.
func (p Parts) CopyTo(to io.Writer, id shard.Hash, index int, size int64, root shard.Hash) (bool, error) {
	path := p.path(id, index)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	sum := shard.NewRootHasher()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(f, size+1))
	if err != nil {
		return false, err
	}
	if n != size || sum.Sums().Root != root {
		return false, os.Remove(path)
	}
	return true, nil
}

// Drop forgets the shards of an object.
func (p Parts) Drop(id shard.Hash) {
	for _, path := range p.Files(id.String()) {
		_ = os.Remove(path) // or at the next start
	}
}

func (p Parts) size() (total int64) {
	for _, path := range p.Files("") {
		if info, err := os.Lstat(path); err == nil {
			total += info.Size()
		}
	}
	return total
}

// Files lists where the shards of one object lie, or of all ("").
func (p Parts) Files(object string) (paths []string) {
	entries, err := os.ReadDir(p.Dir)
	for _, e := range entries {
		if err == nil && strings.HasPrefix(e.Name(), partPrefix+object) {
			paths = append(paths, filepath.Join(p.Dir, e.Name()))
		}
	}
	return paths
}
