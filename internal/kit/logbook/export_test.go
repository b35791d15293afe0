package logbook

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

// PullTwin pulls a log from any address, as a neighbour that was told another
// history would serve it.
func (b *Book) PullTwin(ctx context.Context, id core.MemberID, base string) error {
	return b.pullLog(ctx, id, base)
}

// Check functions fuzzing needs.
var (
	ParseLeaf          = parseLeaf
	OpenHead           = openHead
	ParseAddCheckpoint = parseAddCheckpoint
	Judge              = func(held, offered tlog.Tree, rootAt func(int64) (tlog.Hash, error)) (int, error) {
		v, err := judge(held, offered, rootAt)
		return int(v), err
	}
)
