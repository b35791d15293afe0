package alert

import (
	"strings"

	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
)

// why says why a message did not arrive, by the text that its delivery keeps.
func why(p *words.Printer, kept string) string {
	reason := strings.TrimPrefix(kept, channel.NotDelivered)
	switch reason {
	case "refused", "timeout", "tls", "dns", "blocked", "unset", "rejected", "reset", "no channel":
		return p.T("watch.alert.why_"+strings.ReplaceAll(reason, " ", "_"), nil)
	}
	if code, ok := strings.CutPrefix(reason, "status "); ok {
		return p.T("watch.alert.why_status", args{"Code": code})
	}
	return reason // of a newer program
}
