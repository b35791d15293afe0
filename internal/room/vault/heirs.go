package vault

import (
	"context"
	"path/filepath"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/heir"
	"entrechat/internal/room/vault/holder"
)

// newHeirs makes what lets others open one backup of ours, and us one of theirs.
func newHeirs(r *Room) *heir.Heirs {
	return heir.New(heir.Needs{
		Store: r.store, Keyring: r.keyring, Lending: r.n.Lending, Signer: r.n.Signer, Root: r.n.Root, Dir: filepath.Join(r.n.Dir, "heir"),
		Lenders:  func(ctx context.Context) ([]core.Lender, error) { return r.n.Lenders.Lenders(ctx, holder.KindStore) },
		Contacts: func(ctx context.Context) ([]Contact, error) { return r.n.Contacts(ctx) },
		Holder:   func(id core.MemberID) holder.Holder { return r.n.Holder(id) },
		KeysOf:   r.n.KeysOf, Successors: r.n.Successors, Words: r.n.Words, Now: r.n.Now, Log: r.n.Log,
	})
}

// Export is export.Exporter's, of our own backups.
func (r *Room) Export(ctx context.Context, name, dir string, say func(export.Exported)) (export.Exported, error) {
	return export.New(export.Needs{Store: r.store, Retrieve: r.retrieve, Recovery: r.recovery, Pool: r.pool, Words: r.n.Words}).Export(ctx, name, dir, say)
}

// Saved is how large a backup of ours is as restic wrote it, what whoever restores the repository
// needs room for, and when the newest snapshot was made that is off-site; zero = none. Returns
// CodeNotFound.
func (r *Room) Saved(ctx context.Context, backup string) (bytes int64, newest core.Moment, err error) {
	report, err := r.doctor.Status(ctx, backup)
	if err != nil {
		return 0, 0, err
	}
	return report.Backups[0].Bytes, report.Backups[0].Offsite, nil
}
