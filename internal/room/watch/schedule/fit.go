package schedule

import (
	"os"
	"sync"
	"syscall"
	"time"

	"entrechat/internal/core"
)

// The rules of fitness. An overloaded looker blames its targets (blackbox_exporter #592
// and #808).
const (
	mostLag        = time.Second
	recovery       = 30 * time.Second // without trouble before we are fit again
	checkEvery     = 10 * time.Second
	mostDescriptor = 90 // percent of what the system lets us open
)

// The reasons to be unfit, for people who run the node.
const (
	reasonLate        = "late: the processor or the disk is overloaded, looks begin more than a second late"
	reasonStarved     = "starved: a look waited more than a second for the processor"
	reasonDescriptors = "descriptors: nine tenths of the files and connections we may open are open"
)

// Fitness says whether our own looks can be trusted.
type Fitness struct {
	Fit    bool
	Since  core.Moment // when it became so
	Reason string      // why it is not; in English, for logs
}

type fitness struct {
	mu      sync.Mutex
	state   Fitness
	last    time.Time // the last trouble; zero = none yet
	checked time.Time
	next    time.Time // when the wheel wakes at the latest; zero = not running
}

// Fit says whether our looks can be trusted now, since when, and why not.
func (s *Scheduler) Fit() Fitness {
	s.fit.mu.Lock()
	defer s.fit.mu.Unlock()
	return s.fit.state
}

// lag notes how late something of ours was.
func (f *fitness) lag(now time.Time, late time.Duration, reason string) {
	if late > mostLag {
		f.trouble(now, reason)
	}
}

func (f *fitness) trouble(now time.Time, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = now
	if f.state.Fit {
		f.state = Fitness{Since: core.At(now), Reason: reason}
	}
}

// promise notes when the wheel wakes at the latest.
func (f *fitness) promise(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = at
}

// overdue is for who ends before a late wheel noticed that it is late.
func (f *fitness) overdue(now time.Time) {
	f.mu.Lock()
	next := f.next
	f.mu.Unlock()
	if !next.IsZero() {
		f.lag(now, now.Sub(next), reasonLate)
	}
}

// check ends a trouble that is over, and looks at descriptors now and then.
func (f *fitness) check(now time.Time) {
	f.mu.Lock()
	due := now.Sub(f.checked) >= checkEvery
	if due {
		f.checked = now
	}
	if !f.state.Fit && now.Sub(f.last) >= recovery {
		f.state = Fitness{Fit: true, Since: core.At(now)}
	}
	f.mu.Unlock()
	if used, most := descriptors(due); used*100 > most*mostDescriptor {
		f.trouble(now, reasonDescriptors)
	}
}

// spoilt says that what began then may be wrong by our own fault.
func (f *fitness) spoilt(begun time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.state.Fit || !f.last.IsZero() && !f.last.Before(begun)
}

// descriptors counts what this process has open and may have open; zero where the system
// does not say.
func descriptors(really bool) (used, most uint64) {
	var limit syscall.Rlimit
	if !really || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0, 0
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, 0
	}
	return uint64(len(open)), limit.Cur
}
