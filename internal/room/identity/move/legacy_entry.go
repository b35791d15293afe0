package move

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/identity/move/legacy"
)

// legacyReader takes in what is said of legacy releases.
func (m *Moves) legacyReader() logbook.Reader {
	return logbook.Reader{
		Name: "identity_legacy", Types: []string{legacy.Type, legacy.TypeInherit},
		Read: func(ctx context.Context, e logbook.Entry) error {
			if !e.InForce(m.now()) {
				return nil
			}
			if e.Typ == legacy.TypeInherit {
				return m.heardInherit(ctx, e)
			}
			return m.heardRoot(ctx, e)
		},
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return legacy.TakeBack(ctx, q, log, index) })
		},
	}
}

func (m *Moves) heardRoot(ctx context.Context, e logbook.Entry) error {
	b, err := legacy.ParseSaid(e.Body)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	let, err := m.lets(ctx, e.Log)
	if err != nil {
		return err
	}
	return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return legacy.PutRoot(ctx, q, legacy.Root{Home: e.Log, Heir: b.To, Entry: e.Index, Hash: b.Root, Size: b.Count, Let: let})
	})
}

// heardInherit notes which releases a successor took up. Where they are ours we are not gone: they
// count no more, which our logbook says next.
func (m *Moves) heardInherit(ctx context.Context, e logbook.Entry) error {
	b, err := legacy.ParseTakenUp(e.Body)
	if err != nil || b.Home == e.Log {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, id := range b.Moved {
			if err := legacy.PutTaken(ctx, q, legacy.Taken{Heir: e.Log, ID: id, Home: b.Home, Ask: b.Ask}, e.Index); err != nil {
				return err
			}
			if b.Home == m.n.Self {
				if err := legacy.End(ctx, q, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// lets says whether a home's people are let in here now; ours are.
func (m *Moves) lets(ctx context.Context, id core.MemberID) (bool, error) {
	if id == m.n.Self {
		return true, nil
	}
	_, err := m.n.Homes.Let(ctx, id, "")
	if code := core.CodeOf(err); code != "" && code != core.CodeDenied && code != core.CodeNotFound {
		return false, err
	}
	return err == nil, nil
}
