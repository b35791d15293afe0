package breakglass

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// rotateWithin is how long people have to change what a box held.
const rotateWithin = 14 * 24 * time.Hour

// Rotations lists what has to be changed, and what was.
func (a opener) Rotations(ctx context.Context) ([]Rotation, error) { return rotations(ctx, a.n.DB) }

// Late says whether a thing should have been changed by now.
func (r Rotation) Late(now core.Moment) bool { return r.Done == 0 && now >= r.Opened.Add(rotateWithin) }

// Due counts what has still to be changed, and what of it is late.
func (a opener) Due(ctx context.Context) (due, late int, err error) {
	all, err := a.Rotations(ctx)
	for _, r := range all {
		if r.Done == 0 {
			due++
		}
		if r.Late(a.now()) {
			late++
		}
	}
	return due, late, err
}

// Rotated notes that one was changed. Returns CodeNotFound "custody.breakglass.no_rotation".
func (a opener) Rotated(ctx context.Context, deal share.ID, line int64) error {
	was, err := setRotated(ctx, a.n.DB, deal, line, a.now())
	if err == nil && !was {
		return core.NotFound("custody.breakglass.no_rotation", errors.New("no such line, or done"))
	}
	return err
}
