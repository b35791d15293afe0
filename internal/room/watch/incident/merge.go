package incident

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/verdict"
)

// merging is what becomes of the steps of one target.
type merging struct {
	service string
	// whole: of the steps after from, up to to, those that are not wanted are dropped.
	whole    bool
	from, to core.Moment
	want     func(have []step) []step
}

// proved are the steps of a target that a history says, after its beginning: each case once.
// What no case proved is this node's own blindness, or what was before the first failure;
// it makes no step. A withdrawal stays.
func proved(k verdict.Key, history []verdict.Interval, from core.Moment, have []step) (out []step) {
	stored := map[string]step{}
	for _, one := range have {
		stored[one.Key] = one
	}
	seen := map[string]bool{}
	for _, i := range history {
		if i.Case == "" || seen[i.Case] {
			continue
		}
		seen[i.Case] = true
		key := keyOf(verdict.Verdict{Owner: k.Owner, Target: k.Target, Case: i.Case})
		one := step{Key: key, Target: k.Target, State: i.State, Weak: i.Weak, At: i.From, Voters: -1}
		if i.From <= from { // it began before, nobody says when
			var known bool
			if one, known = stored[key]; !known {
				continue
			}
		}
		out = append(out, one)
	}
	for _, one := range have {
		if one.State == Withdrawn {
			out = append(out, one)
		}
	}
	return out
}

// merge makes the stored steps of a target those that are wanted, and answers the first
// moment at which any changed.
func merge(ctx context.Context, q db.Querier, k verdict.Key, m merging) (first core.Moment, changed bool, err error) {
	have, err := stepsBetween(ctx, q, k, m.from, m.to)
	if err != nil {
		return 0, false, err
	}
	c := changing{k: k, q: q}
	left := map[string]bool{}
	for _, one := range have {
		left[one.Key] = true
	}
	for _, one := range m.want(have) {
		delete(left, one.Key)
		one.Service = m.service
		if err := c.put(ctx, one); err != nil {
			return 0, false, err
		}
	}
	for _, one := range have {
		if m.whole && left[one.Key] {
			if err := dropStep(ctx, q, k.Owner, one.Key); err != nil {
				return 0, false, err
			}
			c.note(one.At)
		}
	}
	return c.first, c.changed, nil
}

// changing changes steps of a target, and remembers the first moment that it did.
type changing struct {
	k       verdict.Key
	q       db.Querier
	first   core.Moment
	changed bool
}

func (c *changing) note(at core.Moment) {
	if !c.changed || at < c.first {
		c.first, c.changed = at, true
	}
}

// put adds a step, or corrects the one of its name. A target that had too many in a day gets
// no more.
func (c *changing) put(ctx context.Context, one step) error {
	was, err := stepByKey(ctx, c.q, c.k.Owner, one.Key)
	if core.CodeOf(err) == core.CodeNotFound {
		n, err := countSteps(ctx, c.q, c.k.Owner, one.Target, one.At)
		if err != nil || n >= maxSteps {
			return err
		}
		c.note(one.At)
		return addStep(ctx, c.q, c.k.Owner, one)
	}
	if err != nil || was.At == one.At && was.Weak == one.Weak && was.State == one.State {
		return err
	}
	c.note(min(was.At, one.At))
	return moveStep(ctx, c.q, c.k.Owner, one)
}
