package vault

import (
	"context"
	"crypto/ed25519"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/heir"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/lending"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/removal"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/retrieve"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/shipping"
	"entrechat/internal/room/vault/upkeep"
)

// Words are the room's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Lenders says who granted us room, and how much; who did once and gives nothing new now;
// and who may soon: the members that have not answered our proposal, and those whose
// proposal we have not answered.
type Lenders interface {
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
	Leaving(ctx context.Context, kind core.GrantKind) ([]core.Leaver, error)
	Awaited(ctx context.Context, kind core.GrantKind) (theirs, ours []core.MemberID, err error)
}

// Contact is a member and where it is.
type Contact = recovery.Contact

// Needs is what the room is made of.
type Needs struct {
	DB     *db.DB
	Dir    string // the room's own folder: local store, cache, locks, secrets
	Signer seal.Signer
	Root   core.RootKey
	// Recovery is what every file is also sealed to; its private half is the seed words.
	Recovery *age.X25519Recipient
	// Shared is the age identity of all repositories of before each had its own; it
	// only opens. Nil where the node never had one.
	Shared *age.X25519Identity
	// OwnKeys are those this node ever signed with, as far as its logbook is there;
	// only a recovery asks.
	OwnKeys func(ctx context.Context) ([]ed25519.PublicKey, error)
	Lenders Lenders
	// Contacts are the members this node knows, lenders or not: what the printed
	// kit names, and whom a recovery asks.
	Contacts func(ctx context.Context) ([]Contact, error)
	// Holder reaches a member's store. What it answers must give up when the context ends.
	Holder func(core.MemberID) holder.Holder
	// Lending is what this node keeps for others, served beside what is ours; nil in
	// a command.
	Lending *lending.Store
	// Standing says whether members still take this node's word; nil = they do. Its error
	// is what restic hears.
	Standing func(ctx context.Context) error
	// KeysOf is a member's root key, and the keys it ever signed with. Returns CodeNotFound;
	// only who opens another's backup asks.
	KeysOf func(ctx context.Context, id core.MemberID) (core.RootKey, []ed25519.PublicKey, error)
	// Successors answers who says who takes over our services; false while nobody does. Nil =
	// nobody.
	Successors func() (heir.Successors, bool)
	Words      *words.Printer
	Config     Config
	Now        func() time.Time
	Log        *slog.Logger
}

// Room is the vault of one node, or of one command beside it. Safe for concurrent
// use.
type Room struct {
	// Heirs open one backup of ours, and let us open one of theirs.
	*heir.Heirs

	n         Needs
	store     catalogue.Store
	keyring   *keyring.Keyring
	backups   *backup.Backups
	recovery  *recovery.Recovery
	removals  *removal.Removals
	upkeep    *upkeep.Upkeep
	doctor    *health.Doctor
	local     *blob.Dir
	locks     *locks
	spool     *local.Spool
	pool      *pool.Pool
	admission *pool.Admission
	retrieve  *retrieve.Retriever
	shipping  *shipping.Shipper

	work      local.Signal // something to ship
	committed local.Signal // something got off-site

	started chan struct{} // closed when Start is through
	aside   aside
}

// New makes the room; nothing runs yet.
func New(n Needs) (*Room, error) {
	n.Config = n.Config.filled()
	if err := os.MkdirAll(filepath.Join(n.Dir, "cache"), 0o700); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	folder := func(name string, floor core.Size) *blob.Dir {
		return blob.OpenMarked(filepath.Join(n.Dir, name), catalogue.FolderMark(n.DB, name)).WithFloor(floor)
	}
	r := &Room{
		n: n, store: catalogue.New(n.DB), local: folder(catalogue.FolderLocal, n.Config.Floor),
		spool: local.NewSpool(int64(n.Config.Spool), local.Patience, n.Now), started: make(chan struct{}),
	}
	var err error
	if r.keyring, err = keyring.Open(keyring.Needs{
		Dir: n.Dir, Recovery: n.Recovery, Shared: n.Shared, Store: r.store, Aside: r.leave, Log: n.Log,
		PasswordChanged: func(name string) { r.backups.PasswordChanged(name) },
	}); err != nil {
		return nil, err
	}
	r.pool = pool.New(pool.Needs{Lenders: n.Lenders, DB: n.DB, Store: r.store, Work: &r.work, Now: n.Now, Log: n.Log})
	// Locks with half the floor: on a disk that takes nothing more a restore must begin all
	// the same.
	r.wire(n, folder(catalogue.FolderLocks, n.Config.Floor/2))
	return r, nil
}

