package ask

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

var made = core.At(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))

// waiting is an ask for a box of root, 3 of 5, that came when the holder's clock had counted
// 100 days.
func waiting() Standing {
	return Standing{
		Alive:  Alive,
		Reason: LostOwn, Made: made, Expires: made.Add(60 * day), Wait: 14 * day, Least: LeastWait("root"), Needed: 3,
		ReceivedAt: made, ReceivedRan: 100 * day, Noticed: true,
	}
}

func TestJudge(t *testing.T) {
	at := func(d time.Duration) time.Duration { return 100*day + d }
	for name, c := range map[string]struct {
		change func(*Standing)
		after  time.Duration
		want   Verdict
	}{
		"just came":                {nil, 0, Verdict{Waiting, "", 14 * day}},
		"a moment before":          {nil, 14*day - 1, Verdict{Waiting, "", 1}},
		"waited":                   {nil, 14 * day, Verdict{State: Ready}},
		"nobody told yet":          {func(s *Standing) { s.Noticed = false }, 20 * day, Verdict{State: Received}},
		"over":                     {nil, 60 * day, Verdict{State: Expired}},
		"released":                 {func(s *Standing) { s.ReleasedAt = made }, 90 * day, Verdict{State: Released}},
		"burnt":                    {func(s *Standing) { s.Burnt = true }, 14 * day, Verdict{State: Refused, Why: WhyBurnt}},
		"a suspended asker":        {func(s *Standing) { s.AskerSuspended = true }, 14 * day, Verdict{State: Refused, Why: WhySuspended}},
		"a person here said no":    {func(s *Standing) { s.Declined = true }, 14 * day, Verdict{State: Refused, Why: WhyDeclined}},
		"words said no":            {func(s *Standing) { s.Vetoes = []Veto{{ByRoot, at(0)}}; s.Overrule = 5 }, 40 * day, Verdict{State: Vetoed, Why: WhyRoot}},
		"online key: begins again": {func(s *Standing) { s.Vetoes = []Veto{{ByNode, at(10 * day)}} }, 14 * day, Verdict{Waiting, "", 10 * day}},
		"online key: once only": {
			func(s *Standing) { s.Vetoes = []Veto{{ByNode, at(10 * day)}, {ByNode, at(20 * day)}} }, 24 * day,
			Verdict{State: Ready},
		},
		"a card stops":                 {func(s *Standing) { s.Vetoes = []Veto{{ByCard, at(day)}} }, 40 * day, Verdict{State: Vetoed, Why: WhyCard}},
		"k overrule nothing":           {func(s *Standing) { s.Vetoes = []Veto{{ByCard, at(day)}}; s.Overrule = 3 }, 40 * day, Verdict{State: Vetoed, Why: WhyCard}},
		"k+1 overrule, second wait":    {func(s *Standing) { s.Vetoes = []Veto{{ByCard, at(5 * day)}}; s.Overrule = 4 }, 18 * day, Verdict{Waiting, WhyOverruled, day}},
		"k+1 overrule, waited":         {func(s *Standing) { s.Vetoes = []Veto{{ByCard, at(5 * day)}}; s.Overrule = 4 }, 19 * day, Verdict{State: Ready, Why: WhyOverruled}},
		"k agree to less":              {func(s *Standing) { s.Sooner = 3 }, 2 * day, Verdict{Waiting, "", 12 * day}},
		"k+1 agree to less":            {func(s *Standing) { s.Sooner = 4 }, day, Verdict{State: Ready, Why: WhySooner}},
		"never under a day":            {func(s *Standing) { s.Sooner = 5 }, day - 1, Verdict{Waiting, WhySooner, 1}},
		"a deal that says less":        {func(s *Standing) { s.Wait = 0 }, day - 1, Verdict{Waiting, "", 1}},
		"sooner does not beat a card":  {func(s *Standing) { s.Sooner = 5; s.Vetoes = []Veto{{ByCard, at(0)}} }, 13 * day, Verdict{State: Vetoed, Why: WhyCard}},
		"silent owner":                 {func(s *Standing) { s.Reason = SilentOwner; s.OwnerSaid = made.Add(-20 * day) }, 14 * day, Verdict{State: Ready}},
		"silent owner that is not":     {func(s *Standing) { s.Reason = SilentOwner; s.OwnerSaid = made.Add(-13 * day) }, 14 * day, Verdict{State: Refused, Why: WhyAlive}},
		"silent owner that comes back": {func(s *Standing) { s.Reason = SilentOwner; s.OwnerSaid = made.Add(3 * day) }, 14 * day, Verdict{State: Refused, Why: WhyAlive}},
		"silent owner, its node objects": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.Vetoes = SilentOwner, made.Add(-20*day), []Veto{{ByNode, at(day)}}
		}, 40 * day, Verdict{State: Refused, Why: WhyAlive}},
		"silent owner, a card, overruled": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.Vetoes, s.Overrule = SilentOwner, made.Add(-20*day), []Veto{{ByCard, at(day)}}, 5
		}, 40 * day, Verdict{State: Refused, Why: WhyAlive}},
		"silent owner, its words": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.Vetoes = SilentOwner, made.Add(-20*day), []Veto{{ByCard, at(day)}, {ByRoot, at(day)}}
		}, 40 * day, Verdict{State: Vetoed, Why: WhyRoot}},
		"silent owner, comes back after a release": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.ReleasedAt = SilentOwner, made.Add(15*day), made.Add(14*day)
		}, 15 * day, Verdict{State: Refused, Why: WhyAlive}},
		"silent owner, opened, then comes back": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.ReleasedAt, s.Burnt, s.Fetched = SilentOwner, made.Add(15*day), made.Add(14*day), true, true
		}, 15 * day, Verdict{State: Released}},
		"silent owner, comes back after a release and deals anew": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.ReleasedAt, s.Burnt = SilentOwner, made.Add(15*day), made.Add(14*day), true
		}, 15 * day, Verdict{State: Refused, Why: WhyAlive}},
		"no successor any more": {func(s *Standing) {
			s.Reason, s.OwnerSaid, s.NoHeir = SilentOwner, made.Add(-20*day), true
		}, 14 * day, Verdict{State: Refused, Why: WhyNoHeir}},
		"a living owner lost its box": {func(s *Standing) { s.OwnerSaid = made.Add(3 * day) }, 14 * day, Verdict{State: Ready}},
	} {
		t.Run(name, func(t *testing.T) {
			s := waiting()
			if c.change != nil {
				c.change(&s)
			}
			if got := s.Judge(made.Add(c.after), at(c.after)); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestJudgeWallLeaps: the clock on the wall alone never lets a share out, and one that went
// back keeps no ask open.
func TestJudgeWallLeaps(t *testing.T) {
	s := waiting()
	s.Expires = made.Add(30 * day)
	for _, leap := range []time.Duration{-365 * day, 365 * day, 13 * day} {
		if got := s.Judge(made.Add(leap), 101*day).State; got == Ready {
			t.Errorf("ready after a day, because the wall leapt by %v", leap)
		}
	}
	if got := s.Judge(made.Add(-365*day), 130*day).State; got != Expired {
		t.Errorf("%s, though its time ran out", got)
	}
}

func TestLeastWait(t *testing.T) {
	for scope, want := range map[string]time.Duration{"serve": hour, "data:files": hour, "domain": day, "root": day, "assets": day, "rehearsal": 0, "": day, "else": day} {
		if got := LeastWait(scope); got != want {
			t.Errorf("%q: %v, want %v", scope, got, want)
		}
	}
}

// TestJudgeNeverEarly: whatever is said, nothing is ready before the least wait ran, and no
// later veto makes anything ready.
func TestJudgeNeverEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ran := func(name string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(90*day)).Draw(t, name))
		}
		s := waiting()
		s.Expires = made.Add(100 * day)
		s.Wait = ran("wait") / 3
		s.Sooner, s.Overrule = rapid.IntRange(0, 5).Draw(t, "sooner"), rapid.IntRange(0, 5).Draw(t, "overrule")
		for range rapid.IntRange(0, 4).Draw(t, "vetoes") {
			s.Vetoes = append(s.Vetoes, Veto{rapid.SampledFrom([]Strength{ByNode, ByCard, ByRoot}).Draw(t, "strength"), s.ReceivedRan + ran("veto")})
		}
		now := s.ReceivedRan + ran("now")
		got := s.Judge(made, now)
		if got.State == Ready && now-s.ReceivedRan < s.Least {
			t.Fatalf("ready after %v", now-s.ReceivedRan)
		}
		if got.State == Ready && s.Sooner <= s.Needed && now-s.ReceivedRan < s.Wait {
			t.Fatalf("ready after %v of %v", now-s.ReceivedRan, s.Wait)
		}
		if got.State != Waiting && got.Left != 0 || got.Left < 0 {
			t.Fatalf("%+v", got)
		}
		more := s
		more.Vetoes = append(append([]Veto{}, s.Vetoes...), Veto{rapid.SampledFrom([]Strength{ByNode, ByCard, ByRoot}).Draw(t, "another"), now})
		if after := more.Judge(made, now); after.State == Ready && got.State != Ready {
			t.Fatalf("a veto opened it: %+v, then %+v", got, after)
		}
	})
}
