package domain

import (
	"time"

	"entrechat/internal/core"
)

// Seen is what earlier looks knew of one set: its TTL, and from when on no resolver keeps a longer one.
type Seen struct {
	Name, Type string
	TTL        uint32      // 0 = the set was not there
	Since      core.Moment // the first look
	Holds      core.Moment // 0 = it was never seen longer
	At         core.Moment // the last look
}

// Next is what is known after a look that saw such a TTL. Between two looks nobody knows when it was
// lowered: the later one counts.
func (s Seen) Next(ttl uint32, now core.Moment) Seen {
	switch {
	case s.At == 0:
		s.Since = now
	case ttl < s.TTL:
		s.Holds = max(s.Holds, now.Add(time.Duration(s.TTL)*time.Second))
	}
	s.TTL, s.At = ttl, now
	return s
}
