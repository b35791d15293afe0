package elector

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

// opens is when the proposals of these tests open.
var opens = core.At(time.Date(2027, 6, 1, 10, 0, 0, 0, time.UTC))

const charter = "c0ffee0000000000000000000000000000000000000000000000000000000000"

func rootOf(id core.MemberID) core.RootKey { return sha256.Sum256([]byte(id)) }

func id(name string) core.MemberID { return core.MemberID(name + ".test") }

func name(id core.MemberID) string { return strings.TrimSuffix(string(id), ".test") }

// town is a society under construction.
type town struct {
	admit    int64
	founders []string
	other    map[core.MemberID]core.RootKey // pinned roots that are not rootOf
	forked   map[core.MemberID]bool
	ties     []Tie
	size     map[core.MemberID]int64
}

// found makes a collective whose founders, one letter each, follow it for a year.
func found(admit int64, founders string) *town {
	w := &town{admit: admit, founders: strings.Split(founders, ""), other: map[core.MemberID]core.RootKey{}, forked: map[core.MemberID]bool{}, size: map[core.MemberID]int64{}}
	for _, f := range w.founders {
		w.join(365, f)
	}
	return w
}

func (w *town) say(daysAgo int, t Tie) {
	t.Index, t.At = w.size[t.Log], opens.Add(-time.Duration(daysAgo)*24*time.Hour)
	w.size[t.Log]++
	w.ties = append(w.ties, t)
}

func (w *town) join(daysAgo int, who string) {
	w.say(daysAgo, Tie{Log: id(who), Kind: Joined, Charter: charter})
}

func (w *town) leave(daysAgo int, who string) {
	w.say(daysAgo, Tie{Log: id(who), Kind: Left, Charter: charter})
}

// vouch takes pairs, "ab" = a for b.
func (w *town) vouch(daysAgo int, pairs ...string) {
	for _, p := range pairs {
		by, of := p[:1], p[1:]
		w.say(daysAgo, Tie{Log: id(by), Kind: Vouched, Member: id(of), Root: rootOf(id(of))})
	}
}

func (w *town) unvouch(daysAgo int, by, of string) {
	w.say(daysAgo, Tie{Log: id(by), Kind: Unvouched, Member: id(of)})
}

func (w *town) society() Society {
	s := Society{
		Charter: Charter{ID: charter, Name: "us", Admit: w.admit},
		Root: func(of core.MemberID) core.RootKey {
			if other, ok := w.other[of]; ok {
				return other
			}
			return rootOf(of)
		},
		Suspended: func(of core.MemberID) bool { return w.forked[of] },
	}
	for _, f := range w.founders {
		s.Charter.Founders = append(s.Charter.Founders, Founder{id(f), rootOf(id(f))})
	}
	return s
}

func (w *town) heads() (out []Head) {
	for of, size := range w.size {
		out = append(out, Head{of, size})
	}
	return out
}

func (w *town) draw() Drawn { return Draw(w.society(), w.ties, w.heads(), opens) }

// says is who stands where: "a b! c:too_young", ! = warned.
func (w *town) says() string {
	var out []string
	for _, c := range w.draw().Candidates {
		switch {
		case !c.In():
			out = append(out, name(c.Member)+":"+string(c.Why))
		case c.Warned:
			out = append(out, name(c.Member)+"!")
		default:
			out = append(out, name(c.Member))
		}
	}
	return strings.Join(out, " ")
}

