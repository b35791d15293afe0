package blob

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
)

const (
	// markName is the file that says which directory this is.
	markName = ".entrechat-folder"
	// markMagic is how its first line begins; the id follows.
	markMagic = "entrechat-folder/1 "
	// maxMark bounds the file in bytes.
	maxMark = 4096
	// tagName tells programs that save whole machines to leave the directory out.
	tagName = "CACHEDIR.TAG"
)

// tagText is what such programs look for, https://bford.info/cachedir/.
const tagText = `Signature: 8a477f597d28d172789f06886806bc55
# What lies here is encrypted, and somebody's backup already. Saved by a backup of this
# machine (restic: use --exclude-caches), it would be saved again each night.
`

// tagLength is how much of it such programs compare, in bytes.
const tagLength = 43

// Mark says which directory has to be at a path that may be a mount. The directory has an
// id in a file; the same id is kept elsewhere, so that an empty mount point, or another
// disk, is not taken for it. The zero value marks a directory and compares nothing.
type Mark struct {
	// Recall answers the id that is kept ("" = none yet), and whether something is known
	// to lie in the directory.
	Recall func() (id string, used bool, err error)
	// Keep writes the id down.
	Keep func(id string) error
	// Accept is the command that takes what lies at the path for the directory; for people.
	Accept string
}

// place is a path where a directory should be, shared by all views of it.
type place struct {
	path string
	mark Mark

	mu     sync.Mutex
	tree   *tree // what is there; nil when it was away at the last look
	closed bool
}

// OpenMarked is Open for a directory that may be a mount. Where it is not the one that
// mark tells of, every method but Accept answers CodeUnsure (blob.away, blob.other),
// nothing is written, and it is looked for again each time: once it is mounted, work
// goes on.
func OpenMarked(dir string, mark Mark) *Dir {
	return &Dir{place: &place{path: dir, mark: mark}}
}

// Check says whether the directory is there. Returns CodeUnsure (blob.away, blob.other),
// CodeInternal (access.not_ours).
func (p *place) Check() error {
	_, err := p.at()
	return err
}

// at answers the directory. The path is looked at each time: what was mounted there may
// be gone, or back.
func (p *place) at() (*tree, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("%s: %w", p.path, fs.ErrClosed)
	}
	if p.tree != nil && p.tree.isAt(p.path) {
		return p.tree, nil
	}
	p.drop()
	t, err := p.look()
	if err != nil {
		return nil, err
	}
	p.tree = t
	return t, nil
}

// drop gives up what was there; files that are open stay so.
func (p *place) drop() {
	if p.tree != nil {
		_ = p.tree.root.Close() // only read
		p.tree = nil
	}
}

func (p *place) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
	p.closed = true
	return nil
}

// isAt says whether the path leads to the open directory.
func (t *tree) isAt(dir string) bool {
	there, err := os.Lstat(filepath.Join(dir, markName))
	if err != nil {
		return false
	}
	ours, err := t.root.Lstat(markName)
	return err == nil && os.SameFile(there, ours)
}

// look opens what is at the path, if it is the directory.
func (p *place) look() (*tree, error) {
	id, used, err := p.recall()
	if err != nil {
		return nil, err
	}
	if id == "" && !used {
		if err := makeRoot(p.path); err != nil {
			return nil, p.shut(err)
		}
	}
	root, err := os.OpenRoot(p.path)
	if err != nil {
		return nil, p.shut(err)
	}
	t := newTree(root, p.path)
	if err := p.compare(t, id, used); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	// A disk that is full or read-only can be read all the same.
	err = errors.Join(t.mkdir(drafts), t.sweep(), t.tag())
	if code := core.CodeOf(err); err != nil && code != core.CodeFull && code != core.CodeUnsure {
		return nil, errors.Join(p.shut(err), root.Close())
	}
	return t, nil
}

func (p *place) recall() (id string, used bool, err error) {
	if p.mark.Recall == nil {
		return "", false, nil
	}
	return p.mark.Recall()
}

// compare says whether the open directory is the one with this id. One that was never
// marked is, unless it is empty and should not be. While nothing is known to lie in it any
// marked one is: after a recovery the old disk is put back.
func (p *place) compare(t *tree, id string, used bool) error {
	has, err := t.readMark(id)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return p.shut(err)
	case err == nil && has != "" && (id == "" || has == id || !used):
	case err == nil:
		return p.refuse("blob.other", fmt.Errorf("%s is marked %q, not %q", p.path, has, id))
	case id != "" || used && t.empty():
		return p.refuse("blob.away", fmt.Errorf("%s has no mark", p.path))
	default:
		if has, err = t.writeMark(); err != nil {
			return p.shut(err)
		}
	}
	if has == id || p.mark.Keep == nil {
		return nil
	}
	return p.mark.Keep(has)
}

