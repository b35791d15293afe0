package verdict

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
)

// seats makes an assignment of members "m0.test" on; networks names the network of each.
func seats(networks ...int) Assignment {
	a := Assignment{Owner: "owner.test", Target: "00000000000000aa", Roster: HexHash([32]byte{1})}
	seen := map[int]bool{}
	for i, n := range networks {
		a.Seats = append(a.Seats, Seat{Member: member(i), Network: n, Looks: i < lookers})
		seen[n] = true
	}
	a.Networks, a.Weak = len(seen), len(seen) < lookers
	return a
}

func member(i int) core.MemberID { return core.MemberID(fmt.Sprintf("m%d.test", i)) }

// votes reads one letter for each seat: u up, d down (timeout), D down (in its own way),
// 4 and 6 up while that family fails, x unfit, - silent.
func votes(round int, letters string) (all []Vote) {
	ways := []look.Class{look.DNS, look.Refused, look.Timeout, look.Reset, look.TLS, look.Cert, look.Content}
	for i, c := range letters {
		v := Vote{Voter: member(i), Round: round, At: core.Moment(1_000_000_000 + round*15_000_000 + i)}
		switch c {
		case 'u':
			v.State, v.Family = VoteUp, 4
		case '4', '6':
			v.State, v.Family, v.Half = VoteUp, 10-int(c-'0'), look.Timeout
		case 'd':
			v.State, v.Class = VoteDown, look.Timeout
		case 'D':
			v.State, v.Class = VoteDown, ways[i]
		case 'x':
			v.State, v.Class = VoteUnfit, look.Unfit
		default:
			continue
		}
		all = append(all, v)
	}
	return all
}

func TestJudge(t *testing.T) {
	seven, pair := seats(0, 1, 2, 3, 4, 5, 6), seats(0, 1)
	undecided := State("undecided")
	for name, c := range map[string]struct {
		a        Assignment
		one, two string
		want     State
		weak     bool
	}{
		"all well":                    {seven, "uuuuuuu", "", Up, false},
		"one fails once":              {seven, "duuuuuu", "", Up, false},
		"two fail once":               {seven, "dduuuuu", "", Up, false},
		"three fail once":             {seven, "ddduuuu", "", undecided, false},
		"all fail, one round":         {seven, "ddddddd", "", undecided, false},
		"all fail, twice":             {seven, "ddddddd", "ddddddd", Down, false},
		"four of seven, twice":        {seven, "dddduuu", "dddduuu", Down, false},
		"four, then three":            {seven, "dddduuu", "ddduuuu", Partial, false},
		"three of seven, twice":       {seven, "ddduuuu", "ddduuuu", Partial, false},
		"three of seven, then others": {seven, "ddduuuu", "uuuuddd", Up, false},
		"two liars":                   {seven, "dduuuuu", "dduuuuu", Up, false},
		"three down, four unfit":      {seven, "dddxxxx", "dddxxxx", Unknown, false},
		"four down, three silent":     {seven, "dddd---", "dddd---", Down, false},
		"three down, four silent":     {seven, "ddd----", "ddd----", Unknown, false},
		"silent in the second round":  {seven, "ddddddd", "dd-----", Unknown, false},
		"each in its own way":         {seven, "DDDDuuu", "DDDDuuu", Partial, false},
		"IPv6 fails":                  {seven, "6666uuu", "6666uuu", Partial, false},
		"IPv6 fails for few":          {seven, "666uuuu", "", Up, false},
		"well again in round two":     {seven, "ddddddd", "uuuuuuu", Up, false},
		"down in one network":         {seats(0, 0, 0, 0, 1, 2, 3), "dddduuu", "dddduuu", Partial, true},
		"three voters, all fail":      {seats(0, 1, 2), "ddd", "ddd", Down, true},
		"three voters, two fail":      {seats(0, 1, 2), "ddu", "ddu", Partial, true},
		"three voters, one is silent": {seats(0, 1, 2), "dd-", "dd-", Unknown, true},
		"a pair that agrees":          {pair, "dd", "dd", Down, true},
		"a pair that does not":        {pair, "du", "du", Partial, true},
		"a pair, one silent":          {pair, "d-", "d-", Unknown, true},
		"a pair, one silent, well":    {pair, "u-", "", Up, true},
		"one voter":                   {seats(0), "d", "d", Down, true},
		"one voter, once":             {seats(0), "d", "u", Up, true},
		"nobody":                      {seats(), "", "", undecided, true},
		"all of one network":          {seats(0, 0, 0, 0, 0), "ddddd", "ddddd", Down, true},
	} {
		rounds := [][]Vote{votes(1, c.one)}
		if c.two != "" {
			rounds = append(rounds, votes(2, c.two))
		}
		o := Judge(c.a, nil, rounds...)
		got := o.State
		if !o.Decided {
			got = undecided
		}
		if got != c.want || o.Weak != c.weak {
			t.Errorf("%s: %q weak %v, want %q weak %v", name, got, o.Weak, c.want, c.weak)
		}
	}
}

