package trust

import (
	"context"
	"encoding/hex"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
)

// Readers take in what logbooks say about trust.
func (r *Room) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name:  "trust",
		Types: []string{logbook.TypKeySet, member.TypeVouch, member.TypeUnvouch, collective.TypeCharter, collective.TypeJoin, collective.TypeLeave, pact.TypePact, pact.TypePactEnd},
		Read:  r.read,
	}}
}

// read takes one entry in. What a stranger wrote wrongly is skipped: it must
// not stop the rest of its logbook.
func (r *Room) read(ctx context.Context, e logbook.Entry) error {
	return r.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		at := fact.Place{Log: e.Log, Index: e.Index, Hash: hex.EncodeToString(e.Hash[:])}
		if e.Typ == logbook.TypKeySet {
			// After a key was revoked the new key set stands where the entries of
			// the revoked key were cut off.
			return fact.Rewind(ctx, q, at)
		}
		if fresh, err := fact.Note(ctx, q, at); err != nil || !fresh {
			return err
		}
		switch e.Typ {
		case member.TypeVouch:
			return r.Members.ReadVouch(ctx, q, e)
		case member.TypeUnvouch:
			return member.ReadUnvouch(ctx, q, e)
		case collective.TypeCharter, collective.TypeJoin:
			return r.Collectives.ReadJoin(ctx, q, e)
		case collective.TypeLeave:
			return collective.ReadLeave(ctx, q, e)
		case pact.TypePact:
			return r.Pacts.ReadPact(ctx, q, e)
		case pact.TypePactEnd:
			return r.Pacts.ReadEnd(ctx, q, e)
		}
		return nil
	})
}
