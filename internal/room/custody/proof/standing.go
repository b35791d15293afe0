package proof

import "entrechat/internal/core"

// Standing is how much one share of a deal can be relied on.
type Standing string

// The standings.
const (
	Waiting Standing = "waiting" // its holder has not acknowledged
	Proved  Standing = "proved"  // by a proof, or by a young acknowledgement
	Late    Standing = "late"    // no proof for this month and the one before; it still counts
	Missing Standing = "missing" // none for three months: it counts no more
	Wrong   Standing = "false"   // the last proof does not hold
	Gone    Standing = "lost"    // its holder says so
)

// Counts says whether the share is one of those that can open the box.
func (s Standing) Counts() bool { return s == Proved || s == Late }

// facts are what is known of one share.
type facts struct {
	person bool        // proves each quarter, not each month
	acked  core.Moment // 0 = not yet
	good   string      // period of the last good proof; empty = none
	worse  Verdict     // of a proof after that one; empty = none
}

// standing judges a share at a moment.
// spec: docs/spec/custody.md#proof-document
func (f facts) standing(now core.Moment) Standing {
	if f.acked == 0 {
		return Waiting
	}
	switch f.worse {
	case False:
		return Wrong
	case Lost:
		return Gone
	case Good:
	}
	last := max(PeriodOf(f.acked), f.good)
	late, missing := 2, 3
	if f.person {
		late, missing = 5, 7
	}
	switch gone := months(last, PeriodOf(now)); {
	case gone >= missing:
		return Missing
	case gone >= late:
		return Late
	}
	return Proved
}
