package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/rest"
)

// exporters is how many files are fetched at once.
const exporters = 3

// Exported is what an export wrote.
type Exported struct {
	Files   int64 `json:"files"`
	Bytes   int64 `json:"bytes"`
	Skipped int64 `json:"skipped"` // were there already
}

// Export writes a backup as a plain restic repository that needs no entrechat: each
// file checked against its name, none overwritten, so that an export that broke
// off goes on where it was. say is told after each file. Returns CodeNotFound for an
// unknown backup, CodeUnsure when a file cannot be had, CodeFull.
func (r *Room) Export(ctx context.Context, name, dir string, say func(Exported)) (Exported, error) {
	var out Exported
	if _, err := r.store.repo(ctx, name); err != nil {
		return out, err
	}
	objects, err := r.store.objects(ctx, name)
	if err != nil {
		return out, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return out, fmt.Errorf("make the export's folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return out, fmt.Errorf("open the export's folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written through it any more
	if err := layOut(root); err != nil {
		return out, err
	}
	done := make(chan Exported)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(exporters + 1)
	g.Go(func() error {
		for range countExportable(objects) {
			select {
			case one := <-done:
				out.Files, out.Bytes, out.Skipped = out.Files+one.Files, out.Bytes+one.Bytes, out.Skipped+one.Skipped
				say(out)
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for _, o := range objects {
		if o.File.Type == Meta {
			continue
		}
		g.Go(func() error {
			one, err := r.exportFile(ctx, root, o)
			if err != nil {
				return fmt.Errorf("export %s: %w", o.File, err)
			}
			select {
			case done <- one:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
	}
	if err = g.Wait(); err == nil { // out is whole only then
		err = syncFolders(root)
	}
	return out, err
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

func countExportable(objects []Object) int {
	n := 0
	for _, o := range objects {
		if o.File.Type != Meta {
			n++
		}
	}
	return n
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

// exportFile writes one file under its name once its content was seen to be what
// the name says.
func (r *Room) exportFile(ctx context.Context, root *os.Root, o Object) (Exported, error) {
	name := o.File.Path()
	if info, err := root.Stat(name); err == nil && info.Size() == o.Size {
		return Exported{Skipped: 1}, nil
	}
	plain, err := r.openObject(ctx, o)
	if err != nil {
		return Exported{}, err
	}
	defer plain.Close() //nolint:errcheck // only read
	var content io.Reader = plain
	if o.File.Type != rest.Config {
		content = rest.NewVerifier(plain, o.File.Name)
	}
	part := path.Join(path.Dir(name), ".part-"+path.Base(name))
	f, err := root.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return Exported{}, fmt.Errorf("write: %w", err)
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
		return Exported{}, err
	}
	return Exported{Files: 1, Bytes: n}, nil
}
