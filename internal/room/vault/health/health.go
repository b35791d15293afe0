package health

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/heir"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/lending"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/upkeep"
)

// args are what a sentence is filled with.
type args = map[string]any

// Needs is what the answers are made from.
type Needs struct {
	Store     catalogue.Store
	Pool      *pool.Pool
	Admission *pool.Admission
	Keyring   *keyring.Keyring
	Recovery  *recovery.Recovery
	Upkeep    *upkeep.Upkeep
	Lending   *lending.Store // nil in a command
	Heirs     *heir.Heirs
	// Folders says whether the directories of what is ours are there.
	Folders func() error
	// Gone names a backup whose next snapshot would be refused.
	Gone func(ctx context.Context) error
	// KitChecked is when the seed words were last typed back; zero = never.
	KitChecked func(ctx context.Context) (core.Moment, error)
	Words      *words.Printer
	Now        func() time.Time
}

// Doctor answers how the backups of one node stand. Safe for concurrent use.
type Doctor struct {
	Cached Cached // the last report

	n         Needs
	store     catalogue.Store
	pool      *pool.Pool
	admission *pool.Admission
	keyring   *keyring.Keyring
	recovery  *recovery.Recovery
	upkeep    *upkeep.Upkeep
}

// New makes it; nothing is read yet.
func New(n Needs) *Doctor {
	return &Doctor{
		n: n, store: n.Store, pool: n.Pool, admission: n.Admission, keyring: n.Keyring, recovery: n.Recovery, upkeep: n.Upkeep,
	}
}
