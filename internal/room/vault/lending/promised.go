package lending

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
)

// Promised is what our pacts let these members store here, and how much of it may still come,
// in bytes.
func (s *Store) Promised(ctx context.Context, members []core.MemberID) (promised, due core.Size, err error) {
	for _, id := range members {
		allowed, err := s.n.Trust.May(ctx, id, holder.KindStore)
		if core.CodeOf(err) == core.CodeDenied || err == nil && allowed.ReadOnly {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		stored, err := s.Used(ctx, id)
		if err != nil {
			return 0, 0, err
		}
		granted := core.Size(allowed.Grant.Amount(holder.FieldBytes))
		promised += granted
		due += max(0, granted-stored)
	}
	return promised, due, nil
}
