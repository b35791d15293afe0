package local

import "sync"

// Signal wakes everybody who waits for something to change.
type Signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// Next is closed by the next Broadcast. Take it before looking at what may change.
func (s *Signal) Next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// Broadcast wakes who waits.
func (s *Signal) Broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
