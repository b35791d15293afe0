package archive

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/tally"
)

// lateAfter is how long after its opening a proposal may reach us before people are told.
const lateAfter = 24 * time.Hour

// Doubts are what the author of a proposal says otherwise than we know it. The zero value is none.
// spec: docs/spec/decision.md#electorate
type Doubts struct {
	Came      core.Moment     // it came long after it says that it opened, and before its count; 0 = in time
	Awake     []core.MemberID // it says that they sleep, and by our own counts they do not
	Unblocked bool            // a last round, and by our count the version before was not blocked
}

// Doubt says what there is to doubt in a proposal.
func Doubt(ctx context.Context, a *Archive, r Row) (out Doubts, err error) {
	d, err := GetPaper(ctx, a.DB, r.ID)
	if err != nil {
		return out, err
	}
	if d.Kept > r.P.Opened.Add(lateAfter) && d.Kept <= r.P.CountedAt() {
		out.Came = d.Kept
	}
	if out.Awake, err = awake(ctx, a, r); err != nil || !r.P.Fallback {
		return out, err
	}
	before, err := Proposal(ctx, a.DB, r.P.Replaces)
	if err != nil {
		return out, err
	}
	c, err := a.Count(ctx, a.DB, before)
	out.Unblocked = c.T.Result != tally.Blocked
	return out, err
}

func awake(ctx context.Context, a *Archive, r Row) (ids []core.MemberID, err error) {
	var earlier []elector.Part
	read := false
	for _, e := range r.P.Electorate {
		if !e.Sleeping {
			continue
		}
		if !read {
			if earlier, err = a.Parts(ctx, r.P.Charter, r.P.Opened); err != nil {
				return nil, err
			}
			read = true
		}
		if !elector.Sleeps(e.Member, earlier) {
			ids = append(ids, e.Member)
		}
	}
	return ids, nil
}
