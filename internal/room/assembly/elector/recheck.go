package elector

import (
	"slices"

	"entrechat/internal/core"
)

// Check is where another node's electorate differs from ours. All lists are sorted; all empty:
// it is the same.
type Check struct {
	Missing  []core.MemberID // in ours, and not in theirs
	Extra    []core.MemberID // in theirs, and not in ours
	OtherKey []core.MemberID // in both, under different root keys
	// Unread are in the electorate by what we read that was written before the proposal opened,
	// and not by as much as its author had read.
	Unread []core.MemberID
	// Behind are logbooks that we have not read as far as the author: nothing else can be said
	// then.
	Behind []core.MemberID
}

// Same says that there is nothing to warn of.
func (c Check) Same() bool {
	return len(c.Missing)+len(c.Extra)+len(c.OtherKey)+len(c.Unread)+len(c.Behind) == 0
}

// Compare says where an electorate differs from the one that was drawn from the same heads, and
// from the one drawn from everything that was said before it opened. Who sleeps is not compared.
func Compare(theirs []Elector, same, whole Drawn) Check {
	var c Check
	listed := map[core.MemberID]core.RootKey{}
	for _, e := range theirs {
		listed[e.Member] = e.Root
	}
	ours := map[core.MemberID]bool{}
	for _, o := range same.Candidates {
		if !o.In() {
			continue
		}
		ours[o.Member] = true
		root, was := listed[o.Member]
		switch {
		case !was:
			c.Missing = append(c.Missing, o.Member)
		case root != o.Root:
			c.OtherKey = append(c.OtherKey, o.Member)
		}
	}
	for _, e := range theirs {
		if !ours[e.Member] {
			c.Extra = append(c.Extra, e.Member)
		}
	}
	for _, o := range whole.Candidates {
		if _, was := listed[o.Member]; o.In() && !was && !ours[o.Member] {
			c.Unread = append(c.Unread, o.Member)
		}
	}
	slices.Sort(c.Extra)
	return c
}
