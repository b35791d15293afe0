package dbtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"entrechat/internal/kit/db"
)

// templates are migrated SQLite files, by what was migrated: hundreds of tests begin
// with the same one, and a copy is many times cheaper than the migrations.
//
//nolint:gochecknoglobals // of the test binary, as its cluster is
var templates sync.Map // [32]byte -> func() ([]byte, error)

// template is the bytes of an empty database that name's migrations were applied to.
func template(name string, migrations fs.FS) ([]byte, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", name)
	if err := fs.WalkDir(migrations, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		fmt.Fprintf(sum, "%q %q\n", path, text)
		return err
	}); err != nil {
		return nil, err
	}
	made, _ := templates.LoadOrStore([32]byte(sum.Sum(nil)), sync.OnceValues(func() ([]byte, error) { return migrated(name, migrations) }))
	return made.(func() ([]byte, error))() //nolint:errcheck,forcetypeassert // as stored above
}

// migrated makes the file. Closing it takes everything out of the write-ahead log.
func migrated(name string, migrations fs.FS) (file []byte, err error) {
	dir, err := os.MkdirTemp("", "entrechat-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, ctx := filepath.Join(dir, "test.db"), context.Background()
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(ctx, d, name, migrations), d.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
