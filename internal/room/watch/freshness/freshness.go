// Package freshness looks at the age of a backup as a member sees it that stores it: what
// the owner says of its own backups counts for nothing here.
//
// Words. A file of a backup is stored whole, as snapshots, indexes and keys are, or in
// pieces, as its data. Which of a hoster's backups a file belongs to is sealed from who
// stores it: a look is at all of them together.
//
// What never happens: a shard that was only moved or repaired makes a backup look new; a
// member that stores nothing of an owner, or cannot reach its own store, says anything.
//
// Source: docs/spec/watch.md#backups
package freshness

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Stored answers what this node stores of a member; the vault's store is one.
type Stored interface {
	// Newest are when the newest file that is stored whole came to be, and the newest of
	// any sort: by the time the owner's signed head names, and no later than when it came
	// to us. Zero = there is none. ok is false when we store nothing of the owner.
	Newest(ctx context.Context, owner core.MemberID) (whole, newest core.Moment, ok bool, err error)
}

// Usual is how old a backup may be whose target does not say.
const Usual = 48 * time.Hour

// Looker looks at the age of backups.
type Looker struct {
	Stored Stored // nil = this node stores nothing for others
	Self   core.MemberID
	Now    func() time.Time
	Log    *slog.Logger
}

// Look is the look at a target of the kind backup: Fine, Stale, or Unfit where we do not
// know: it is our own, we store nothing of it, our store cannot be read, or data comes in
// but no file of ours says that a backup was finished.
func (l Looker) Look(ctx context.Context, t target.Target) look.Result {
	r, _ := l.Age(ctx, t)
	return r
}

// Age is a look, and when the newest file that we store whole was made; zero = we do not
// know of any.
func (l Looker) Age(ctx context.Context, t target.Target) (r look.Result, finished core.Moment) {
	now := core.At(l.Now())
	r = look.Result{At: now, Class: look.Unfit}
	if l.Stored == nil || t.Owner == l.Self {
		r.Detail = "who owns a backup does not store it"
		return r, 0
	}
	whole, newest, ok, err := l.Stored.Newest(ctx, t.Owner)
	switch {
	case err != nil:
		l.Log.Warn("the store for others cannot be read", "error", err)
		r.Detail = "our store cannot be read"
		return r, 0
	case !ok:
		r.Detail = "we store nothing of it"
		return r, 0
	}
	most := time.Duration(t.Expect.MaxAge) * time.Hour
	if most <= 0 {
		most = Usual
	}
	switch {
	case whole > 0 && now.Sub(whole) <= most:
		r.Class = look.Fine
	case newest > 0 && now.Sub(newest) <= most:
		r.Detail = "data comes in, but no snapshot"
	default:
		r.Class = look.Stale
		r.Detail = fmt.Sprintf("the newest snapshot that we store is %d hours old", int64(now.Sub(whole)/time.Hour))
		if whole == 0 {
			r.Detail = "we store data, but no snapshot"
		}
	}
	return r, whole
}
