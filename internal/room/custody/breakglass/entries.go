package breakglass

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/share"
)

// Readers take in which shares were let go, and which boxes were opened.
func (a ledger) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "custody_ask", Types: []string{TypeRelease, TypeOpened}, Read: a.heard,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return takeBack(ctx, a.n.DB, log, index)
		},
	}}
}

func (a ledger) heard(ctx context.Context, e logbook.Entry) error {
	var b entryBody
	if wire.Peek(e.Body, &b) != nil || !ask.ValidID(b.Ask) {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	kind := "release"
	if e.Typ == TypeOpened {
		kind = "opened"
	}
	if err := putEntry(ctx, a.n.DB, heardEntry{e.Log, e.Index, b.Ask, kind, e.Iat}); err != nil {
		return err
	}
	r, err := get(ctx, a.n.DB, b.Ask)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return a.settle(ctx, r)
}

// settleAll looks again at asks of which logbooks said something: the ask may come after it.
func (a ledger) settleAll(ctx context.Context) error {
	all, err := unsettled(ctx, a.n.DB)
	for _, r := range all {
		if err := a.settle(ctx, r); err != nil {
			return err
		}
	}
	return err
}

// settle burns the deal of an ask when its box was opened.
func (a ledger) settle(ctx context.Context, r row) error {
	if r.burnt != 0 {
		return nil
	}
	over, err := a.over(ctx, r)
	if err != nil || !over {
		return err
	}
	holds, err := a.holds(ctx, r.Signed)
	if err != nil {
		return err
	}
	from, err := a.ownSize(ctx)
	if err != nil {
		return err
	}
	return a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if r.Role == ask.AsDomain && r.Owner == a.self() {
			// Who asked had no logbook then. It is us: our logbook says now that the box is open.
			if err := putOwn(ctx, q, r.Signed, []byte{}); err != nil {
				return err
			}
			if err := setOpened(ctx, q, r.ID, from, a.now()); err != nil {
				return err
			}
		}
		return a.burn(ctx, q, r.Signed, holds)
	})
}

// over says whether logbooks say that the box of an ask was opened. At the owner of the box: who
// may ask says so, another of whom a holder says that it let its share go (a successor; more may
// lie on paper), or as many holders as are needed let theirs go. At a holder: its owner
// says so, or both; one holder alone would otherwise end the deal at all of them.
func (a ledger) over(ctx context.Context, r row) (bool, error) {
	all, err := entriesOf(ctx, a.n.DB, r.ID)
	if err != nil {
		return false, err
	}
	d, _, err := a.about(ctx, r.Ask)
	if code := core.CodeOf(err); code != "" && code != core.CodeDenied && code != core.CodeNotFound {
		return false, err
	}
	opened, released := false, 0
	for _, e := range all {
		switch {
		case e.kind == "opened":
			opened = opened || e.log == r.Asker
		case len(d.Members) == 0 || slices.Contains(d.Members, e.log): // after a loss we do not know our holders
			released++
		}
	}
	enough := released >= max(d.K, share.MinK)
	if r.Owner == a.self() {
		return enough || opened && (r.Asker == r.Owner || d.MayAsk(r.Asker) || released > 0), nil
	}
	return opened && (r.Asker == r.Owner || enough), nil
}

// holds says what the box of an ask held, where we know.
func (a ledger) holds(ctx context.Context, s ask.Signed) ([]string, error) {
	lines, err := a.n.Boxes.Holds(ctx, s.Deal)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil
	}
	return lines, err
}

// burn ends the deal, all asks about it, and begins the list of what has to be changed, where
// the box is ours or we opened it.
func (a ledger) burn(ctx context.Context, q db.Querier, s ask.Signed, holds []string) error {
	now := a.now()
	if _, err := a.n.Deals.Burn(ctx, q, s.Deal, now); err != nil {
		return err
	}
	if err := setBurnt(ctx, q, s.Deal, now); err != nil {
		return err
	}
	if s.Owner != a.self() && s.Asker != a.self() || s.Reason == ask.Rehearsal {
		return nil
	}
	if len(holds) == 0 {
		holds = []string{""}
	}
	for i, line := range holds {
		if err := putRotation(ctx, q, Rotation{Deal: s.Deal, Line: int64(i + 1), Scope: s.Scope, Says: line, Opened: now}); err != nil {
			return err
		}
	}
	return nil
}
