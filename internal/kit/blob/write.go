package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"entrechat/internal/core"
)

const (
	// stride is how many bytes are written between two looks at the free space.
	stride = 8 << 20
	// fresh is how old a draft must be before Open may take it for abandoned: its
	// writer locks it just after making it.
	fresh = time.Minute
	// abandoned is that age on a disk without locks.
	abandoned = 48 * time.Hour
)

// Put stores what r gives under a new name and says how many bytes that was. It
// is on disk when Put returns; when r fails, or ctx ends, nothing is. Returns
// CodeConflict when the name is taken, CodeFull when the disk is full or at its
// floor, CodeInvalid for a name that is none; r's errors come back as they are.
func (d *Dir) Put(ctx context.Context, name string, r io.Reader) (n int64, err error) {
	p, err := d.Create(name)
	if err != nil {
		return 0, err
	}
	if n, err = io.Copy(p, stopped{ctx, r}); err != nil {
		return 0, errors.Join(err, p.Abort())
	}
	return n, p.Commit()
}

// stopped is a reader that ends with its context.
type stopped struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to learn of it
	io.Reader
}

func (s stopped) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// Pending is an object that is being written: invisible until Commit, gone after
// Abort. Not safe for concurrent use.
type Pending struct {
	dir   *Dir
	tree  *tree // where it was begun, and ends
	name  string
	draft string
	file  *os.File // nil once ended
	due   int64    // bytes until the next look at the free space
	err   error    // the first failure; nothing is committed after it
}

// Create begins an object for a caller that must see all of it before it knows
// whether to keep it. Returns CodeConflict when the name is taken already (another
// writer may still win it before Commit), CodeFull, CodeInvalid.
func (d *Dir) Create(name string) (*Pending, error) {
	if err := valid(name); err != nil {
		return nil, err
	}
	t, err := d.at()
	if err != nil {
		return nil, err
	}
	if _, err := t.root.Lstat(name); err == nil {
		return nil, nameExists(name)
	}
	p := &Pending{dir: d, tree: t, name: name, draft: path.Join(drafts, rand.Text())}
	if p.file, err = t.root.OpenFile(p.draft, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return nil, d.trouble(fmt.Errorf("begin %s: %w", name, err))
	}
	if mine, _ := claim(p.file); !mine {
		return nil, errors.Join(fmt.Errorf("draft of %s is locked by another process", name), p.Abort())
	}
	return p, nil
}

// Write adds bytes. Returns CodeFull.
func (p *Pending) Write(data []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	if p.due -= int64(len(data)); p.due < 0 && p.dir.floor > 0 {
		p.due = stride
		if p.err = p.dir.Room(core.Size(stride + len(data))); p.err != nil {
			return 0, p.err
		}
	}
	n, err := p.file.Write(data)
	if err != nil {
		p.err = p.dir.trouble(fmt.Errorf("write %s: %w", p.name, err))
	}
	return n, p.err
}

// Commit gives the object its name; it is on disk when Commit returns, and nothing
// has the name when it fails. Returns CodeConflict, CodeFull, fs.ErrClosed after
// the end.
func (p *Pending) Commit() error {
	if p.file == nil {
		return p.err
	}
	if p.err == nil {
		p.err = p.publish()
	}
	if err := p.err; err != nil {
		return errors.Join(err, p.Abort())
	}
	// The object is there; a draft that stays is swept by the next Open.
	_ = p.Abort()
	return nil
}

// Abort forgets what was written. After the end it does nothing, so it can be
// deferred.
func (p *Pending) Abort() error {
	if p.file == nil {
		return nil
	}
	// The draft goes before its lock does. Closing has nothing left to report:
	// what counts was synced.
	err := p.tree.forget(p.draft)
	_ = p.file.Close()
	p.file = nil
	if p.err == nil {
		p.err = fs.ErrClosed
	}
	return err
}

func (p *Pending) publish() error {
	if err := p.file.Sync(); err != nil {
		return p.dir.trouble(fmt.Errorf("write %s: %w", p.name, err))
	}
	folder := path.Dir(p.name)
	if err := p.tree.mkdir(folder); err != nil {
		return fmt.Errorf("make folder of %s: %w", p.name, err)
	}
	err := p.tree.link(p.draft, p.name)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody tidied an empty folder away.
		p.tree.forgetFolders()
		if err = p.tree.mkdir(folder); err == nil {
			err = p.tree.link(p.draft, p.name)
		}
	}
	if err != nil {
		return err
	}
	if err := p.tree.sync(folder); err != nil {
		// Whether the name is on disk is unknown, so it must not be seen either.
		return errors.Join(err, p.tree.forget(p.name))
	}
	return nil
}
