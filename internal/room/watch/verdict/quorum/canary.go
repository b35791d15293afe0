package quorum

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"entrechat/internal/core"
)

// When we take ourselves for cut off: so many members do not answer, and none of their
// targets answered a moment ago.
// spec: docs/spec/watch.md#cut-off
const (
	cutLeast   = 4  // with fewer members, one that died would be half of the world
	cutPercent = 40 // of the members; so that the halves of a collective both notice
	cutSample  = 24 // so many are asked
	cutCall    = 2 * time.Second
	cutFresh   = 10 * time.Second // how long an answer holds
	cutAgain   = 30 * time.Second // until a node that is cut off asks again
)

// cutting is what we know of being cut off.
type cutting struct {
	at    core.Moment // when members were asked last
	is    bool
	since core.Moment // 0 = we are not
}

// CutOff is since when we take ourselves for cut off, also before a restart; zero = we do
// not.
func (e *Engine) CutOff() core.Moment {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cut.since
}

// isolated says whether we are cut off from too many members to trust our own looks.
func (e canary) isolated(ctx context.Context) bool {
	select {
	case e.asking <- struct{}{}:
		defer func() { <-e.asking }()
	case <-ctx.Done():
		return false
	}
	e.mu.Lock()
	at, is := e.cut.at, e.cut.is
	e.mu.Unlock()
	if at != 0 && e.now().Sub(at) < cutFresh {
		return is
	}
	silent, all, err := e.silent(ctx)
	if err != nil || ctx.Err() != nil {
		return is
	}
	now := e.now()
	e.mu.Lock()
	is = all >= cutLeast && 100*len(silent) > cutPercent*all && !e.seen(silent, now.Add(-cutFresh))
	e.cut.at, e.cut.is = now, is
	was := e.cut.since
	switch {
	case is && was == 0:
		e.cut.since = now
	case !is:
		e.cut.since = 0
	}
	since := e.cut.since
	e.mu.Unlock()
	if is {
		e.after(cutAgain, func(ctx context.Context) { e.isolated(ctx) })
	}
	if is != (was != 0) {
		if e.n.Isolated != nil {
			e.n.Isolated(ctx, is, max(was, since))
		}
		// Noted after it was told: who is stopped in between tells it again, which is one message.
		if err := e.facts.Put(ctx, row{Kind: kindCut, Owner: e.self, ID: kindCut, At: since, Body: []byte("{}"), gone: !is}); err != nil {
			e.n.Log.Warn("that we are cut off, or no longer, could not be noted", "error", err)
		}
		e.spawn(func(ctx context.Context) {
			if err := teller(e).settleAll(ctx); err != nil && ctx.Err() == nil {
				e.n.Log.Info("a verdict could not be told yet", "error", err)
			}
		})
	}
	return is
}

// silent asks members whether they are there, always the same ones where there are many.
func (e canary) silent(ctx context.Context) (silent []core.MemberID, asked int, err error) {
	known, err := e.n.Members.Known(ctx)
	if err != nil {
		return nil, 0, err
	}
	all := slices.DeleteFunc(slices.Clone(known), func(m core.MemberID) bool { return m == e.self })
	order := func(m core.MemberID) []byte {
		sum := sha256.Sum256([]byte(string(e.self) + "\n" + string(m)))
		return sum[:]
	}
	if len(all) > cutSample {
		slices.SortFunc(all, func(a, b core.MemberID) int { return bytes.Compare(order(a), order(b)) })
		all = all[:cutSample]
	}
	if len(all) < cutLeast {
		return nil, len(all), nil
	}
	there := e.there(ctx, all)
	silent = slices.DeleteFunc(slices.Clone(all), func(m core.MemberID) bool { return there[m] })
	return silent, len(all), nil
}

// seen says whether a target of one of these members answered us lately: then it is their
// nodes that do not, and not our line; e.mu is held.
func (e *memory) seen(silent []core.MemberID, since core.Moment) bool {
	for _, m := range silent {
		for _, k := range e.owned[m] {
			if w := e.watched[k]; !w.failed && w.good > since {
				return true
			}
		}
	}
	return false
}
