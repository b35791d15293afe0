package need

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	perNetwork = 3   // needs a day from one network without an account
	perMailbox = 3   // mails a day that typing an address causes
	perNode    = 200 // of them all
	maxNames   = 50_000
)

// gate counts by a name for a day, in memory. What it keeps of a name is a hash under a key
// that is thrown away with the day. The zero value is ready.
type gate struct {
	mu   sync.Mutex
	from time.Time
	key  [32]byte
	by   map[[16]byte]int
	all  int
}

// admit counts one more of a name; false = it had most already, or all together had all. A
// name that is empty is counted among all only.
func (g *gate) admit(name string, most, all int, now time.Time) bool {
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
