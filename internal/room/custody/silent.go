package custody

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/heir"
)

// CallList is the newest contact sheet of an owner that we hold with a share; empty = none.
func (r *Room) CallList(ctx context.Context, owner core.MemberID) (string, error) {
	all, err := r.Keeper.Of(ctx, owner)
	if err != nil {
		return "", err
	}
	for _, h := range all {
		if h.Damaged {
			continue
		}
		text, err := r.Keeper.Contacts(h)
		if err == nil && len(text) > 0 {
			return string(text), nil
		}
	}
	return "", nil
}

// Voice is when an owner's node or people objected last to an ask that came here; 0 = never.
func (r *Room) Voice(ctx context.Context, owner core.MemberID) (core.Moment, error) {
	return heir.Voice(ctx, r.DB, owner)
}

// AskSilent asks the holders for a box of an owner that is silent, and answers the ask's id. Returns
// CodeNotFound where no member keeps a share of such a box.
func (r *Room) AskSilent(ctx context.Context, owner core.MemberID, scope, purpose string) (id string, err error) {
	s, err := r.Asks.Open(ctx, breakglass.Wish{Scope: scope, Of: owner, Reason: ask.SilentOwner, Purpose: purpose})
	return s.ID, err
}

// AdminMails are the addresses of our own people.
func (r *Room) AdminMails(ctx context.Context) ([]string, error) { return r.mails(ctx) }
