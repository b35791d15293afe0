package stranger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	day      = 24 * time.Hour
	maxNames = 50_000 // that one gate counts by
)

// Gate counts by a name for a day, in memory. What it keeps of a name is a hash under a key
// that is thrown away with the day. The zero value is
// ready. Safe for concurrent use.
type Gate struct {
	mu   sync.Mutex
	from time.Time
	key  [32]byte
	by   map[[16]byte]int
	all  int
}

// Admit counts one more of a name; false = it had most already, or all together had all
// (0 = all together have no bound). A name that is empty is counted among all only.
func (g *Gate) Admit(name string, most, all int, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil || now.Sub(g.from) >= day || now.Before(g.from) {
		g.by, g.from, g.all = map[[16]byte]int{}, now, 0
		_, _ = rand.Read(g.key[:]) // never fails
	}
	if all > 0 && g.all >= all {
		return false
	}
	if name != "" {
		h := hmac.New(sha256.New, g.key[:])
		h.Write([]byte(name))
		key := [16]byte(h.Sum(nil)[:16])
		if g.by[key] >= most || g.by[key] == 0 && len(g.by) >= maxNames {
			return false
		}
		g.by[key]++
	}
	g.all++
	return true
}
