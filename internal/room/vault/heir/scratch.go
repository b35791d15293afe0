package heir

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/retrieve"
)

// scratch is a catalogue of another's backup, and what reads by it, in a folder that is removed
// at the end. It is made as the owner's own would be; requests are signed by us all the same.
type scratch struct {
	dir      string
	lock     *os.File
	db       *db.DB
	store    catalogue.Store
	keyring  *keyring.Keyring
	recovery *recovery.Recovery
	exporter *export.Exporter
}

const (
	scratchName = "heir-"
	lockName    = "lock"
)

// scratch makes one; the caller closes.
func (h *Heirs) scratch(ctx context.Context, p Pointer, keys []ed25519.PublicKey, identity *age.X25519Identity) (*scratch, error) {
	if err := os.MkdirAll(h.n.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the scratch folder: %w", err)
	}
	s := &scratch{}
	err := disk.Alone(ctx, filepath.Join(h.n.Dir, lockName), func() error {
		if err := abandoned(h.n.Dir); err != nil {
			h.n.Log.Warn("what an earlier inheritance left could not be removed", "error", err)
		}
		return s.make(h.n.Dir)
	})
	if err == nil {
		err = s.open(ctx)
	}
	if err == nil {
		err = s.wire(h, p, keys, identity)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// Sweep removes what inheritances left that were killed: secrets of others lie in it.
func (h *Heirs) Sweep(ctx context.Context) error {
	if _, err := os.Stat(h.n.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever inherited
	}
	return disk.Alone(ctx, filepath.Join(h.n.Dir, lockName), func() error { return abandoned(h.n.Dir) })
}

// make makes the folder, and has it known as in use while this process runs.
func (s *scratch) make(in string) (err error) {
	if s.dir, err = os.MkdirTemp(in, scratchName); err == nil {
		s.lock, err = os.OpenFile(filepath.Join(s.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	}
	if err != nil {
		return fmt.Errorf("make the scratch folder: %w", err)
	}
	_ = disk.TryLock(s.lock) // nobody else has it; a disk without locks is taken for free
	return nil
}

// open opens the database in the folder.
func (s *scratch) open(ctx context.Context) (err error) {
	if s.db, err = db.Open(ctx, "sqlite:"+filepath.Join(s.dir, "catalogue.db")); err != nil {
		return err
	}
	return db.Migrate(ctx, s.db, "vault", migrations.Files)
}

// close removes the folder, with the secrets in it.
func (s *scratch) close() error {
	var err error
	if s.db != nil {
		err = s.db.Close()
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	if s.lock != nil {
		_ = s.lock.Close() // nothing was written
	}
	return err
}

// removeDead removes a scratch folder whose process is gone.
func removeDead(dir, name string) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(path)
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if errors.Is(disk.TryLock(f), disk.ErrLocked) {
		return nil
	}
	return os.RemoveAll(path)
}

// nobody lends: nothing is ever sent.
type nobody struct{}

func (nobody) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) { return nil, nil }

func (nobody) Awaited(context.Context, core.GrantKind) (theirs, ours []core.MemberID, err error) {
	return nil, nil, nil
}

// wire makes the parts that find the backup and read it.
func (s *scratch) wire(h *Heirs, p Pointer, keys []ed25519.PublicKey, identity *age.X25519Identity) error {
	_, drawn, err := ed25519.GenerateKey(nil) // it signs nothing
	if err != nil {
		return err
	}
	owner := seal.NewSigner(p.Owner, drawn)
	s.store = catalogue.New(s.db)
	kept, err := blob.Open(filepath.Join(s.dir, "local"))
	if err != nil {
		return err
	}
	own := func(err error) error { return err }
	if s.keyring, err = keyring.Open(keyring.Needs{
		Dir: s.dir, Recovery: identity.Recipient(), Store: s.store, Aside: own, PasswordChanged: func(string) {}, Log: h.n.Log,
	}); err != nil {
		return err
	}
	work, started := &local.Signal{}, make(chan struct{})
	close(started)
	members := pool.New(pool.Needs{Lenders: nobody{}, DB: s.db, Store: s.store, Work: work, Now: h.n.Now, Log: h.n.Log})
	holders := func(id core.MemberID) holder.Holder { return h.readingAt(p, id) }
	back := retrieve.New(retrieve.Needs{
		DB: s.db, Store: s.store, Pool: members, Keyring: s.keyring, Local: kept, Dir: s.dir, Owner: p.Owner, Holder: holders,
		LeftOut: func(core.MemberID) bool { return false }, Now: h.n.Now, Log: h.n.Log,
	})
	backups := backup.New(backup.Needs{
		Store: s.store, Keyring: s.keyring, ReadSmall: back.ReadSmall, Started: started,
		Accept: func(context.Context, catalogue.Object, io.Reader) (catalogue.Object, error) {
			return catalogue.Object{}, core.Conflict("vault.heir_reads", errors.New("an heir writes no record"))
		},
		Promise: func(context.Context) error { return nil }, Tools: func() string { return "" }, Now: h.n.Now, Log: h.n.Log,
	})
	s.recovery = recovery.New(recovery.Needs{
		DB: s.db, Store: s.store, Dir: s.dir, Local: kept, Keyring: s.keyring, Backups: backups, Signer: owner, Root: p.Root, Only: p.Backup,
		OwnKeys:  func(context.Context) ([]ed25519.PublicKey, error) { return keys, nil },
		Contacts: func(ctx context.Context) ([]recovery.Contact, error) { return h.whomToAsk(ctx, p) },
		Holder:   holders, Pool: members, Audit: func(context.Context, catalogue.Placement) error { return nil },
		DropPlaced: func(context.Context, catalogue.Object) error { return nil }, Work: work, Started: started, Aside: own, Now: h.n.Now, Log: h.n.Log,
	})
	s.exporter = export.New(export.Needs{
		Store: s.store, Retrieve: back, Recovery: s.recovery, Pool: members, Words: h.n.Words,
		Skip: func(o catalogue.Object) bool { return !openedBy(o, identity.Recipient().String()) },
	})
	return nil
}
