package tally_test

import (
	"reflect"
	"slices"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/tally"
)

// Whatever a body says, the count ends; from a stranger it says nothing, and from a member
// nothing about what the others say, but for what a witness says.
func FuzzCount(f *testing.F) {
	e := hold(ask(tally.KindConsent, 5, 0)).ballots("aaco.")
	base, entries := e.count(), e.entries()
	for _, x := range entries {
		f.Add(x.Typ, int64(x.Iat), x.Index, x.Body)
	}
	for _, form := range []string{`{"seen":[[1e0,2]]}`, `{"seen":[[`, `{"origin":"m00.test"}`, `{"proposal":"\ud800"}`, `null`, "\xff", ``} {
		for _, typ := range []string{tally.TypeSeen, tally.TypeBallot, tally.TypeOpening, tally.TypeObjection, tally.TypeProposal, "entrechat/fork/1"} {
			f.Add(typ, int64(e.q.CommitUntil), int64(99), []byte(form))
		}
	}
	f.Fuzz(func(t *testing.T, typ string, iat, index int64, body []byte) {
		x := tally.Entry{Member: "stranger.test", Index: index, Typ: typ, Iat: core.Moment(iat), Body: body}
		if got := tally.Count(e.q, append(slices.Clone(entries), x)); !reflect.DeepEqual(got, base) {
			t.Fatalf("a stranger made of it\n%s", got.Text)
		}
		x.Member = member(4)
		got := tally.Count(e.q, append(slices.Clone(entries), x))
		if other := tally.Count(e.q, append([]tally.Entry{x}, entries...)); !reflect.DeepEqual(got, other) {
			t.Fatalf("another order, another count:\n%s%s", got.Text, other.Text)
		}
		if !reflect.DeepEqual(got.Lines[:4], base.Lines[:4]) {
			t.Fatalf("one member made of the others\n%s", got.Text)
		}
	})
}

// Whatever was sealed, its opening is read or refused; a choice that is read can be written,
// and reads the same.
func FuzzOpening(f *testing.F) {
	e := hold(ask(tally.KindConsent, 3, 0))
	opening, _ := e.seal(member(1), says(tally.Concern))
	f.Add(opening)
	f.Add([]byte(`{"stance":"object","objection":"x"}`))
	f.Add([]byte(`{"grades":[5,0,3]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := hold(e.q)
		e.witness(&e.q, tally.PhaseCommit, member(1), e.commit(member(1), tally.Commit(data)))
		e.witness(&e.q, tally.PhaseReveal, member(1), e.open(member(1), data))
		got := line(t, e.count(), member(1))
		if got.Status != tally.Open && got.Status != tally.Bad && got.Status != tally.Unopened {
			t.Fatalf("%+v", got)
		}
		c, err := tally.ParseChoice(data)
		if err != nil {
			return
		}
		text, err := wire.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := tally.ParseChoice(text); err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%q became %s, %v", data, text, err)
		}
	})
}
