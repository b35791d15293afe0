package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// The bounds of what people of other hosters may cost us. Their plan names whom to write to,
// which may be somebody who never asked, and a server that never takes it; the mail server,
// the line and the time are ours.
// spec: docs/spec/watch.md#alerts
const (
	othersAtOnce = 12 // of atOnce, for all other hosters together
	oneAtOnce    = 6  // of these, for one of them
	triesAtOnce  = 200
	triesEvery   = time.Minute // one more
	triesPause   = 10 * time.Minute
	mostOpen     = 2000 // deliveries of one other hoster that wait
)

// hosting is what the queue does for other hosters.
type hosting struct{ *Queue }

// guests counts what is tried for other hosters.
type guests struct {
	mu    sync.Mutex
	tries map[core.MemberID]*rate.Limiter
}

// places are how many people may be written to at once: all, and of one owner.
type places struct{ all, same int }

func (q hosting) placesOf(owner core.MemberID) places {
	if owner == q.n.Self {
		return places{atOnce, atOnce}
	}
	return places{othersAtOnce, oneAtOnce}
}

// admits counts one try for an owner; false: it had all it may have for now.
func (q hosting) admits(owner core.MemberID) bool {
	if owner == q.n.Self {
		return true
	}
	q.others.mu.Lock()
	defer q.others.mu.Unlock()
	if q.others.tries == nil {
		q.others.tries = map[core.MemberID]*rate.Limiter{}
	}
	l := q.others.tries[owner]
	if l == nil {
		l = rate.NewLimiter(rate.Every(triesEvery), triesAtOnce)
		q.others.tries[owner] = l
	}
	return l.AllowN(q.n.Now(), 1)
}

// putOff lets all that is due for an owner wait, because too much was tried for it.
func (q hosting) putOff(ctx context.Context, owner core.MemberID) error {
	q.n.Log.LogAttrs(ctx, slog.LevelWarn, "too many alerts for another hoster; they wait", slog.String("owner", string(owner)))
	return postpone(ctx, q.n.DB, owner, q.now(), q.now().Add(triesPause))
}

// full says whether so much waits for another hoster's people that nothing more is taken.
func (q hosting) full(ctx context.Context, tx db.Querier, owner core.MemberID) (bool, error) {
	if owner == q.n.Self {
		return false, nil
	}
	n, err := countOpen(ctx, tx, owner)
	if n >= mostOpen {
		q.n.Log.LogAttrs(ctx, slog.LevelWarn, "too many alerts wait for another hoster; one is left out", slog.String("owner", string(owner)))
	}
	return n >= mostOpen, err
}
