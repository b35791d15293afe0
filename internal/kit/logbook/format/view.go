package format

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

// StateOf judges a log by when it was last heard; zero is never. A proved fork
// outweighs any age; people decide what follows.
func StateOf(heard core.Moment, forked bool, now core.Moment) State {
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

// HeardAt is when a head tells us its author was alive: the author's own time
// stamp, but never later than when we got it, so that no clock runs ahead of
// ours. A head without a time stamp is true but of unknown age.
// spec: docs/spec/logbook.md#age
func HeardAt(signed, received core.Moment) core.Moment { return min(signed, received) }

// Verdict is what an offered head turns out to be.
type Verdict int

// What an offered head turns out to be.
const (
	Older     Verdict = iota // a true earlier state, or what we have
	Refreshed                // what we have, signed later
	Longer                   // may continue ours: the entries will show
	Conflict                 // cannot be true beside ours
)

func (v Verdict) String() string {
	return [...]string{"older", "refreshed", "longer", "conflict"}[v]
}

// LogView is what we hold of one log.
type LogView struct {
	Tree   tlog.Tree
	Signed core.Moment // the author's time stamp on our head
	// attested: a head that counts covers the tree. Entries whose head lost its
	// standing (its key was revoked) contradict nobody.
	Attested bool
}

// Compare compares a verified head with what we hold. rootAt answers our own tree's
// root at a smaller size. It never answers older or refreshed for a head that
// contradicts ours, and never longer for one that is not larger.
func (v LogView) Compare(h Head, rootAt func(size int64) (tlog.Hash, error)) (Verdict, error) {
	switch {
	case h.Tree.N > v.Tree.N:
		return Longer, nil
	case h.Tree.N < v.Tree.N:
		root, err := rootAt(h.Tree.N)
		if err != nil {
			return Older, err
		}
		if root != h.Tree.Hash {
			return Conflict, nil
		}
	case h.Tree.Hash != v.Tree.Hash:
		return Conflict, nil
	case h.Signed > v.Signed || !v.Attested:
		return Refreshed, nil
	}
	return Older, nil
}