// wire makes the parts that hand files on to one another.
func (r *Room) wire(n Needs, locksFolder *blob.Dir) {
	r.retrieve = retrieve.New(retrieve.Needs{
		DB: n.DB, Store: r.store, Pool: r.pool, Keyring: r.keyring, Local: r.local, Dir: r.scratch(), Owner: n.Signer.ID(),
		Holder: func(id core.MemberID) holder.Holder { return r.n.Holder(id) }, LeftOut: func(id core.MemberID) bool { return r.recovery.LeftOut(id) }, Now: n.Now, Log: n.Log,
	})
	r.shipping = shipping.New(shipping.Needs{
		DB: n.DB, Store: r.store, Pool: r.pool, Retrieve: r.retrieve, Keyring: r.keyring, Local: r.local, Dir: r.scratch(),
		Spool: r.spool, Work: &r.work, Committed: &r.committed, Holder: r.retrieve.Holder, Signer: n.Signer, Root: n.Root,
		Prove: func(ctx context.Context, id shard.Hash) error { return r.upkeep.Prove(ctx, id) }, Now: n.Now, Log: n.Log,
	})
	r.backups = backup.New(backup.Needs{
		Store: r.store, Keyring: r.keyring, Accept: r.shipping.Accept, ReadSmall: r.retrieve.ReadSmall, Promise: func(ctx context.Context) error { return r.recovery.Mark.Advance(ctx) }, Standing: n.Standing,
		Started: r.started, Tools: func() string { return r.n.Config.Tools }, Now: n.Now, Log: n.Log,
	})
	r.recovery = recovery.New(recovery.Needs{
		DB: n.DB, Store: r.store, Dir: n.Dir, Local: r.local, Keyring: r.keyring, Backups: r.backups, Signer: n.Signer, Root: n.Root,
		OwnKeys:  func(ctx context.Context) ([]ed25519.PublicKey, error) { return r.n.OwnKeys(ctx) },
		Contacts: func(ctx context.Context) ([]Contact, error) { return r.n.Contacts(ctx) },
		Holder:   func(id core.MemberID) holder.Holder { return r.n.Holder(id) },
		Pool:     r.pool, Audit: func(ctx context.Context, p catalogue.Placement) error { return r.upkeep.Audit(ctx, p) }, DropPlaced: r.shipping.Release, Work: &r.work, Started: r.started, Aside: r.leave, Now: func() time.Time { return r.n.Now() }, Log: n.Log,
	})
	r.removals = removal.New(removal.Needs{
		Store: r.store, Recovery: r.recovery, Spool: r.spool, Signer: n.Signer, Drop: r.shipping.Drop, Work: &r.work, Committed: &r.committed,
		Holder: func(id core.MemberID) holder.Holder { return r.n.Holder(id) }, Now: func() time.Time { return r.n.Now() }, Log: n.Log,
	})
	r.upkeep = upkeep.New(upkeep.Needs{
		DB: n.DB, Store: r.store, Pool: r.pool, Recovery: r.recovery, Lenders: n.Lenders, Signer: n.Signer, Work: &r.work,
		Holder: func(id core.MemberID) holder.Holder { return r.n.Holder(id) }, Now: func() time.Time { return r.n.Now() }, Log: n.Log,
	})
	r.locks = &locks{
		disk: locksFolder, store: r.store, now: n.Now, log: n.Log,
		sealed: r.backups.Sealed, start: map[string]int64{}, loose: map[string]bool{}, sign: map[string]time.Time{},
	}
	r.admission = pool.NewAdmission(pool.AdmissionNeeds{Pool: r.pool, Began: r.locks.began, RoomAgain: r.upkeep.RoomAgain})
	r.Heirs = newHeirs(r)
	r.doctor = health.New(health.Needs{
		Heirs: r.Heirs,
		Store: r.store, Pool: r.pool, Admission: r.admission, Keyring: r.keyring, Recovery: r.recovery, Upkeep: r.upkeep, Lending: n.Lending,
		Folders: r.folders, Gone: r.checkGone, KitChecked: r.kitChecked, Words: n.Words, Now: func() time.Time { return r.n.Now() },
	})
}

// scratch is the folder for what is being brought back or encoded; the cache's, so that
// a rename is enough to put it there.
func (r *Room) scratch() string { return filepath.Join(r.n.Dir, "cache") }

// Public answers a report of the last seconds, on large backups of the last minutes.
// Asking costs nothing while the node runs.
func (r *Room) Public(ctx context.Context) (health.Report, error) { return r.doctor.Public(ctx) }

// Fittings is what the house gets of this room.
func (r *Room) Fittings() fit.Fittings {
	f := fit.Fittings{
		Name:   "vault",
		Tools:  []fit.Route{{Pattern: frontPath + "/", Handler: r.Front()}},
		Jobs:   r.Jobs(),
		Checks: r.doctor.Checks(),
		Web:    r.web,
		Limits: r.limits,
		Steps:  r.steps,
		Health: r.health,
	}
	if r.n.Lending != nil {
		f.Peer, f.Jobs = r.n.Lending.Routes(), append(f.Jobs, r.n.Lending.Jobs()...)
	}
	return f
}

// frontPath is where on the loopback listener restic is answered.
const frontPath = "/restic"

// Front is restic's way in, for the paths below "/restic". It holds requests until
// Start is through.
func (r *Room) Front() http.Handler {
	front := http.StripPrefix(frontPath, rest.NewHandler(rest.Needs{Authenticator: authenticator{r}, Text: r.n.Words.Error, Log: r.n.Log}))
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-r.started:
			front.ServeHTTP(w, req)
		case <-req.Context().Done():
		case <-time.After(startPatience):
			http.Error(w, r.n.Words.Error(r.notStarted(req.Context())), http.StatusServiceUnavailable)
		}
	})
}

// startPatience is how long a request waits for the node to be ready.
const startPatience = 20 * time.Second
