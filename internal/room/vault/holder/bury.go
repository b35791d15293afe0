package holder

import (
	"fmt"

	"entrechat/internal/core"
)

// burialRule decides what a tombstone may do now. An intruder with the prune key
// can bury a tenth a day, nothing young, and all of it rises again for 30 days.
//
// spec: docs/spec/holder.md#burial
type burialRule struct {
	prune string      // the key that signed, base64url
	now   core.Moment // the holder's clock
	made  core.Moment // the tombstone's, by the owner's clock
	day   int64       // bytes buried within the last 24 hours
	total int64       // bytes of all the owner's shards
}

type verdict int

const (
	buryNothing verdict = iota // none held, or raised again since this tombstone was signed
	buryNow
	buried // already
	buryLater
)

// judge looks at all shards of one object. What it lets through counts in the
// day. Returns CodeDenied when the header names another prune key, or none.
func (b *burialRule) judge(rows []row) (verdict, error) {
	var bytes int64
	var down, late, past int
	for _, r := range rows {
		switch {
		case r.prune == "" || r.prune != b.prune:
			return buryNothing, core.Denied("vault.bad_signature",
				fmt.Errorf("tombstone for %s is not signed by its prune key", r.ref().Name())).With("Member", r.owner)
		case r.buried > 0:
			down++
		case r.tomb >= b.made:
			past++
		case r.state == stateReserved || r.received > b.now.Add(-Youth):
			late++
		default:
			bytes += r.bytes
		}
	}
	switch {
	case late > 0:
		return buryLater, nil
	case bytes == 0 && down > 0:
		return buried, nil
	case bytes == 0 || past > 0:
		return buryNothing, nil
	}
	// The first object of a day always passes: a small backup could never be
	// pruned otherwise.
	if b.day > 0 && b.day+bytes > b.total/10 {
		return buryLater, nil
	}
	b.day += bytes
	return buryNow, nil
}
