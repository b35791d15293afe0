package vault

import (
	"context"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
)

// A pack that this disk lost before any member had it was acknowledged to a run of
// restic, which goes on as if it were there. Its row stays, out of the repository, in the
// state Gone, and what may rest on it is refused.

// restsOnGone refuses an index or a snapshot that may name a pack which is gone. Returns
// CodeDenied: restic does not try that again.
func (r *Room) restsOnGone(ctx context.Context, repo string, t rest.Type, began int64) error {
	if !catalogue.Committed(t) {
		return nil
	}
	n, err := r.store.Objects.Gone(ctx, repo, t, began, core.At(r.n.Now().Add(-runLife)))
	if err != nil || n == 0 {
		return err
	}
	return core.Denied("vault.pack_gone", fmt.Errorf("%d packs that no member had are gone", n)).With("Name", repo).With("Count", n)
}

// checkGone names a backup whose next snapshot would be refused.
func (r *Room) checkGone(ctx context.Context) error {
	repos, err := r.store.Repos.All(ctx)
	for _, repo := range repos {
		if err == nil {
			err = r.restsOnGone(ctx, repo.Name, rest.Snapshots, r.locks.began(repo.Name))
		}
	}
	return err
}
