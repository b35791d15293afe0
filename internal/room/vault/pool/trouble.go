package pool

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
)

// answered says that an error is what came over the wire as an error, and not what we
// found wrong ourselves.
func answered(err error) bool {
	var e *core.Error
	return errors.As(err, &e) && e.Args["Status"] != nil
}

// TroubleOf sorts an error that came back of a member, about a shard (or none: zero).
func TroubleOf(member core.MemberID, p catalogue.Placement, err error) catalogue.Trouble {
	t := catalogue.Trouble{Member: member, Object: p.Object.String(), Index: p.Index, Detail: fmt.Sprintf("%.200s", err), Size: catalogue.Cost(p.Length)}
	switch core.CodeOf(err) {
	case core.CodeInvalid, core.CodeConflict:
		// Only what we verified and found wrong is a lie; an error it answered is a no.
		if t.Kind = catalogue.TroubleWrong; answered(err) {
			t.Kind = catalogue.TroubleRefused
		}
	case core.CodeNotFound:
		t.Kind = catalogue.TroubleLost
	case core.CodeDenied:
		t.Kind = catalogue.TroubleRefused
	case core.CodeFull:
		t.Kind = catalogue.TroubleFull
	default:
		t.Kind = catalogue.TroubleUnreachable
	}
	if e, ok := errors.AsType[*core.Error](err); ok {
		switch e.Key {
		case "vault.busy", "peer.slow_down", "peer.proxy_rate":
			t.Kind = catalogue.TroubleBusy
		case "peer.proxy_limit":
			t.Kind = catalogue.TroubleProxyLimit
		case "peer.proxy_page", "peer.proxy_down":
			t.Kind = catalogue.TroubleProxy
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Kind = catalogue.TroubleUnreachable
	}
	if t.Kind != catalogue.TroubleWrong && t.Kind != catalogue.TroubleLost {
		t.Object, t.Index = "", 0 // about the member, not about one shard
	}
	return t
}
