package schedule

import (
	"math/bits"
	"time"
)

// The wheel turns once in 51.2 s; what is due later stays in its slot for more turns.
const (
	tick  = 25 * time.Millisecond
	slots = 2048
)

// wheel is a hashed time wheel: an entry lies in the slot of its tick modulo their number.
// Putting and taking one entry costs the same however many there are.
type wheel struct {
	slots [slots][]*entry
	used  [slots / 64]uint64 // one bit for each slot that is not empty
	now   int64              // the last tick that was taken
}

// put has the entry taken at its due time, or at the next tick when that has passed.
func (w *wheel) put(e *entry) {
	e.tick = max(int64(e.due/tick), w.now+1)
	slot := e.tick % slots
	w.slots[slot] = append(w.slots[slot], e)
	w.used[slot/64] |= 1 << (slot % 64)
}

// take calls do with each entry that is due at a time since the start, in the order of
// their ticks.
func (w *wheel) take(at time.Duration, do func(*entry)) {
	last := int64(at / tick)
	first := w.now + 1
	if last-first >= slots { // more than one turn late: each slot once
		first = last - slots + 1
	}
	for t := first; t <= last; t++ {
		w.now = max(w.now, t)
		w.slot(t%slots, last, do)
	}
	w.now = max(w.now, last)
}

// slot takes from one slot what is due up to a tick. do may put entries into it again.
func (w *wheel) slot(slot, last int64, do func(*entry)) {
	if w.used[slot/64]&(1<<(slot%64)) == 0 {
		return
	}
	all := w.slots[slot]
	w.slots[slot] = nil
	w.used[slot/64] &^= 1 << (slot % 64)
	var due []*entry
	keep := all[:0]
	for _, e := range all {
		if e.tick <= last {
			due = append(due, e)
		} else {
			keep = append(keep, e)
		}
	}
	clear(all[len(keep):])
	if len(keep) > 0 {
		w.slots[slot] = keep
		w.used[slot/64] |= 1 << (slot % 64)
	}
	for _, e := range due {
		do(e)
	}
}

// next is the time since the start at which the next slot that is not empty comes; false
// for an empty wheel. Its entries may be of a later turn.
func (w *wheel) next() (time.Duration, bool) {
	begin := (w.now + 1) % slots
	for i := range int64(slots/64 + 1) {
		word := (begin/64 + i) % (slots / 64)
		set := w.used[word]
		switch i {
		case 0:
			set &= ^uint64(0) << (begin % 64)
		case slots / 64:
			set &= 1<<(begin%64) - 1
		}
		if set != 0 {
			slot := word*64 + int64(bits.TrailingZeros64(set))
			ahead := (slot - begin + slots) % slots
			return time.Duration(w.now+1+ahead) * tick, true
		}
	}
	return 0, false
}
