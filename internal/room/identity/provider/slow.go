package provider

import (
	"sync"
	"time"

	"entrechat/internal/core"
)

const (
	// slowTry is how long a try may take before its client is left alone for a while.
	slowTry = 2 * time.Second
	// slowRest is for how long it is.
	slowRest = time.Minute
)

// slow are clients that let us wait, so that the sign-outs of theirs keep no other client's
// waiting. The zero value is ready.
type slow struct {
	mu    sync.Mutex
	until map[string]core.Moment // by client
}

// rests says until when a client is left alone; 0 = it is not.
func (s *slow) rests(client string, now core.Moment) core.Moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until[client] <= now {
		delete(s.until, client)
		return 0
	}
	return s.until[client]
}

// took notes how long a try took that failed.
func (s *slow) took(client string, began, ended core.Moment) {
	if ended.Sub(began) < slowTry {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil {
		s.until = map[string]core.Moment{}
	}
	s.until[client] = ended.Add(slowRest)
}

// inTurn orders what is due so that each client's first comes before any client's second.
func inTurn(due []logout) []logout {
	seen, turns := map[string]int{}, [][]logout{}
	for _, l := range due {
		n := seen[l.Client]
		seen[l.Client]++
		if n == len(turns) {
			turns = append(turns, nil)
		}
		turns[n] = append(turns[n], l)
	}
	out := make([]logout, 0, len(due))
	for _, turn := range turns {
		out = append(out, turn...)
	}
	return out
}
