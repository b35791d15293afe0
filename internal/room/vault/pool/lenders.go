package pool

import (
	"context"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
)

// NoLender says that nobody lends us room, and whose answer is missing for that to
// change. Returns CodeFull, or why the pacts cannot be read.
func (p *Pool) NoLender(ctx context.Context) error {
	theirs, ours, err := p.Lenders.Awaited(ctx, holder.KindStore)
	if err != nil {
		return err
	}
	why := errors.New("no member lends us room")
	switch {
	case len(ours) > 0:
		return core.Full("vault.no_lender_ours", why).With("Members", names(ours))
	case len(theirs) > 0:
		return core.Full("vault.no_lender_theirs", why).With("Members", names(theirs))
	}
	return core.Full("vault.no_lender", why)
}

// names lists members in a sentence.
func names(ids []core.MemberID) string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, string(id))
	}
	return strings.Join(out, ", ")
}
