package move

import (
	"context"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// TypeEntry is the entry by which a member says which of its releases count.
// spec: docs/spec/identity.md#release
const TypeEntry = "entrechat/identity-move/1"

// maxIDs is how many releases one entry names.
const maxIDs = 200

// entryBody names releases by their hashes. Each has a random nonce: the hashes say nothing
// to who has not got the releases.
type entryBody struct {
	Moved []string `json:"moved,omitempty"`
	Back  []string `json:"back,omitempty"` // came home again: these count no more
}

// parseEntry reads an entry. Returns CodeInvalid.
func parseEntry(text []byte) (b entryBody, err error) {
	if err := wire.Peek(text, &b); err != nil {
		return b, err
	}
	if len(b.Moved)+len(b.Back) > maxIDs {
		return entryBody{}, bad(fmt.Errorf("%d releases", len(b.Moved)+len(b.Back)))
	}
	for _, list := range [][]string{b.Moved, b.Back} {
		for _, id := range list {
			if !idForm.MatchString(id) {
				return entryBody{}, bad(fmt.Errorf("%.80q is no hash", id))
			}
		}
	}
	return b, nil
}

// Readers take in which releases count.
func (m *Moves) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "identity_move", Types: []string{TypeEntry}, Read: m.heard,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return takeBack(ctx, q, log, index) })
		},
	}, m.legacyReader()}
}

func (m *Moves) heard(ctx context.Context, e logbook.Entry) error {
	if !e.InForce(m.now()) {
		return nil
	}
	b, err := parseEntry(e.Body)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	let, err := m.lets(ctx, e.Log)
	if err != nil {
		return err
	}
	return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, id := range b.Moved {
			if err := putMoved(ctx, q, e.Log, id, said{moved: e.Index, let: let}); err != nil {
				return err
			}
		}
		for _, id := range b.Back {
			if err := putBack(ctx, q, e.Log, id, e.Index); err != nil {
				return err
			}
		}
		return nil
	})
}
