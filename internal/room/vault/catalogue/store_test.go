package catalogue

import (
	"slices"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// What an index and a snapshot wait for, on both engines: a run began behind place 4.
func TestNeeded(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := New(d)
		if err := s.Repos.Add(t.Context(), Repo{Name: "files", Recipient: "age1x"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Repos.SetPassword(t.Context(), "files", PasswordWrong); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Repos.Get(t.Context(), "files"); err != nil || r.Password != PasswordWrong || r.Recipient != "age1x" {
			t.Fatalf("%+v %v", r, err)
		}
		var all []Object
		for i, kind := range []rest.Type{
			rest.Data,             // 0: an old index names it
			rest.Index,            // 1
			rest.Data,             // 2: the rest of a run that failed
			rest.Snapshots,        // 3
			rest.Data, rest.Index, // 4, 5: of this run
		} {
			id := shard.Hash{byte(i + 1)}
			o := Object{ID: id, Repo: "files", File: rest.Handle{Type: kind, Name: id.String()}, Size: 1, Sealed: 1, State: Waiting}
			var err error
			if o.Seq, err = s.Objects.Add(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			all = append(all, o)
		}
		snapshot := Object{Repo: "files", File: rest.Handle{Type: rest.Snapshots}}
		for _, c := range []struct {
			what  string
			o     Object
			began int64
			want  []int
		}{
			{"an index", all[5], all[3].Seq, []int{4, 5}},
			{"a snapshot", snapshot, all[3].Seq, []int{0, 1, 4, 5}},
			{"an index, nobody knows when its run began", all[5], 0, []int{0, 1, 2, 3, 4, 5}},
		} {
			needed, err := s.Queue.Needed(t.Context(), c.o, c.began)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, id := range needed {
				got = append(got, slices.IndexFunc(all, func(o Object) bool { return o.ID == id }))
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s waits for %v, want %v", c.what, got, c.want)
			}
		}
		if last, pending, err := s.Queue.Tail(t.Context(), "files"); err != nil || last != all[5].Seq || !pending {
			t.Error(last, pending, err)
		}
		if waiting, err := s.Queue.Waiting(t.Context()); err != nil || len(waiting) != len(all) {
			t.Error(len(waiting), err)
		}
		if _, err := s.Placements.OfWaiting(t.Context()); err != nil {
			t.Error(err)
		}
		if shared, err := s.Summaries.SharedKey(t.Context()); err != nil || shared["files"] != int64(len(all)) {
			t.Error(shared, err)
		}
		if newest, err := s.Objects.Newest(t.Context(), "files", rest.Index, 1); err != nil || len(newest) != 1 || newest[0].ID != all[5].ID {
			t.Error(newest, err)
		}
		full := LenderState{Good: core.Moment(1), Full: 7}
		if err := s.Lenders.SetState(t.Context(), "m.test", full); err != nil {
			t.Fatal(err)
		}
		if states, err := s.Lenders.States(t.Context()); err != nil || states["m.test"] != full {
			t.Error(states, err)
		}
	})
}

// Two shards at one member are lost together: they count as one in what a backup survives.
func TestShardsAtOneMemberCountOnce(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := New(d)
		for name, c := range map[string]struct {
			at   []core.MemberID // of shards 0, 1, 2 ...
			code shard.Code
			held int
		}{
			"one each":            {[]core.MemberID{"a.test", "b.test", "c.test", "d.test"}, shard.Code{K: 2, N: 4}, 4},
			"two at one member":   {[]core.MemberID{"a.test", "b.test", "c.test", "a.test"}, shard.Code{K: 2, N: 4}, 3},
			"copies at one":       {[]core.MemberID{"a.test", "b.test", "a.test"}, shard.Code{K: 1, N: 3}, 2},
			"copies of one index": {[]core.MemberID{"", "a.test", "b.test", "c.test"}, shard.Code{K: 1, N: 4}, 4},
		} {
			o := Object{ID: shard.Hash{byte(len(name))}, Repo: name, File: rest.Handle{Type: rest.Data, Name: "x"}, Code: c.code, State: Placed, Safe: 1}
			if _, err := s.Objects.Add(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for i, m := range c.at {
				p := Placement{Object: o.ID, Index: i, Member: m, State: Stored}
				if c.code.K == 1 {
					p.Root = o.ID
				}
				if m == "" { // made again with the same index
					p.Member, p.Index = "d.test", 1
				}
				if err := s.Placements.Put(t.Context(), d, p); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Queue.Recompute(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if back, err := s.Objects.Get(t.Context(), o.ID); err != nil || c.code.K == 1 && (back.State == Placed) != (c.held == c.code.N) {
				t.Errorf("%s: %s, %v", name, back.State, err)
			}
			summaries, err := s.Summaries.All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range summaries {
				if h.Repo == name && (h.Stored != c.held || h.Reached != c.held) {
					t.Errorf("%s: %+v", name, h)
				}
			}
		}
	})
}

// Which lost packs a new file may rest on, on both engines.
func TestGone(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := New(d)
		add := func(n byte, kind rest.Type, made core.Moment) Object {
			id := shard.Hash{n}
			o := Object{ID: id, Repo: "files", File: rest.Handle{Type: kind, Name: id.String()}, Size: 1, Sealed: 1, State: Waiting, Local: "a", Made: made}
			var err error
			if o.Seq, err = s.Objects.Add(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			return o
		}
		named, index, last := add(1, rest.Data, 1), add(2, rest.Index, 2), add(3, rest.Data, 3)
		for _, o := range []Object{named, last} {
			if err := s.Objects.Lose(t.Context(), o.ID, 10); err != nil {
				t.Fatal(err)
			}
		}
		add(4, rest.Index, 11) // of after the loss: it names neither
		for _, c := range []struct {
			what  string
			t     rest.Type
			began int64
			since core.Moment
			want  int64
		}{
			{"a snapshot of the run that sent both", rest.Snapshots, 0, 9, 2},
			{"its index", rest.Index, 0, 9, 2},
			{"an index of another run", rest.Index, last.Seq, 9, 0},
			{"a snapshot of another run", rest.Snapshots, last.Seq, 9, 1},
			{"a day later", rest.Snapshots, 0, 10, 1},
		} {
			if got, err := s.Objects.Gone(t.Context(), "files", c.t, c.began, c.since); err != nil || got != c.want {
				t.Errorf("%s rests on %d, want %d; %v", c.what, got, c.want, err)
			}
		}
		if err := s.Objects.Delete(t.Context(), index.ID, 12); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Objects.Gone(t.Context(), "files", rest.Snapshots, last.Seq, 9); err != nil || got != 0 {
			t.Errorf("without the index: %d, %v", got, err)
		}
		last.ID = shard.Hash{5}
		if _, err := s.Objects.Add(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Objects.Gone(t.Context(), "files", rest.Snapshots, 0, 9); err != nil || got != 1 {
			t.Errorf("one was sent again: %d, %v", got, err)
		}
	})
}
