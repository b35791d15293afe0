package heir

import (
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/ask"
)

// Successors knows who was named to take services over, and who is silent.
type Successors interface {
	// MayAsk says whether an owner named a member for a box long enough ago and is silent here too.
	// known is false where only the second cannot be told: people decide then. Returns CodeDenied.
	MayAsk(ctx context.Context, owner, member core.MemberID, scope string) (known bool, err error)
}

// Heir is what people at a holder read about an ask of a successor; empty = it is none.
type Heir string

// Known: the owner is silent here too. Unknown: this node cannot tell.
const (
	None    Heir = ""
	Known   Heir = "known"
	Unknown Heir = "unknown"
)

// Key is that of the sentence for people.
func (h Heir) Key() string { return "custody.heir." + string(h) }

// Allow says whether who asks may as a successor. Returns CodeDenied "custody.breakglass.no_asker",
// or what Successors do.
func Allow(ctx context.Context, find func() (Successors, bool), a ask.Ask) (Heir, error) {
	no := core.Denied("custody.breakglass.no_asker", fmt.Errorf("%s may not ask", a.Asker))
	kind, _, _ := strings.Cut(a.Scope, ":")
	if a.Reason != ask.SilentOwner || a.Role != ask.AsMember || kind != "serve" && kind != "data" {
		return None, no
	}
	successors, ok := find()
	if !ok {
		return None, no
	}
	known, err := successors.MayAsk(ctx, a.Owner, a.Asker, a.Scope)
	switch {
	case err != nil:
		return None, err
	case known:
		return Known, nil
	}
	return Unknown, nil
}
