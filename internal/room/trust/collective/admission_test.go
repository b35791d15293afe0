package collective

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/trusttest"
)

// society is a collective with given founders, joins and vouches ("ab" = a for b).
func society(founders, joined string, admit int64, pairs ...string) Collective {
	id := func(r rune) core.MemberID { return core.MemberID(string(r) + ".test") }
	c := Collective{
		Charter: Charter{Admit: admit},
		Barred:  func(core.MemberID) bool { return false },
		Root:    func(id core.MemberID) core.RootKey { return trusttest.RootOf(string(id)) },
	}
	for _, r := range founders {
		c.Charter.Founders = append(c.Charter.Founders, addressOf(id(r)))
	}
	for _, r := range joined {
		c.Joined = append(c.Joined, id(r))
	}
	for _, p := range pairs {
		r := []rune(p)
		c.Vouches = append(c.Vouches, member.Vouch{By: id(r[0]), For: addressOf(id(r[1]))})
	}
	return c
}

func admitted(c Collective) (out string) {
	for _, a := range c.Admissions() {
		if a.Admitted {
			out += string(a.Member[0])
		}
	}
	return out
}

func TestAdmissions(t *testing.T) {
	other := society("ab", "abc", 2, "ac", "bc")
	other.Vouches[1].For.Root = trusttest.RootOf("somebody who bought the domain")
	forked := society("ab", "abc", 2, "ac", "bc")
	forked.Barred = func(id core.MemberID) bool { return id == "b.test" }
	for _, c := range []struct {
		name string
		in   Collective
		want string
	}{
		{"founders who say so", society("abc", "ab", 2), "ab"},
		{"two vouches", society("ab", "abc", 2, "ac", "bc"), "abc"},
		{"one vouch", society("ab", "abc", 2, "ac"), "ab"},
		{"one vouch twice", society("ab", "abc", 2, "ac", "ac"), "ab"},
		{"vouched for, but did not join", society("ab", "ab", 2, "ac", "bc"), "ab"},
		{"a chain", society("ab", "abcd", 2, "ac", "bc", "cd", "ad"), "abcd"},
		{"two newcomers for each other", society("ab", "abcde", 2, "cd", "dc", "ce", "de", "ec", "ed"), "ab"},
		{"for itself", society("a", "ab", 1, "bb"), "a"},
		{"another key", other, "ab"},
		{"suspended voucher", forked, "a"},
	} {
		if got := admitted(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Admission does not depend on the order things arrive in; more vouches never
// cost anybody their place; whoever is admitted without being a founder has
// enough admitted vouchers.
func TestAdmissionRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.StringMatching(`[a-h]{2}`)
		pairs := rapid.SliceOfN(pair, 0, 40).Draw(t, "vouches")
		joined := rapid.Permutation([]rune("abcdefgh")).Draw(t, "order")
		admit := rapid.Int64Range(1, 3).Draw(t, "admit")
		c := society("abc", string(joined), admit, pairs...)
		want := admitted(c)
		shuffled := society("abc", string(joined), admit, rapid.Permutation(pairs).Draw(t, "again")...)
		if got := admitted(shuffled); got != want {
			t.Fatalf("order matters: %q and %q", want, got)
		}
		more := society("abc", string(joined), admit, append(pairs, pair.Draw(t, "one more"))...)
		for _, r := range want {
			if got := admitted(more); !slices.Contains([]rune(got), r) {
				t.Fatalf("a vouch removed %c: %q, then %q", r, want, got)
			}
		}
		if plain := plainly(c); plain != want {
			t.Fatalf("%q, by the rule as it is written %q", want, plain)
		}
		for _, a := range c.Admissions() {
			if a.Admitted && !a.Founder && int64(len(a.By)) < admit {
				t.Fatalf("%s admitted by %v, %d needed", a.Member, a.By, admit)
			}
		}
	})
}

// addressOf is a made-up address, one for each name.
func addressOf(id core.MemberID) member.Address {
	return member.Address{Member: id, URL: "https://" + string(id), Root: trusttest.RootOf(string(id))}
}

// plainly admits whoever has enough admitted vouchers until nobody is left to admit.
func plainly(c Collective) (out string) {
	in := map[core.MemberID]bool{}
	for _, f := range c.Charter.Founders {
		in[f.Member] = slices.Contains(c.Joined, f.Member)
	}
	for changed := true; changed; {
		changed = false
		for _, id := range c.Joined {
			by := map[core.MemberID]bool{}
			for _, v := range c.Vouches {
				if v.For.Member == id && v.By != id && in[v.By] {
					by[v.By] = true
				}
			}
			if !in[id] && int64(len(by)) >= c.Charter.Admit {
				in[id], changed = true, true
			}
		}
	}
	for _, id := range slices.Sorted(slices.Values(c.Joined)) {
		if in[id] {
			out += string(id[0])
		}
	}
	return out
}
