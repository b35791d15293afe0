package throttle

import (
	"time"

	"entrechat/internal/core"
)

// bound is how delays grow with guesses.
type bound struct {
	free  int64         // guesses without a delay
	every int64         // after so many more the delay doubles
	most  time.Duration // the longest delay
}

const (
	mostDelay = 15 * time.Minute
	forgetIn  = 24 * time.Hour // after so long without a guess, it begins anew
)

// atPlace is for one place at one account; atAccount for all networks at one account.
func atPlace() bound   { return bound{free: 5, every: 1, most: mostDelay} }
func atAccount() bound { return bound{free: 20, every: 8, most: mostDelay} }

// delay is how long the next guess waits after so many, the one just made included.
func (b bound) delay(guesses int64) time.Duration {
	over := guesses - b.free
	if over < 0 {
		return 0
	}
	doublings := over / b.every
	if doublings >= 20 {
		return b.most
	}
	return min(time.Second<<doublings, b.most)
}

// tally is what is remembered of one key.
type tally struct {
	guesses int64
	last    core.Moment // the latest guess
	until   core.Moment // no guess before
}

// charge counts a guess at now. wait is how long it has to wait; the tally is then as it
// was. A clock that was set back makes nobody wait longer than the longest delay.
func (t tally) charge(b bound, now core.Moment) (next tally, wait time.Duration) {
	if now.Sub(t.last) > forgetIn {
		t = tally{}
	}
	if wait := min(t.until.Sub(now), b.most); wait > 0 {
		return t, wait
	}
	t.guesses, t.last = t.guesses+1, now
	t.until = now.Add(b.delay(t.guesses))
	return t, 0
}
