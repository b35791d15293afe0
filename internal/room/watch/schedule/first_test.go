package schedule

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSeldomLooksBeginSoon: a target that is looked at every five minutes, and is new, is
// looked at within a minute, then at its places of the grid.
func TestSeldomLooksBeginSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := newWorld(t)
		list := items(20, 10, 5*time.Minute)
		for i := range list {
			list[i].First = time.Minute
		}
		begun := time.Now()
		w.Set(list)
		time.Sleep(30 * time.Second)
		w.Set(list) // what stays keeps its place
		time.Sleep(31 * time.Minute)
		stop()
		early := 0
		for _, i := range list {
			all := w.began[i.Target.ID]
			if len(all) < 7 || len(all) > 8 {
				t.Fatalf("%s: %d looks in half an hour", i.Target.ID, len(all))
			}
			if all[0].Sub(begun) > time.Minute+2*tick {
				t.Errorf("%s: first look after %v", i.Target.ID, all[0].Sub(begun))
			}
			if all[0].Sub(begun) < 30*time.Second {
				early++
			}
			for k, at := range all[2:] {
				if apart := at.Sub(all[k+1]); apart < 4*time.Minute-2*tick || apart > 6*time.Minute+2*tick {
					t.Errorf("%s: %v between two looks", i.Target.ID, apart)
				}
			}
		}
		if early < 60 || early > 140 {
			t.Errorf("%d of 200 in the first half of the minute", early)
		}
	})
}
