package ask

import (
	"time"

	"entrechat/internal/core"
)

const (
	// drift is how far a clock may be off between two ticks, or in all, before a person is
	// asked. A leap of the clock is larger; a busy machine is not.
	drift = 10 * time.Minute
	// fresh is how old another member's signed head may be to say what time it is. What is
	// counted of the time this machine was off is that much less than heads show.
	fresh = time.Hour
)

// Clock counts the time a wait runs: what passed while the node was up, by the machine's
// running time, and what it was down, as far as the signed heads of other members bear out.
// The clock on the wall alone moves nothing. The zero value has counted nothing.
type Clock struct {
	Ran time.Duration // all that counts
	// Wall is what the clock said at the last tick; zero = it never ticked.
	Wall core.Moment
	// Owed is what the clock on the wall says passed beyond Ran: time off, or a leap of
	// the clock. Below zero it went back.
	Owed time.Duration
	// Heard and HeardRan are a head of others that came fresh, and Ran at that time; zero =
	// none came yet.
	Heard    core.Moment
	HeardRan time.Duration
}

// Begin goes on counting when the node starts: what the wall says passed since is owed.
func (c Clock) Begin(wall core.Moment) Clock {
	if c.Wall != 0 {
		c.Owed += wall.Sub(c.Wall)
	}
	c.Wall = wall
	return c
}

// Tick counts ran, what the machine ran since the tick before or since Begin. heard is the
// time of the newest head that two other members bear out; zero = there is none.
func (c Clock) Tick(wall core.Moment, ran time.Duration, heard core.Moment) Clock {
	if ran < 0 {
		ran = 0
	}
	if off := wall.Sub(c.Wall) - ran; c.Wall != 0 && (off > time.Second || off < -time.Second) {
		c.Owed += off
	}
	c.Wall = wall
	c.Ran += ran
	if c.Heard != 0 && heard > c.Heard && c.Owed > 0 {
		if credit := min(c.Owed, heard.Sub(c.Heard)-(c.Ran-c.HeardRan)-fresh); credit > 0 {
			c.Ran += credit
			c.Owed -= credit
		}
	}
	if age := wall.Sub(heard); heard > c.Heard && age > -drift && age < fresh {
		// The wall agrees with two others: what it says beyond what was counted is no leap.
		c.Heard, c.HeardRan, c.Owed = heard, c.Ran, 0
	}
	return c
}

// Doubtful says that the clock on the wall and the counted time do not agree: a person has
// to look at it before anything is released.
func (c Clock) Doubtful() bool { return c.Owed > drift || c.Owed < -drift }

// BorneOut is the newest time that two of these heads bear out: one member alone says
// nothing of the time. Zero = there are not two.
func BorneOut(heads []core.Moment) core.Moment {
	var first, second core.Moment
	for _, h := range heads {
		switch {
		case h > first:
			first, second = h, first
		case h > second:
			second = h
		}
	}
	return second
}