func TestElectorates(t *testing.T) {
	for what, c := range map[string]struct {
		build func() *town
		want  string
	}{
		"two founders and a newcomer both vouch for": {func() *town {
			w := found(2, "ab")
			w.join(120, "c")
			w.vouch(120, "ac", "bc")
			return w
		}, "a b c!"},
		"the newcomer came 89 days ago": {func() *town {
			w := found(2, "ab")
			w.vouch(200, "ac", "bc")
			w.join(89, "c")
			return w
		}, "a b c:too_young"},
		"one of the vouches came 89 days ago": {func() *town {
			w := found(2, "ab")
			w.join(120, "c")
			w.vouch(120, "ac")
			w.vouch(89, "bc")
			return w
		}, "a b c:too_young"},
		"exactly 90 days": {func() *town {
			w := found(2, "ab")
			w.join(90, "c")
			w.vouch(90, "ac", "bc")
			return w
		}, "a b c!"},
		"a vouch that is missing": {func() *town {
			w := found(2, "ab")
			w.join(120, "c")
			w.vouch(120, "ac")
			return w
		}, "a b c:not_admitted"},
		"admitted then, and not any more": {func() *town {
			w := found(2, "ab")
			w.join(120, "c")
			w.vouch(120, "ac", "bc")
			w.unvouch(3, "b", "c")
			return w
		}, "a b c:not_admitted"},
		"admitted then by other vouches than now": {func() *town {
			w := found(2, "abd")
			w.join(120, "c")
			w.vouch(120, "ac", "bc")
			w.vouch(50, "dc")
			w.unvouch(3, "b", "c")
			return w
		}, "a b c! d"},
		"a founder who has not joined is nobody": {func() *town {
			w := found(2, "ab")
			w.founders = append(w.founders, "z")
			return w
		}, "a b"},
		"a founder who left, and who stands by two others still": {func() *town {
			w := found(2, "abc")
			w.join(200, "d")
			w.vouch(200, "cd")
			w.vouch(190, "ad", "bd")
			w.leave(10, "c")
			return w
		}, "a b d!"},
		"a founder who left, and took its vouch along": {func() *town {
			w := found(2, "ab")
			w.join(200, "d")
			w.vouch(200, "ad", "bd")
			w.leave(10, "b")
			return w
		}, "a d:not_admitted"},
		"a lapsed domain with another root": {func() *town {
			w := found(2, "abc")
			w.join(200, "d")
			w.vouch(200, "ad", "bd", "cd")
			w.other[id("d")] = rootOf("the buyer")
			return w
		}, "a b c d:not_admitted"},
		"a lapsed domain of a founder": {func() *town {
			w := found(2, "abc")
			w.other[id("c")] = rootOf("the buyer")
			return w
		}, "a b c:not_admitted"},
		"a forked member is out, and its vouches with it": {func() *town {
			w := found(2, "abc")
			w.join(200, "d")
			w.vouch(200, "ad", "cd")
			w.forked[id("c")] = true
			return w
		}, "a b c:suspended d:not_admitted"},
		"a chain through an honest first sponsor": {func() *town {
			// d came by a and b; e by d, and later by b, of another branch than d's.
			w := found(2, "ab")
			w.join(300, "d")
			w.vouch(300, "ad", "bd")
			w.join(200, "e")
			w.vouch(200, "de")
			w.vouch(190, "be")
			return w
		}, "a b d! e!"},
		"a chain whose every link is of one branch": {func() *town {
			w := found(2, "ab")
			w.join(300, "d")
			w.vouch(300, "ad", "bd")
			w.join(200, "e")
			w.vouch(200, "de", "ae")
			return w
		}, "a b d! e:no_outside_vouch"},
		"three vouches, two from outside": {func() *town {
			w := found(2, "abc")
			w.join(300, "d")
			w.vouch(300, "ad", "bd", "cd")
			return w
		}, "a b c d"},
		"one founder: those it sponsors stand for themselves": {func() *town {
			w := found(1, "a")
			w.join(300, "b")
			w.join(300, "c")
			w.join(300, "d")
			w.vouch(300, "ab", "ac", "ad")
			w.vouch(200, "bc", "cb")
			return w
		}, "a b! c! d:no_outside_vouch"},
		"one founder: whom one of them brings is of its branch": {func() *town {
			w := found(1, "a")
			w.join(300, "b")
			w.vouch(300, "ab")
			w.join(200, "c")
			w.join(200, "d")
			w.vouch(200, "bc", "bd", "cd", "dc")
			return w
		}, "a b:no_outside_vouch c:no_outside_vouch d:no_outside_vouch"},
	} {
		if got := c.build().says(); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}

// Eight hosters of one person, each vouched for by the one before and by the member that began,
// are in no electorate after 30 days, nor after 91; the one that finds a vouch of another branch
// is in, and pages say how thin that is.
func TestSockPuppets(t *testing.T) {
	puppets := func(daysAgo int) *town {
		w := found(2, "abc")
		w.join(300, "m")
		w.vouch(300, "am", "bm", "cm") // an honest looking member
		w.join(daysAgo, "1")
		w.vouch(daysAgo, "m1", "a1") // a founder that was taken in
		w.vouch(daysAgo, "m2", "12")
		for i := 2; i <= 8; i++ {
			w.join(daysAgo, fmt.Sprint(i))
		}
		for i := 3; i <= 8; i++ {
			w.vouch(daysAgo, fmt.Sprintf("%d%d", i-1, i), fmt.Sprintf("%d%d", i-2, i))
		}
		return w
	}
	young, old := puppets(30), puppets(91)
	if got, want := young.says(), "1:too_young 2:too_young 3:too_young 4:too_young 5:too_young 6:too_young 7:too_young 8:too_young a b c m"; got != want {
		t.Errorf("30 days: %s", got)
	}
	for _, c := range young.draw().Candidates {
		if c.Why == TooYoung && c.From.Time().Format(time.DateOnly) != "2027-08-01" {
			t.Errorf("%s from %s", c.Member, c.From.Time())
		}
		if c.Why == TooYoung && len(c.Outside) != 0 {
			t.Errorf("%s has %v outside", c.Member, c.Outside)
		}
	}
	no := ":no_outside_vouch"
	if got, want := old.says(), "1"+no+" 2"+no+" 3"+no+" 4"+no+" 5"+no+" 6"+no+" 7"+no+" 8"+no+" a b c m"; got != want {
		t.Errorf("91 days: %s", got)
	}
	old.vouch(2, "b5")
	if got, want := old.says(), "1"+no+" 2"+no+" 3"+no+" 4"+no+" 5! 6"+no+" 7"+no+" 8"+no+" a b c m"; got != want {
		t.Errorf("with one: %s", got)
	}
}

// On the day it says, and not a moment before, a member is old enough.
func TestTheDayItSays(t *testing.T) {
	w := found(2, "ab")
	w.join(40, "c")
	w.vouch(80, "ac")
	w.vouch(20, "bc")
	c := w.draw().Candidates[2]
	if c.Why != TooYoung {
		t.Fatalf("%+v", c)
	}
	for at, want := range map[core.Moment]Reason{c.From: "", c.From.Add(-24 * time.Hour): TooYoung} {
		if got := Draw(w.society(), w.ties, w.heads(), at).Candidates[2].Why; got != want {
			t.Errorf("at %s: %q", at.Time(), got)
		}
	}
	w = found(2, "ab")
	w.join(-10, "c") // by a clock that is wrong
	w.vouch(80, "ac", "bc")
	if c := w.draw().Candidates[2]; c.Why != TooYoung || c.From != 0 {
		t.Errorf("joined tomorrow: %+v", c)
	}
}

// A vouch that is renewed counts from its first day; a newcomer's early vouch for a member that
// was there before makes no circle of sponsors.
func TestSponsors(t *testing.T) {
	w := found(2, "ab")
	w.join(300, "c")
	w.vouch(310, "dc") // before it was admitted itself
	w.vouch(300, "bc")
	w.vouch(299, "ac")
	w.join(200, "d")
	w.vouch(200, "cd")
	w.vouch(199, "ad")
	w.vouch(5, "bc")
	for _, c := range w.draw().Candidates {
		got := name(c.Sponsor) + name(c.Branch)
		if want := map[core.MemberID]string{id("a"): "a", id("b"): "b", id("c"): "bb", id("d"): "cb"}[c.Member]; got != want {
			t.Errorf("%s: sponsor and branch %q, want %q", c.Member, got, want)
		}
	}
}

// What stands beyond a head does not count, nor what a logbook without one says.
func TestHeads(t *testing.T) {
	w := found(2, "ab")
	w.join(200, "c")
	w.vouch(200, "ac", "bc")
	for what, c := range map[string]struct {
		heads []Head
		want  int
	}{
		"all":             {w.heads(), 3},
		"b's vouch":       {[]Head{{id("a"), 2}, {id("b"), 1}, {id("c"), 1}}, 2},
		"without c's log": {[]Head{{id("a"), 2}, {id("b"), 2}}, 2},
		"nothing":         {nil, 0},
	} {
		if got := len(Draw(w.society(), w.ties, c.heads, opens).Electorate(nil)); got != c.want {
			t.Errorf("%s: %d in the electorate", what, got)
		}
	}
}

// After so many changes of one logbook only what takes back counts.
func TestTiesOfOneLogbookEnd(t *testing.T) {
	var s standing
	x := Tie{Kind: Vouched, Member: id("x"), Root: rootOf("x")}
	for range MaxTies / 2 {
		if !s.apply(x) || !s.apply(Tie{Kind: Unvouched, Member: x.Member}) {
			t.Fatal("not counted before the end")
		}
		if s.ties == MaxTies-2 {
			s.apply(Tie{Kind: Joined, Charter: charter})
			s.apply(x)
			break
		}
	}
	y := Tie{Kind: Vouched, Member: id("y"), Root: rootOf("y")}
	if s.ties != MaxTies || s.apply(y) || s.apply(Tie{Kind: Joined, Charter: "other"}) || s.apply(Tie{Kind: Vouched, Member: x.Member, Root: y.Root}) {
		t.Errorf("%d ties, and more", s.ties)
	}
	if !s.apply(Tie{Kind: Left, Charter: charter}) || !s.apply(Tie{Kind: Unvouched, Member: x.Member}) || s.apply(Tie{Kind: Unvouched, Member: x.Member}) {
		t.Error("what stands is not taken back")
	}
}

// random is a town of up to ten hosters that say so many things in any order.
func random(t *rapid.T, most int) *town {
	w := found(rapid.Int64Range(1, 3).Draw(t, "admit"), "abc"[:rapid.IntRange(1, 3).Draw(t, "founders")])
	w.admit = min(w.admit, int64(len(w.founders)))
	letter := rapid.StringMatching(`[a-j]`)
	for range rapid.IntRange(0, most).Draw(t, "ties") {
		ago, by, of := rapid.IntRange(-5, 200).Draw(t, "days ago"), letter.Draw(t, "by"), letter.Draw(t, "of")
		switch k := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case k < 5 && by != of:
			w.vouch(ago, by+of)
		case k < 8:
			w.join(ago, by)
		case k == 8:
			w.unvouch(ago, by, of)
		default:
			w.leave(ago, by)
		}
	}
	if rapid.Bool().Draw(t, "forked") {
		w.forked[id(letter.Draw(t, "who forked"))] = true
	}
	return w
}