// Accept takes what lies at the path for the directory: a new disk in place of a lost
// one, or a copy of it.
func (p *place) Accept() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
	if err := makeRoot(p.path); err != nil {
		return p.shut(err)
	}
	root, err := os.OpenRoot(p.path)
	if err != nil {
		return p.shut(err)
	}
	defer root.Close() //nolint:errcheck // what counts was synced
	t := newTree(root, p.path)
	if err := t.forget(markName); err != nil {
		return p.shut(err)
	}
	id, err := t.writeMark()
	if err != nil {
		return p.shut(err)
	}
	if p.mark.Keep == nil {
		return nil
	}
	return p.mark.Keep(id)
}

func (p *place) refuse(key string, err error) error {
	return core.Unsure(key, err).With("Path", p.path).With("Command", p.mark.Accept)
}

// shut names the directory in what keeps it from being opened.
func (p *place) shut(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return p.refuse("blob.away", err)
	}
	return p.trouble(fmt.Errorf("open %s: %w", p.path, err))
}

// readMark answers the id in the directory. What is no mark has no id, and is no error.
// The mark with the wanted id ("" = any) of which a few bytes changed is put right.
func (t *tree) readMark(want string) (string, error) {
	f, err := t.root.Open(markName)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxMark))
	if err == nil && want != "" && damaged(text, markMagic+want+"\n") {
		_ = t.rewriteMark(want) // a disk that takes nothing can be read all the same
		return want, nil
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	id, ok := bytes.CutPrefix(line, []byte(markMagic))
	if !ok {
		id = nil
	}
	return string(id), err
}

// writeMark gives the directory an id, or answers the one that another process has just
// given it.
func (t *tree) writeMark() (string, error) {
	id := rand.Text()
	err := t.writeNew(markName, markText(id), t.link)
	if core.CodeOf(err) == core.CodeConflict {
		return t.readMark("")
	}
	return id, err
}

func markText(id string) string {
	return markMagic + id + "\n# By this file entrechat sees that the right disk is mounted here. Leave it where it is.\n"
}

// rewriteMark writes the mark again, in the place of a damaged one.
func (t *tree) rewriteMark(id string) error {
	return t.writeNew(markName, markText(id), func(draft, name string) error { return t.root.Rename(draft, name) })
}

// maxDamage is how many bytes of a mark may have changed. Two marks by chance differ in
// more: their ids are drawn at random.
const maxDamage = 4

// damaged says that a text begins with another of which a few bytes changed.
func damaged(text []byte, begin string) bool {
	if len(text) < len(begin) {
		return false
	}
	changed := 0
	for i := range begin {
		if text[i] != begin[i] {
			changed++
		}
	}
	return changed > 0 && changed <= maxDamage
}

// tag tells other programs to leave the directory out of their backups. One that was
// damaged is written anew; what people added to it stays.
func (t *tree) tag() error {
	if f, err := t.root.Open(tagName); err == nil {
		begins := make([]byte, tagLength)
		_, err = io.ReadFull(f, begins)
		_ = f.Close() // only read
		if err == nil && string(begins) == tagText[:tagLength] {
			return nil
		}
		if err := t.forget(tagName); err != nil {
			return err
		}
	}
	err := t.writeNew(tagName, tagText, t.link)
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

// writeNew writes a small file that is on disk whole, or not there; place gives it its
// name.
func (t *tree) writeNew(name, text string, place func(draft, name string) error) (err error) {
	if err := t.mkdir(drafts); err != nil {
		return err
	}
	draft := path.Join(drafts, rand.Text())
	defer func() { err = errors.Join(err, t.forget(draft)) }()
	f, err := t.root.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return t.trouble(fmt.Errorf("begin %s: %w", name, err))
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return t.trouble(fmt.Errorf("write %s: %w", name, err))
	}
	if err := place(draft, name); err != nil {
		return err
	}
	return t.sync(".")
}

// empty says that nothing of ours lies in the directory.
func (t *tree) empty() bool {
	entries, err := fs.ReadDir(t.root.FS(), ".")
	for _, e := range entries {
		switch e.Name() {
		case drafts, tagName, access.Foreign:
		default:
			return false
		}
	}
	return err == nil
}

// WriteTag marks a folder that is no Dir, and holds nothing that is not somewhere else, as
// one to leave out of backups.
func WriteTag(dir string) error {
	err := os.WriteFile(filepath.Join(dir, tagName), []byte(tagText), 0o600)
	if err != nil {
		return trouble(dir, fmt.Errorf("mark %s: %w", dir, err))
	}
	return nil
}
