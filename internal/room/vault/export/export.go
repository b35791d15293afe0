package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/retrieve"
)

// exporters is how many files are fetched at once.
const exporters = 3

// Needs is what an export is made of.
type Needs struct {
	Store    catalogue.Store
	Retrieve *retrieve.Retriever
	Recovery *recovery.Recovery
	Pool     *pool.Pool
	Words    *words.Printer
	// Skip says which files to leave out; nil = none but entrechat's own.
	Skip func(o catalogue.Object) bool
}

// Exporter writes backups as plain restic repositories. Safe for concurrent use.
type Exporter struct{ n Needs }

// New makes one.
func New(n Needs) *Exporter { return &Exporter{n} }

// Exported is what an export wrote.
type Exported struct {
	Files   int64 `json:"files"`
	Bytes   int64 `json:"bytes"`
	Skipped int64 `json:"skipped"` // were there already, the same bytes
	Missing int64 `json:"missing"` // could not be had
}

// Export writes a backup as a plain restic repository that needs no entrechat: each
// file checked against its name, none written again that is there with the content its
// name says, so that an export that broke off goes on where it was. A file that cannot be had
// does not stop the others. say is told after each file. Returns CodeNotFound for an unknown
// backup, CodeConflict for a folder that holds anything else, or into which another export
// writes, CodeUnsure when files are missing in the end, or may be because the catalogue is
// not known to be whole, CodeFull, CodeDenied for a folder that cannot be written.
func (r *Exporter) Export(ctx context.Context, name, dir string, say func(Exported)) (out Exported, err error) {
	defer func() { err = folderTrouble(dir, err) }()
	if _, err := r.n.Store.Repos.Get(ctx, name); err != nil {
		return out, err
	}
	objects, err := r.n.Store.Objects.All(ctx, name)
	if err != nil {
		return out, err
	}
	objects = slices.DeleteFunc(objects, func(o catalogue.Object) bool { return o.File.Type == catalogue.Meta || r.n.Skip != nil && r.n.Skip(o) })
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, fmt.Errorf("make the export's folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return out, fmt.Errorf("open the export's folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written through it any more
	e := &exporting{by: r, root: root, say: say}
	release, err := e.alone(dir)
	if err != nil {
		return out, err
	}
	defer release()
	if err := e.begin(ctx, objects, dir); err != nil {
		return out, err
	}
	// What could not be had the first time may only have met a line that broke.
	missing, err := e.files(ctx, objects)
	if len(missing) > 0 && err == nil {
		missing, err = e.files(ctx, missing)
	}
	e.out.Missing = int64(len(missing))
	if err == nil {
		err = syncFolders(root)
	}
	written := e.out.Files + e.out.Skipped
	switch doubt := r.n.Recovery.Whole(ctx); {
	case err != nil:
	case len(missing) > 0:
		err = core.Unsure("vault.export_incomplete", fmt.Errorf("%d files: %w", len(missing), e.last)).
			With("Name", name).With("Dir", dir).With("Count", len(missing)).With("Written", written).
			With("Members", r.silentOf(ctx, missing))
	case doubt != nil:
		err = core.Unsure("vault.export_doubted", doubt).
			With("Name", name).With("Dir", dir).With("Count", written).With("Why", r.n.Words.Error(doubt))
	}
	return e.out, err
}

// folderTrouble says what is wrong with the folder that a person named, where it is that.
func folderTrouble(dir string, err error) error {
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok || core.CodeOf(err) != core.CodeInternal || !sameWay(at.Path, dir) {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return core.Full("vault.export_full", err).With("Dir", dir)
	}
	return core.Denied("vault.export_folder", err).With("Dir", dir).With("Detail", at.Err.Error())
}

// sameWay says that one of two paths lies below the other. What is opened in a folder has
// a name in it, which is no absolute path.
func sameWay(a, b string) bool {
	a, b = filepath.Clean(a)+"/", filepath.Clean(b)+"/"
	return !filepath.IsAbs(a) || strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// exporting is one export under way.
type exporting struct {
	by   *Exporter
	root *os.Root
	say  func(Exported)

	mu      sync.Mutex
	out     Exported
	missing []catalogue.Object
	last    error // why a file was not to be had
}

// alone keeps other exports out of the folder until release: they would write into each
// other's unfinished files. A disk without locks is taken for free. Returns CodeConflict.
func (e *exporting) alone(dir string) (release func(), err error) {
	const name = partPrefix + "lock"
	f, err := e.root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write into the export's folder: %w", err)
	}
	busy := disk.TryLock(f)
	ours, err := f.Stat()
	there, gone := e.root.Stat(name)
	if errors.Is(busy, disk.ErrLocked) || err == nil && (gone != nil || !os.SameFile(ours, there)) { // one that just ended took it away
		return nil, errors.Join(core.Conflict("vault.export_busy", errors.New("another export writes there")).With("Dir", dir), f.Close())
	}
	return func() { _ = errors.Join(e.root.Remove(name), f.Close()) }, err
}

// begin writes restic's config first: by it a folder is known again. The folder must
// be empty or hold this very repository.
func (e *exporting) begin(ctx context.Context, objects []catalogue.Object, dir string) error {
	other := func(why error) error { return core.Conflict("vault.export_other", why).With("Dir", dir) }
	at := slices.IndexFunc(objects, func(o catalogue.Object) bool { return o.File.Type == rest.Config })
	there, err := e.root.ReadFile(string(rest.Config))
	switch {
	case err == nil && at < 0:
		return other(errors.New("it has a config, the backup none"))
	case errors.Is(err, fs.ErrNotExist):
		if empty, err := noFiles(e.root); err != nil || !empty {
			return errors.Join(err, other(errors.New("files, but no config")))
		}
	case err != nil:
		return fmt.Errorf("read the export's folder: %w", err)
	}
	if err := layOut(e.root); err != nil || at < 0 {
		return err
	}
	plain, err := e.by.n.Retrieve.Open(ctx, objects[at])
	if err != nil {
		return fmt.Errorf("export %s: %w", objects[at].File, err)
	}
	ours, err := io.ReadAll(io.LimitReader(plain, keyring.MaxSmall))
	if err = errors.Join(err, plain.Close()); err != nil {
		return fmt.Errorf("export %s: %w", objects[at].File, err)
	}
	if there != nil && !bytes.Equal(there, ours) {
		return other(errors.New("another config"))
	}
	_, err = writePart(e.root, string(rest.Config), bytes.NewReader(ours))
	return err
}

// noFiles says whether a folder holds no file at all, but for what an export that broke
// off left unfinished.
func noFiles(root *os.Root) (bool, error) {
	empty := true
	err := fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), partPrefix) {
			empty = false
			return fs.SkipAll
		}
		return err
	})
	return empty, err
}