// A vote of who lost it changes nothing: two liars that are barred are as if silent.
func TestJudgeWithoutTheBarred(t *testing.T) {
	barred := map[core.MemberID]bool{member(0): true, member(1): true}
	if o := Judge(seats(0, 1, 2, 3, 4, 5, 6), barred, votes(1, "ddduuuu"), votes(2, "ddduuuu")); o.State != Up || o.Voters != 5 || o.Failing != 1 {
		t.Errorf("%+v", o)
	}
}

// However many lost their vote: most seats, and three at least, keep theirs.
func TestJudgeKeepsAMajority(t *testing.T) {
	barred := map[core.MemberID]bool{}
	for i := range 7 {
		barred[member(i)] = true
	}
	for seated, want := range map[int]int{7: 4, 6: 4, 5: 3, 4: 3, 3: 3, 2: 2, 1: 1} {
		networks := make([]int, seated)
		for i := range networks {
			networks[i] = i
		}
		if o := Judge(seats(networks...), barred); o.Voters != want {
			t.Errorf("%d of %d seats vote, want %d", o.Voters, seated, want)
		}
	}
}

// Whatever two rounds say: down needs a majority of three networks in each of them, a
// vote more for up never makes it worse, and who has no seat does not matter.
func TestJudgeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := seats(rapid.SliceOfN(rapid.IntRange(0, 6), 3, 7).Draw(t, "networks")...)
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("uudddD46x-")), len(a.Seats), len(a.Seats), -1)
		one, two := votes(1, letters.Draw(t, "one")), votes(2, letters.Draw(t, "two"))
		o := Judge(a, nil, one, two)
		if o.State == Down {
			for _, r := range [][]Vote{one, two} {
				up, down, nets := 0, 0, map[int]bool{}
				for _, v := range r {
					s, _ := a.Seat(v.Voter)
					switch v.State {
					case VoteUp:
						up++
					case VoteDown:
						down++
						nets[s.Network] = true
					case VoteUnfit:
					}
				}
				if down <= up || down < 3 || len(nets) < min(3, a.Networks) {
					t.Fatalf("down by %d of %d in %d networks", down, up+down, len(nets))
				}
			}
		}
		if strange := Judge(a, nil, append(one, Vote{Voter: "eve.test", Round: 1, State: VoteDown, Class: look.DNS}), two); strange != o {
			t.Fatalf("a stranger's vote counts: %+v, %+v", o, strange)
		}
		for i := range two {
			if two[i].State == VoteDown {
				two[i].State, two[i].Class = VoteUp, look.Fine
				if better := Judge(a, nil, one, two); better.State == Down && o.State != Down {
					t.Fatalf("a good vote made it down")
				}
				break
			}
		}
	})
}

