package letin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// pace is how often something may be done: free times at once, then after waits that double.
type pace struct {
	free        int
	first, most time.Duration
}

func perAddress() pace { return pace{1, time.Minute, time.Hour} }

func perNetwork() pace { return pace{20, 10 * time.Second, 10 * time.Minute} }

const (
	forgets  = 24 * time.Hour // without a question a name begins anew
	maxNames = 50_000
)

// paces count by a name, in memory and hashed under a key that no disk has. The zero value is ready.
type paces struct {
	mu  sync.Mutex
	key [32]byte
	by  map[[16]byte]*asked
}

type asked struct {
	times      int
	last, next time.Time
}

// admit says whether something may be done for a name now, and counts it.
func (p *paces) admit(name string, at pace, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[[16]byte]*asked{}
		_, _ = rand.Read(p.key[:]) // never fails
	}
	h := hmac.New(sha256.New, p.key[:])
	h.Write([]byte(name))
	key := [16]byte(h.Sum(nil))
	a := p.by[key]
	if a == nil || now.Sub(a.last) > forgets {
		if a == nil && len(p.by) >= maxNames {
			p.sweep(now)
			if len(p.by) >= maxNames {
				return false
			}
		}
		a = &asked{}
		p.by[key] = a
	}
	if now.Before(a.next) {
		return false
	}
	a.times, a.last = a.times+1, now
	if over := a.times - at.free; over >= 0 {
		a.next = now.Add(min(at.first<<min(over, 20), at.most))
	}
	return true
}

func (p *paces) sweep(now time.Time) {
	for key, a := range p.by {
		if now.Sub(a.last) > forgets {
			delete(p.by, key)
		}
	}
}