// The list does not depend on the order in which things came; every admitted member leads to a
// founder that is admitted; whoever is in was admitted 90 days ago and has a vouch of another
// branch, or founded the collective; the rule of the room trust for who is admitted holds.
func TestDrawRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := random(t, 60)
		d := w.draw()
		shuffled := Draw(w.society(), rapid.Permutation(append(w.ties, w.ties...)).Draw(t, "again"), rapid.Permutation(w.heads()).Draw(t, "heads"), opens)
		if fmt.Sprint(d) != fmt.Sprint(shuffled) {
			t.Fatalf("order matters:\n%v\n%v", d, shuffled)
		}
		if !slices.IsSortedFunc(d.Candidates, func(a, b Candidate) int { return strings.Compare(string(a.Member), string(b.Member)) }) {
			t.Fatal("not sorted")
		}
		founders := 0
		of := map[core.MemberID]Candidate{}
		for _, c := range d.Candidates {
			of[c.Member] = c
			if c.Founder {
				founders++
			}
		}
		for _, c := range d.Candidates {
			at, steps := c, 0
			for c.Admitted && !at.Founder && steps <= len(of) {
				if !of[at.Sponsor].Founder && of[at.Sponsor].Branch != c.Branch {
					t.Fatalf("%s is of %s, its sponsor of %s", at.Member, c.Branch, of[at.Sponsor].Branch)
				}
				at, steps = of[at.Sponsor], steps+1
			}
			if c.Admitted && (!at.Founder || founders > 1 && at.Member != c.Branch) {
				t.Fatalf("%s leads to %s, branch %s", c.Member, at.Member, c.Branch)
			}
			if c.Admitted != (c.Founder || int64(len(c.Vouchers)) >= w.admit && c.Why != IsSuspended) {
				t.Fatalf("%+v", c)
			}
			if c.In() && !c.Founder && (len(c.Outside) == 0 || slices.Contains(c.Outside, c.Sponsor)) {
				t.Fatalf("%+v", c)
			}
			for _, by := range c.Outside {
				if !of[by].Admitted || of[by].Branch == c.Branch {
					t.Fatalf("%s has %s from outside", c.Member, by)
				}
			}
			if c.Why == TooYoung && c.From != 0 && c.From <= opens {
				t.Fatalf("too young until %s", c.From.Time())
			}
		}
	})
}

// What a member said in the last 90 days alone brings nobody into an electorate, but through a
// vouch from outside for who was admitted before.
func TestNobodyComesInWithin90Days(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := random(t, 60)
		before := map[core.MemberID]bool{}
		old := slices.DeleteFunc(slices.Clone(w.ties), func(x Tie) bool { return x.At > opens.Add(-Seniority) })
		for _, c := range Draw(w.society(), old, w.heads(), opens).Candidates {
			before[c.Member] = c.Admitted
		}
		for _, c := range w.draw().Candidates {
			if c.In() && !c.Founder && !before[c.Member] {
				t.Fatalf("%+v", c)
			}
		}
	})
}
