package author

import (
	"context"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/store"
)

// clearedFor is how long a passed guard counts without being renewed. A machine
// that was put to sleep, or taken back to a snapshot, has to pass again.
const clearedFor = 10 * time.Minute

// Passed says that the guard let us write our own log now.
func (a *Author) Passed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guarded = a.st.Now()
}

// Doubt has the guard pass again before anything more is signed.
func (a *Author) Doubt() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guarded = 0
}

// Cleared says whether the guard passed a short while ago.
func (a *Author) Cleared() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	age := a.st.Now().Sub(a.guarded)
	return a.guarded != 0 && age >= 0 && age < clearedFor
}

// Stopped returns why nothing may be appended, if so.
func Stopped(ctx context.Context, q db.Querier) error {
	reasons, err := store.Stops(ctx, q)
	if err != nil || len(reasons) == 0 {
		return err
	}
	return core.Conflict("logbook.own_fork", fmt.Errorf("own log is stopped: %v", reasons))
}
