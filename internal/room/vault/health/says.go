package health

import (
	"time"

	"entrechat/internal/kit/words"
)

// Says whether a member answers, fails, or was not heard.
func (m At) Says(p *words.Printer, now time.Time) string {
	switch {
	case m.Since != 0:
		return p.T("vault.member.failing", args{"Span": now.Sub(m.Since.Time())})
	case !m.Well && m.Heard == 0:
		return p.T("vault.member.never", nil)
	case !m.Well:
		return p.T("vault.member.unheard", args{"Ago": p.Ago(m.Heard, now)})
	}
	return p.T("vault.member.well", nil)
}
