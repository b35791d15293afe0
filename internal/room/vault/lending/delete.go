package lending

import (
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/holder"
)

// deletionRule decides what a tombstone may do now. An intruder with the prune key
// can delete a tenth a day, nothing young, and all of it can be undeleted for 30 days.
//
// spec: docs/spec/holder.md#burial
type deletionRule struct {
	prune string      // the key that signed, base64url
	now   core.Moment // the holder's clock
	made  core.Moment // the tombstone's, by the owner's clock
	day   int64       // bytes deleted within the last 24 hours
	total int64       // bytes of all the owner's shards
}

type verdict int

const (
	deleteNothing verdict = iota // none stored, or undeleted again since this tombstone was signed
	deleteNow
	alreadyDeleted
	deleteLater
)

// judge looks at all shards of one object. What it lets through counts in the
// day. Returns CodeDenied when the header names another prune key, or none.
func (b *deletionRule) judge(rows []row) (verdict, error) {
	var bytes int64
	var down, late, past int
	for _, r := range rows {
		switch {
		case r.prune == "" || r.prune != b.prune:
			return deleteNothing, core.Denied("vault.bad_signature",
				fmt.Errorf("tombstone for %s is not signed by its prune key", r.ref().Name())).With("Member", r.owner)
		case r.deleted > 0:
			down++
		case r.tomb >= b.made:
			past++
		case r.state == stateReserved || r.received > b.now.Add(-holder.MinAge):
			late++
		default:
			bytes += r.bytes
		}
	}
	switch {
	case late > 0:
		return deleteLater, nil
	case bytes == 0 && down > 0:
		return alreadyDeleted, nil
	case bytes == 0 || past > 0:
		return deleteNothing, nil
	}
	// The first object of a day always passes: a small backup could never be
	// pruned otherwise.
	if b.day > 0 && b.day+bytes > b.total/10 {
		return deleteLater, nil
	}
	b.day += bytes
	return deleteNow, nil
}
