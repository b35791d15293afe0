package logbook

import (
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

// How old a member's newest head may be before people are told. An author signs
// its head anew several times a day, so age says that it, or the way to it, is
// silent.
const (
	notHeardAfter = 48 * time.Hour
	staleAfter    = 7 * 24 * time.Hour
)

// State is how a member's log stands with us.
type State string

// The states of a log.
const (
	Unknown   State = "unknown"   // followed, nothing verified yet
	Fresh     State = "fresh"     // heard within 48 hours
	NotHeard  State = "not_heard" // not for 48 hours
	Stale     State = "stale"     // not for seven days
	Suspended State = "suspended" // it told different things to different members
)

// stateOf judges a log by when it was last heard; zero is never. A proved fork
// outweighs any age; people decide what follows.
func stateOf(heard core.Moment, forked bool, now core.Moment) State {
	switch age := now.Sub(heard); {
	case forked:
		return Suspended
	case heard == 0:
		return Unknown
	case age > staleAfter:
		return Stale
	case age > notHeardAfter:
		return NotHeard
	}
	return Fresh
}

// heardAt is when a head tells us its author was alive: the author's own time
// stamp, but never later than when we got it, so that no clock runs ahead of
// ours. A head without a time stamp is true but of unknown age.
// spec: docs/spec/logbook.md#age
func heardAt(signed, received core.Moment) core.Moment { return min(signed, received) }

// verdict is what an offered head turns out to be.
type verdict int

const (
	older     verdict = iota // a true earlier state, or what we have
	refreshed                // what we have, signed later
	longer                   // may continue ours: the entries will show
	conflict                 // cannot be true beside ours
)

func (v verdict) String() string {
	return [...]string{"older", "refreshed", "longer", "conflict"}[v]
}

// logView is what we hold of one log.
type logView struct {
	tree   tlog.Tree
	signed core.Moment // the author's time stamp on our head
	// attested: a head that counts covers the tree. Entries whose head lost its
	// standing (its key was revoked) contradict nobody.
	attested bool
}

// compare compares a verified head with what we hold. rootAt answers our own tree's
// root at a smaller size. It never answers older or refreshed for a head that
// contradicts ours, and never longer for one that is not larger.
func (v logView) compare(h head, rootAt func(size int64) (tlog.Hash, error)) (verdict, error) {
	switch {
	case h.tree.N > v.tree.N:
		return longer, nil
	case h.tree.N < v.tree.N:
		root, err := rootAt(h.tree.N)
		if err != nil {
			return older, err
		}
		if root != h.tree.Hash {
			return conflict, nil
		}
	case h.tree.Hash != v.tree.Hash:
		return conflict, nil
	case h.signed > v.signed || !v.attested:
		return refreshed, nil
	}
	return older, nil
}