func TestAssign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Roster{Month: "2026-11", Site: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "site")}
		n := rapid.IntRange(0, 30).Draw(t, "members")
		for i := range n {
			r.Members = append(r.Members, Member{
				Member: member(i),
				Site:   rapid.SampledFrom([]string{"", "", "A", "a ", "B", "C", "D", "E", "F", "G"}).Draw(t, "s"),
				Prefix: rapid.SampledFrom([]string{"", "", "10.1.0.0/16", "10.2.0.0/16"}).Draw(t, "p"),
			})
		}
		a := Assign("owner.test", "00000000000000aa", HexHash([32]byte{1}), r)
		seen, nets, beside := map[core.MemberID]bool{}, map[int]int{}, 0
		all := networksOf("owner.test", r)
		for i, s := range a.Seats {
			if seen[s.Member] || s.Member == "owner.test" || s.Looks != (i < lookers) {
				t.Fatalf("seat %d: %+v", i, s)
			}
			seen[s.Member] = true
			nets[s.Network]++
			if s.Network == all["owner.test"] {
				beside++
			}
		}
		distinct := map[int]bool{}
		for _, m := range r.Members {
			if all[m.Member] != all["owner.test"] {
				distinct[all[m.Member]] = true
			}
		}
		switch {
		case len(a.Seats) > voters || len(a.Seats) < min(MinFit, n):
			t.Fatalf("%d seats of %d members", len(a.Seats), n)
		case beside > 0 && len(a.Seats) > MinFit:
			t.Fatal("who stands beside the owner sits here without need")
		case a.Weak != (len(distinct) < lookers):
			t.Fatalf("weak %v with %d networks", a.Weak, len(distinct))
		case !a.Weak && len(nets) != len(a.Seats):
			t.Fatal("two of one network, while there were enough")
		}
		// Who else is in the roster, and in which order, changes no order between two.
		back := r
		back.Members = nil
		for i := range r.Members {
			back.Members = append(back.Members, r.Members[len(r.Members)-1-i])
		}
		b := Assign("owner.test", "00000000000000aa", HexHash([32]byte{1}), back)
		if len(a.Seats) != len(b.Seats) {
			t.Fatal("the order in the roster matters")
		}
		for i := range a.Seats {
			if a.Seats[i].Member != b.Seats[i].Member {
				t.Fatal("the order in the roster matters")
			}
		}
	})
}

// Over many targets every member of a collective carries its share.
func TestAssignSpreads(t *testing.T) {
	r := Roster{Month: "2026-11"}
	for i := range 20 {
		r.Members = append(r.Members, Member{Member: member(i)})
	}
	got := map[core.MemberID]int{}
	for i := range 2000 {
		for _, s := range Assign("owner.test", fmt.Sprintf("%016x", i), HexHash([32]byte{2}), r).Seats {
			got[s.Member]++
		}
	}
	for m, n := range got {
		if n < 600 || n > 800 {
			t.Errorf("%s sits %d times, the mean is 700", m, n)
		}
	}
}

// TestNetworksOfThoseThatFail: an outcome counts the networks that its down votes stand in, and the
// span of an outage those of the last proof.
func TestNetworksOfThoseThatFail(t *testing.T) {
	a := seats(0, 0, 1, 2, 3)
	o := Judge(a, nil, votes(1, "ddddu"), votes(2, "ddddu"))
	if o.State != Down || o.Failing != 4 || o.Networks != 3 {
		t.Fatalf("%+v", o)
	}
	spans := Spans([]Event{
		{Nonce: "1", Outcome: o, Since: 10, Last: 20},
		{Nonce: "2", Outcome: Outcome{State: Down, Failing: 5, Networks: 4}, Since: 12, Last: 30},
	})
	if len(spans) != 1 || spans[0].Networks != 4 || spans[0].Failing != 5 {
		t.Fatalf("%+v", spans)
	}
}
