package move

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/throttle"
)

const (
	// perDay is how many people of one home come by the page within a day: each takes a handle
	// here for ever, also when the home does not let them go in the end.
	perDay = 200
	// perNetwork is how often in a row one network has us ask old homes, then once in ten seconds;
	// forAll is it for everybody, then once a second. One move asks three times.
	perNetwork, forAll = 30, 100
	// clocks is how far members' clocks may differ.
	clocks = 10 * time.Minute
	// maxDoors is how many are counted at a time; beyond it all begin anew.
	maxDoors = 10_000
)

// newCalls bounds how often strangers have us ask old homes.
func newCalls() *throttle.Meter {
	return &throttle.Meter{Burst: perNetwork, Every: 10 * time.Second, AllBurst: forAll, AllEvery: time.Second}
}

// doors counts who comes by the page, by home. The zero value is ready.
type doors struct {
	mu sync.Mutex
	by map[core.MemberID]*rate.Limiter
}

// take says whether a home may bring one more.
func (d *doors) take(from core.MemberID, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil || len(d.by) >= maxDoors {
		d.by = map[core.MemberID]*rate.Limiter{}
	}
	if d.by[from] == nil {
		d.by[from] = rate.NewLimiter(rate.Every(24*time.Hour/perDay), perDay)
	}
	return d.by[from].AllowN(now, 1)
}
