package succession

import (
	"context"

	"entrechat/internal/core"
)

// OurSuccessors are the members that may take over a service of ours: the vault names them as
// readers.
func (r *Room) OurSuccessors(ctx context.Context) ([]core.MemberID, error) {
	return r.Promises.OurSuccessors(ctx)
}
