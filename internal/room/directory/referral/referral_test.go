package referral

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
)

// offer is a pad at a hoster that takes people.
func offer(key, name string) catalogue.Found {
	return catalogue.Found{
		Service: catalogue.Service{Slug: "pad", Name: name, Kind: catalogue.KindPad, Access: access.Access{Register: access.RegisterAnyone, Load: access.LoadOpen}},
		Hoster:  catalogue.Hoster{Author: catalogue.Author{Key: key, Source: catalogue.FromLog}, Name: "Chez " + key},
	}
}

func TestTakesPeople(t *testing.T) {
	if !TakesPeople(offer("a", "x")) {
		t.Fatal("an open service takes nobody")
	}
	for why, change := range map[string]func(f *catalogue.Found){
		"full":             func(f *catalogue.Found) { f.Service.Access.Load = access.LoadFull },
		"members only":     func(f *catalogue.Found) { f.Service.Access.Register = access.RegisterMembers },
		"nobody said":      func(f *catalogue.Found) { f.Service.Access = access.Access{} },
		"down":             func(f *catalogue.Found) { f.Service.Level = catalogue.LevelError },
		"in difficulty":    func(f *catalogue.Found) { f.Service.Level = catalogue.LevelAlert },
		"over":             func(f *catalogue.Found) { f.Service.Ended = true },
		"its hoster away":  func(f *catalogue.Found) { f.Hoster.State = catalogue.StateAway },
		"its hoster ended": func(f *catalogue.Found) { f.Hoster.State = catalogue.StateClosing },
	} {
		f := offer("a", "x")
		if change(&f); TakesPeople(f) {
			t.Errorf("%s: people are sent there", why)
		}
	}
	for why, change := range map[string]func(f *catalogue.Found){
		"full, but of use without an account": func(f *catalogue.Found) {
			f.Service.Access = access.Access{Without: access.WithoutAll, Load: access.LoadFull}
		},
		"works with reservations": func(f *catalogue.Found) { f.Service.Level = catalogue.LevelWarning },
		"its hoster is quiet":     func(f *catalogue.Found) { f.Hoster.State = catalogue.StateIdle },
	} {
		f := offer("a", "x")
		if change(&f); !TakesPeople(f) {
			t.Errorf("%s: nobody is sent there", why)
		}
	}
}

// TestReferred: whatever is chosen and known, nobody else is ever shown, the order is
// the admin's but for the silent, who come last, and everybody chosen who takes people is there once per service.
func TestReferred(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID).Draw(rt, label)
		}
		chosen := map[catalogue.Kind][]string{catalogue.KindPad: draw("for pads"), catalogue.KindUnknown: draw("for all")}
		suspended := rapid.SampledFrom(names).Draw(rt, "suspended")
		heard := map[string]logbook.Member{}
		for _, n := range names {
			heard[n] = logbook.Member{State: rapid.SampledFrom([]logbook.State{logbook.Fresh, logbook.NotHeard, logbook.Stale, logbook.Unknown}).Draw(rt, "state")}
		}
		heard[suspended] = logbook.Member{State: logbook.Suspended}
		var found []catalogue.Found
		works := map[string]bool{}
		for _, n := range names {
			f := offer(n, n)
			if works[n] = rapid.Bool().Draw(rt, n); !works[n] {
				f.Service.Access.Load = access.LoadFull
			}
			found = append(found, f)
		}
		var want, last []string
		for _, n := range slices.Concat(chosen[catalogue.KindPad], chosen[catalogue.KindUnknown]) {
			switch state := heard[n].State; {
			case !works[n] || n == suspended || slices.Contains(want, n) || slices.Contains(last, n):
			case state == logbook.NotHeard || state == logbook.Stale:
				last = append(last, n)
			default:
				want = append(want, n)
			}
		}
		want = append(want, last...)
		var got []string
		for _, f := range referred(chosen, found, heard) {
			got = append(got, f.Hoster.Author.Key)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestHowAnOfferStands: half a minute it is new, ten minutes it is given while one visitor waits
// for a new one, and then it is none.
func TestHowAnOfferStands(t *testing.T) {
	var l recent
	at := core.At(time.Unix(1_800_000_000, 0))
	if _, state := l.get(at, ""); state != isNone {
		t.Errorf("nothing is %d", state)
	}
	l.put(Offer{}, at, "b.test")
	for after, want := range map[time.Duration]int{
		-time.Microsecond: isNone, 0: isNew, recentLives - time.Microsecond: isNew, recentLives: isOld,
		oldLives - time.Microsecond: isOld, oldLives: isNone, 24 * time.Hour: isNone,
	} {
		if _, state := l.get(at.Add(after), "b.test"); state != want {
			t.Errorf("after %s: %d, want %d", after, state, want)
		}
	}
	if _, state := l.get(at, "d.test"); state != isNone {
		t.Errorf("of another choice it is %d", state)
	}
}
