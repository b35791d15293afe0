package recovery

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
)

// Needs is what a recovery is made of.
type Needs struct {
	DB      *db.DB
	Store   catalogue.Store
	Dir     string    // the room's own folder; the mark lies in it
	Local   *blob.Dir // the local store
	Keyring *keyring.Keyring
	Backups *backup.Backups
	Signer  seal.Signer
	Root    core.RootKey
	// Only is the one backup that is looked for, of whatever else is another's; empty = all.
	Only string
	// OwnKeys are those this node ever signed with, as far as its logbook is there.
	OwnKeys func(ctx context.Context) ([]ed25519.PublicKey, error)
	// Contacts are the members this node knows, lenders or not.
	Contacts func(ctx context.Context) ([]Contact, error)
	// Holder reaches a member's store.
	Holder func(core.MemberID) holder.Holder
	Pool   *pool.Pool
	// Audit has a member prove a random part of a shard. What it did wrong is noted.
	Audit func(ctx context.Context, p catalogue.Placement) error
	// DropPlaced takes a data file off our disk when the members have it.
	DropPlaced func(ctx context.Context, o catalogue.Object) error
	Work       *local.Signal   // told when there may be something to ship
	Started    <-chan struct{} // closed when files can be read; HearMore waits for it
	// Aside takes note of a file that this user may not read and answers nil; any other
	// error comes back.
	Aside func(error) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Recovery compares and recovers. Safe for concurrent use.
type Recovery struct {
	Mark *Mark
	Disk *Disk
	// Stragglers is how long the others get for a summary once enough members have
	// answered, CompareStart how long all get when the node starts; shorter in tests.
	Stragglers, CompareStart time.Duration

	n       Needs
	store   catalogue.Store
	keyring *keyring.Keyring
	backups *backup.Backups
	pool    *pool.Pool

	comparing sync.Mutex // one comparison with the members at a time

	mu           sync.Mutex
	without      []core.MemberID        // asked nothing by this process
	compareNext  time.Time              // not before
	compareTries int                    // since the start
	asked        map[core.MemberID]bool // compared with since the start, silent ones too
}

// New makes a recovery; nobody is asked yet.
func New(n Needs) *Recovery {
	return &Recovery{
		Mark: &Mark{n, n.Store}, Disk: &Disk{n, n.Store, n.Keyring, n.Pool}, Stragglers: stragglers, CompareStart: compareStart,
		n: n, store: n.Store, keyring: n.Keyring, backups: n.Backups, pool: n.Pool, asked: map[core.MemberID]bool{},
	}
}

// AskAgain has a member be compared with as if it never was: it left and came back.
func (r *Recovery) AskAgain(id core.MemberID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.asked, id)
}

// DueNow ends the pause that CompareDue makes between two comparisons.
func (r *Recovery) DueNow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compareNext = time.Time{}
}

// Mark is the number beside the database.
type Mark struct {
	n     Needs
	store catalogue.Store
}

// Disk is what this node keeps of its own on its disk: tables and local files.
type Disk struct {
	n       Needs
	store   catalogue.Store
	keyring *keyring.Keyring
	pool    *pool.Pool
}
