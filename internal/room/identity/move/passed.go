package move

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move/legacy"
)

// estates are the accounts of dead homes.
func (m *Moves) estates() legacy.Estates {
	return legacy.Estates{
		DB: m.n.DB, Self: m.n.Self, Book: m.n.Book, Calls: m.n.Calls, Successions: m.n.Successions, Custodians: m.n.Custodians,
	}
}

// passed says whether a legacy release counts here, whose signatures hold: it stands under a root
// that its home said while we let its people in, was not taken back, and its successor says that
// it took it up, and may.
// spec: docs/spec/identity.md#a-home-that-died
func (m following) passed(ctx context.Context, s Signed) error {
	said, err := saidOf(ctx, m.n.DB, s.Home, s.ID)
	if err == nil && said.back >= 0 {
		err = legacy.Refuse(s.Home, errors.New("taken back"))
	}
	if err != nil {
		return err
	}
	if err := m.stands(ctx, s); err != nil {
		return err
	}
	up, found, err := legacy.TakenOf(ctx, m.n.DB, s.To, s.ID)
	switch {
	case err != nil:
		return err
	case !found:
		return core.Unsure("identity.move.not_heard", errors.New("its successor does not say it")).With("Member", string(s.To))
	case up.Home != s.Home:
		return legacy.Refuse(s.Home, errors.New("taken up as another home's"))
	}
	_, err = m.estates().Of(ctx, s.Home, s.To, up.Ask)
	return err
}

// stands says whether a legacy release is under a root of its home's logbook.
func (m following) stands(ctx context.Context, s Signed) error {
	said, err := legacy.RootsOf(ctx, m.n.DB, s.Home, s.To)
	if err != nil {
		return err
	}
	for _, r := range said {
		if r.Size == s.Under.Size && s.Under.Holds(s.ID, r.Hash) {
			if !r.Let {
				return legacy.Refuse(s.Home, errors.New("said while its people were not let in"))
			}
			return nil
		}
	}
	return core.Unsure("identity.move.not_heard", errors.New("under no root")).With("Member", string(s.Home))
}

// back makes a visitor, whom the successor of their home brought, one of the home again, which came
// back: its logbook takes the release back. Who moved on meanwhile stays where they are.
func (m following) back(ctx context.Context, a Arrival, here home.Visitor) (bool, error) {
	i, found, err := legacy.MovedOf(ctx, m.n.DB, a.Home, a.Sub)
	if err != nil || !found || here.Person != "" && i.Person != here.Person {
		return false, err
	}
	said, err := saidOf(ctx, m.n.DB, a.Home, i.ID)
	if err != nil || said.back < 0 {
		return false, err
	}
	now := m.now()
	err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := home.Repoint(ctx, q, home.Visitor{Home: i.Heir, Sub: i.HeirSub}, home.Visitor{Home: a.Home, Sub: a.Sub, Handle: a.Handle}, now); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: i.Person, By: i.Person, Kind: audit.Moved, About: string(a.Home), From: a.From})
	})
	if core.CodeOf(err) == core.CodeNotFound { // moved on
		return false, nil
	}
	return err == nil, err
}
