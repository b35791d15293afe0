package tally_test

import (
	"encoding/json"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// large is a choice of six options among a hundred members, all of whom saw all the others.
func large() *election {
	const members = 100
	e := hold(ask(tally.KindChoice, members, 6))
	seen := map[tally.Phase][]tally.Sighting{}
	for i := range members {
		opening, commit := e.seal(member(i), gives(i%6, i/6%6, i/36%6, 5-i%6, i*i%6, i*7/3%6))
		seen[tally.PhaseCommit] = append(seen[tally.PhaseCommit], tally.Sighting{Ordinal: int64(i), Index: e.commit(member(i), commit)})
		seen[tally.PhaseReveal] = append(seen[tally.PhaseReveal], tally.Sighting{Ordinal: int64(i), Index: e.open(member(i), opening)})
	}
	for p, all := range seen {
		for i := range members {
			e.write(member(i), tally.TypeSeen, e.q.End(p)+core.Moment(1), tally.SeenBody{Proposal: e.q.ID, Phase: p, Seen: all})
		}
	}
	return e
}

// How long one count takes, here from entries and in tally.py from leaves.
func BenchmarkCount(b *testing.B) {
	e := large()
	entries, want := e.entries(), e.count()
	if want.Turnout != 100 || want.Result != tally.Chosen {
		b.Fatal(want.Text)
	}
	b.Run("entrechat", func(b *testing.B) {
		for b.Loop() {
			if tally.Count(e.q, entries).Hash != want.Hash {
				b.Fatal("another count")
			}
		}
	})
	b.Run("entrechat, from leaves", func(b *testing.B) {
		for b.Loop() {
			if e.count().Hash != want.Hash {
				b.Fatal("another count")
			}
		}
	})
	b.Run("tally.py", func(b *testing.B) {
		in, out, end := python(b)
		defer end()
		said := e.line(b)
		round := func() {
			if _, err := in.Write(said); err != nil {
				b.Fatal(err)
			}
			if err := in.Flush(); err != nil || !out.Scan() {
				b.Fatal(err, out.Err())
			}
			var got []string
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || got[1] != want.Hash {
				b.Fatal(err, got)
			}
		}
		round() // Python has begun
		for b.Loop() {
			round()
		}
	})
}
