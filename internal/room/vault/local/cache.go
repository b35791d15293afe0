package local

import (
	"container/list"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"entrechat/internal/kit/access"
	"entrechat/internal/kit/blob"
	"entrechat/internal/room/vault/shard"
)

// Cache has sealed objects that were read back from the members, so that restic's many
// small reads of one pack cost one journey. It is bounded, forgets the least
// used first, and means nothing: it is emptied whenever a node starts.
type Cache struct {
	dir   string
	max   int64
	mu    sync.Mutex
	used  int64
	order *list.List // of cached, the newest in front
	byID  map[shard.Hash]*list.Element
}

type cached struct {
	id   shard.Hash
	size int64
}

// NewCache begins with an empty folder.
func NewCache(dir string, maxBytes int64) (*Cache, error) {
	if err := os.RemoveAll(dir); access.Denied(err) {
		return nil, access.Explain(dir, err)
	} else if err != nil {
		return nil, fmt.Errorf("empty the cache: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	if err := blob.WriteTag(dir); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, max: maxBytes, order: list.New(), byID: map[shard.Hash]*list.Element{}}, nil
}

// Path is where an object lies when it is here.
func (c *Cache) Path(id shard.Hash) string { return filepath.Join(c.dir, id.String()) }

// Open answers nil when the object is not here.
func (c *Cache) Open(id shard.Hash) *os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byID[id]
	if !ok {
		return nil
	}
	f, err := os.Open(c.Path(id))
	if err != nil {
		c.forget(at)
		return nil
	}
	c.order.MoveToFront(at)
	return f
}

// Drop removes an object that is damaged here: the next reader has it brought again.
func (c *Cache) Drop(id shard.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.byID[id]; ok {
		c.forget(at)
	}
}

// Put takes a sealed object that was brought back into the cache's folder. It was written
// without fsync: after a crash the folder is emptied.
func (c *Cache) Put(id shard.Hash, f *Temp, size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byID[id]; ok {
		return nil
	}
	if err := f.Rename(c.Path(id)); err != nil {
		return err
	}
	c.byID[id] = c.order.PushFront(cached{id, size})
	c.used += size
	for c.used > c.max && c.order.Len() > 1 {
		c.forget(c.order.Back())
	}
	return nil
}

// Clear forgets everything.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.order.Len() > 0 {
		c.forget(c.order.Back())
	}
}

// forget removes an object; who has it open reads on.
func (c *Cache) forget(at *list.Element) {
	old := c.order.Remove(at).(cached) //nolint:forcetypeassert,errcheck // nothing else is put in
	delete(c.byID, old.id)
	c.used -= old.size
	_ = os.Remove(c.Path(old.id))
}
