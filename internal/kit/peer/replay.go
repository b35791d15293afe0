package peer

import (
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
)

// maxNonces bounds what one member can make us remember, about 4 MB. A member
// above it is told to slow down; nothing is forgotten early.
const maxNonces = 100_000

// nonce is what makes a request the only one of its kind.
type nonce [16]byte

// replayGuard refuses a nonce that a member used before, for as long as a request
// that carries it would be taken. It lives in memory: what was signed before the
// start is refused by verify, and what was signed ahead of it by aheadGuard.
type replayGuard struct {
	mu    sync.Mutex
	seen  map[core.MemberID]*nonces
	swept int64 // the minute of the last sweep
}

// nonces are kept by the minute their request says it was made in, so that
// forgetting is one deletion.
type nonces struct {
	count    int
	byMinute map[int64]map[nonce]struct{}
}

// use takes a nonce that the caller has proved to be from's. Returns CodeUnsure
// when it was used before (a copied request, or a transport that sent one twice)
// or when the member must slow down.
func (g *replayGuard) use(from core.MemberID, n nonce, created, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	if g.seen == nil {
		g.seen = map[core.MemberID]*nonces{}
	}
	s := g.seen[from]
	if s == nil {
		s = &nonces{byMinute: map[int64]map[nonce]struct{}{}}
		g.seen[from] = s
	}
	minute := minuteOf(created)
	bucket := s.byMinute[minute]
	if _, used := bucket[n]; used {
		return core.Unsure("peer.replayed", fmt.Errorf("%s: the request came before", from))
	}
	if s.count >= maxNonces {
		return slowDown(from)
	}
	if bucket == nil {
		bucket = map[nonce]struct{}{}
		s.byMinute[minute] = bucket
	}
	bucket[n] = struct{}{}
	s.count++
	return nil
}

// sweep forgets, once a minute, the minutes whose requests are too old to be taken.
func (g *replayGuard) sweep(now time.Time) {
	if minuteOf(now) == g.swept {
		return
	}
	g.swept = minuteOf(now)
	oldest := minuteOf(now.Add(-window))
	for from, s := range g.seen {
		for minute, bucket := range s.byMinute {
			if minute < oldest {
				s.count -= len(bucket)
				delete(s.byMinute, minute)
			}
		}
		if s.count == 0 {
			delete(g.seen, from)
		}
	}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
