package deal

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/custody/share"
)

// keepEnded is how long a share is kept after its deal ended: its owner may have to go back to
// what stood before.
const keepEnded = 30 * 24 * time.Hour

// Held lists the deals of other members that we keep shares of, those that ended too.
func (k *Keeper) Held(ctx context.Context) ([]Held, error) { return allHeld(ctx, k.n.DB) }

// Of lists those of one member that go on, the newest first.
func (k *Keeper) Of(ctx context.Context, owner core.MemberID) ([]Held, error) {
	return liveHeld(ctx, k.n.DB, owner)
}

// Get is one of them. Returns CodeNotFound "custody.deal.not_held", CodeInvalid
// "custody.deal.held_damaged".
func (k *Keeper) Get(ctx context.Context, id share.ID) (Held, error) {
	h, err := getHeld(ctx, k.n.DB, id)
	if err == nil && h.Damaged {
		err = damaged()
	}
	return h, err
}

// Share opens the share that we keep of another member's deal, checked. Returns CodeNotFound
// "custody.deal.not_held", CodeInvalid for one that is damaged.
func (k *Keeper) Share(ctx context.Context, id share.ID) (share.Share, error) {
	h, err := getHeld(ctx, k.n.DB, id)
	if err != nil {
		return share.Share{}, err
	}
	return k.open(h)
}

// Contacts says whom of the owner's to call back about a deal that we keep a share of; empty when
// its owner told nobody.
func (k *Keeper) Contacts(h Held) ([]byte, error) {
	if len(h.contacts) == 0 {
		return nil, nil
	}
	plain, err := decrypt(k.n.Recipients.Key.Identity(), h.contacts, maxContacts)
	if err != nil {
		return nil, core.Invalid("custody.deal.contacts_closed", err)
	}
	return plain, nil
}

// tidy forgets shares of deals that ended long enough ago.
func (k *Keeper) tidy(ctx context.Context) error {
	return k.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return dropHeld(ctx, q, k.n.now().Add(-keepEnded)) })
}

// Jobs forget what counts no more.
func (k *Keeper) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "custody-tidy", Every: 12 * time.Hour, Jitter: time.Hour, Run: k.tidy}}
}
