package need

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/assembly/stranger"
)

const (
	maxMembers = 200            // whose needs we read
	readEvery  = 24 * time.Hour // how often
	theirsKept = 60 * day       // how long what a silent member said counts
)

// Their is a need that another member published.
type Their struct {
	Member core.MemberID `json:"member"`
	ID     string        `json:"id"`
	Goal   string        `json:"goal"`
	State  State         `json:"state,omitempty"`
	// Offered is the member that does it, where the state is elsewhere.
	Offered core.MemberID `json:"offered,omitempty"`
}

// Around is how one need stands among all hosters that we hear: computed here, from what our
// people said is the same.
type Around struct {
	Asked   int     // hosters whose users ask for it, ourselves among them
	Offered int     // hosters that do it
	Same    []Their // what was said to be the same
}

// Read fetches what the members publish. One that does not answer stops nobody.
func (x *Exchange) Read(ctx context.Context) error {
	known, err := x.m.Known(ctx)
	if err != nil {
		return err
	}
	for _, id := range known[:min(len(known), maxMembers)] {
		var e Export
		err := x.m.Calls.JSON(ctx, id, http.MethodGet, ExportPath, nil, &e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue // it has no such room, or is away: what it said counts for a while
		}
		if err := x.keep(ctx, id, theirs(id, e)); err != nil {
			return err
		}
	}
	return x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return forgetTheirs(ctx, q, x.s.now().Add(-theirsKept))
	})
}

// theirs are those of an export that can be shown; what breaks the rules of our own form is
// passed over.
func theirs(from core.MemberID, e Export) []Their {
	var out []Their
	seen := map[string]bool{}
	for _, one := range e.Needs[:min(len(e.Needs), maxExport)] {
		goal := stranger.Tidy(one.Goal)
		known := one.State == "" || slices.Contains(States(), one.State)
		if seen[one.ID] || one.ID == "" || len(one.ID) > 64 || stranger.Check(one.ID, 64) != nil || strings.ContainsAny(one.ID, " /\n\t") || goal == "" || stranger.Check(goal, MaxText) != nil || !known {
			continue
		}
		seen[one.ID] = true
		t := Their{Member: from, ID: one.ID, Goal: goal, State: one.State}
		if one.Member.Valid() && one.State == Elsewhere {
			t.Offered = one.Member
		}
		out = append(out, t)
	}
	return out
}

func (x *Exchange) keep(ctx context.Context, from core.MemberID, list []Their) error {
	return x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return replaceTheirs(ctx, q, from, list, x.s.now()) })
}

// Theirs are what members published, as last read.
func (x *Exchange) Theirs(ctx context.Context, limit int) ([]Their, error) {
	return theirsOf(ctx, x.s.n.DB, limit)
}

// Same says that a need of ours and one of a member are the same; Differ takes it back.
// Returns CodeNotFound, CodeConflict for one that is not published.
func (x *Exchange) Same(ctx context.Context, id string, member core.MemberID, their string) error {
	return x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := get(ctx, q, id)
		if err != nil {
			return err
		}
		if n.Standing != Published {
			return core.Conflict("assembly.need.not_published", errors.New("not published"))
		}
		if err := hasTheir(ctx, q, member, their); err != nil {
			return err
		}
		return addSame(ctx, q, n.ID, member, their)
	})
}

// Differ takes back what Same said.
func (x *Exchange) Differ(ctx context.Context, id string, member core.MemberID, their string) error {
	return x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return removeSame(ctx, q, id, member, their) })
}

// Around is how a need stands among all hosters that we hear.
func (x *Exchange) Around(ctx context.Context, n Need) (Around, error) {
	all, err := x.Arounds(ctx, []Need{n})
	return all[n.ID], err
}

// Arounds is Around for each of some needs, by their ids.
func (x *Exchange) Arounds(ctx context.Context, list []Need) (map[string]Around, error) {
	same, err := sameAmong(ctx, x.s.n.DB, idsOf(list))
	all := make(map[string]Around, len(list))
	for _, n := range list {
		all[n.ID] = around(x.m.Signer.ID(), n, same[n.ID])
	}
	return all, err
}

func around(self core.MemberID, n Need, same []Their) Around {
	asked, offered := map[core.MemberID]bool{self: true}, map[core.MemberID]bool{}
	take := func(at core.MemberID, state State, by core.MemberID) {
		asked[at] = true
		if state == Done {
			offered[at] = true
		}
		if state == Elsewhere && by != "" {
			offered[by] = true
		}
	}
	by, _ := passesTo(n)
	take(self, n.State, by)
	for _, t := range same {
		take(t.Member, t.State, t.Offered)
	}
	return Around{len(asked), len(offered), same}
}

// Jobs are the work of the running node.
func (x *Exchange) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "assembly-need-read", Every: readEvery, Jitter: time.Hour, Run: x.Read}}
}