// files writes a backup's files and answers those that could not be had.
func (e *exporting) files(ctx context.Context, objects []catalogue.Object) ([]catalogue.Object, error) {
	e.missing = nil
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(exporters)
	for _, o := range objects {
		if o.File.Type == rest.Config {
			continue
		}
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			one, err := e.file(ctx, o)
			e.mu.Lock()
			defer e.mu.Unlock()
			if code := core.CodeOf(err); (code == core.CodeUnsure || code == core.CodeInvalid) && ctx.Err() == nil {
				e.missing, e.last = append(e.missing, o), err
				return nil
			}
			if err != nil {
				return fmt.Errorf("export %s: %w", o.File, err)
			}
			e.out.Files, e.out.Bytes, e.out.Skipped = e.out.Files+one.Files, e.out.Bytes+one.Bytes, e.out.Skipped+one.Skipped
			e.say(e.out)
			return nil
		})
	}
	err := g.Wait()
	return e.missing, err
}

// syncFolders makes the names last through a power cut, as the files' content does.
func syncFolders(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		folder, err := root.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(folder.Sync(), folder.Close())
	})
}

// layOut makes the folders restic expects.
func layOut(root *os.Root) error {
	for _, t := range rest.Types() {
		if err := root.MkdirAll(string(t), 0o700); err != nil {
			return fmt.Errorf("make folder %s: %w", t, err)
		}
	}
	for i := range 256 {
		if err := root.MkdirAll(fmt.Sprintf("data/%02x", i), 0o700); err != nil {
			return fmt.Errorf("make data folders: %w", err)
		}
	}
	return nil
}

// file writes one file under its name once its content was seen to be what the name
// says. What is there under the name with other content is replaced.
func (e *exporting) file(ctx context.Context, o catalogue.Object) (Exported, error) {
	name := o.File.Path()
	if same, err := isNamed(ctx, e.root, name, o); same || err != nil {
		return Exported{Skipped: 1}, err
	}
	plain, err := e.by.n.Retrieve.Open(ctx, o)
	if err != nil {
		return Exported{}, err
	}
	defer plain.Close() //nolint:errcheck // only read
	n, err := writePart(e.root, name, rest.NewVerifier(plain, o.File.Name))
	return Exported{Files: 1, Bytes: n}, err
}

// isNamed says whether a file is there with the content that its name says: its size
// alone proves nothing.
func isNamed(ctx context.Context, root *os.Root, name string, o catalogue.Object) (bool, error) {
	f, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the export's folder: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err != nil || info.Size() != o.Size {
		return false, err
	}
	_, err = io.Copy(io.Discard, rest.NewVerifier(f, o.File.Name))
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil, nil // one that cannot be read is written again
}

// partPrefix begins the name of a file that is not whole yet.
const partPrefix = ".part-"

// writePart writes a file whole or not at all, over another of its name.
func writePart(root *os.Root, name string, content io.Reader) (int64, error) {
	part := path.Join(path.Dir(name), partPrefix+path.Base(name))
	f, err := root.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	n, err := io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		_ = root.Remove(part)
		if core.CodeOf(err) == core.CodeInternal && !errors.Is(err, fs.ErrClosed) {
			err = fmt.Errorf("write: %w", err)
		}
		return 0, err
	}
	return n, nil
}

// silentOf names the members that hold shards of these objects and did not give them.
func (r *Exporter) silentOf(ctx context.Context, objects []catalogue.Object) string {
	names := map[core.MemberID]bool{}
	unheard, err := r.n.Recovery.Unheard(ctx)
	if err != nil {
		return err.Error()
	}
	for _, id := range unheard { // of those a recovery knows nothing yet
		names[id] = true
	}
	for _, o := range objects {
		all, err := r.n.Store.Placements.Of(ctx, o.ID)
		if err != nil {
			return err.Error()
		}
		for _, p := range all {
			if r.n.Pool.Failing(p.Member) {
				names[p.Member] = true
			}
		}
	}
	return catalogue.Joined(slices.Sorted(maps.Keys(names)))
}
