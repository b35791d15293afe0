package move

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
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

// doors counts who comes by the page, by where they come from. The zero value is ready.
type doors[K comparable] struct {
	mu sync.Mutex
	by map[K]*rate.Limiter
}

// take says whether somebody from there may once more: most times in a row, then once in every.
func (d *doors[K]) take(from K, now time.Time, most int, every time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil || len(d.by) >= maxDoors {
		d.by = map[K]*rate.Limiter{}
	}
	if d.by[from] == nil {
		d.by[from] = rate.NewLimiter(rate.Every(every), most)
	}
	return d.by[from].AllowN(now, 1)
}
