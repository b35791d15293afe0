package quorum

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
)

// The database answers as the ledger in memory does, whatever is written in whatever order.
func TestStore(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		inDB, ctx := store{d}, t.Context()
		rapid.Check(t, func(t *rapid.T) {
			if _, err := d.ExecContext(ctx, `DELETE FROM watch_fact`); err != nil {
				t.Fatal(err)
			}
			model := newMemoryLedger()
			drawn := func() row {
				n := rapid.IntRange(0, 5).Draw(t, "n")
				return row{
					Kind:  rapid.SampledFrom([]string{kindEvent, kindProof, kindVoted}).Draw(t, "kind"),
					Owner: core.MemberID(rapid.SampledFrom([]string{"", "a.test", "b.test"}).Draw(t, "owner")),
					ID:    fmt.Sprint(n), At: core.Moment(rapid.Int64Range(0, 9).Draw(t, "at")*10) + core.Moment(n),
					Log: core.MemberID(rapid.SampledFrom([]string{"", "a.test", "c.test"}).Draw(t, "log")), Index: rapid.Int64Range(0, 5).Draw(t, "idx"),
					Body: []byte(`{"é":1}`),
				}
			}
			t.Repeat(map[string]func(*rapid.T){
				"put": func(t *rapid.T) {
					rows := []row{drawn(), drawn()}
					rows[1].gone = rapid.Bool().Draw(t, "gone")
					one, two := inDB.Put(ctx, rows...), model.Put(ctx, rows...)
					if one != nil || two != nil {
						t.Fatal(one, two)
					}
				},
				"first": func(t *rapid.T) {
					r := drawn()
					one, err := inDB.First(ctx, r)
					two, _ := model.First(ctx, r)
					if err != nil || one != two {
						t.Fatal(one, two, err)
					}
				},
				"forget": func(t *rapid.T) {
					r := drawn()
					if err := inDB.Forget(ctx, r); err != nil {
						t.Fatal(err)
					}
					_ = model.Forget(ctx, r)
				},
				"": func(t *rapid.T) {
					for _, kind := range []string{kindEvent, kindProof, kindVoted} {
						for _, since := range []core.Moment{0, 45} {
							one, err := inDB.Load(ctx, kind, since)
							two, _ := model.Load(ctx, kind, since)
							if err != nil || !sameRows(one, two) {
								t.Fatalf("%s since %d:\n%+v\n%+v, %v", kind, since, one, two, err)
							}
						}
					}
				},
			})
		})
	})
}

func sameRows(a, b []row) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x.Kind == y.Kind && x.Owner == y.Owner && x.ID == y.ID && x.At == y.At && x.Log == y.Log && x.Index == y.Index && bytes.Equal(x.Body, y.Body)
		}
		if !found {
			return false
		}
	}
	return true
}

// What was proved in one process stands in the next one, on either engine.
func TestStartReadsWhatStands(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		told := writeOutage(t.Context(), t, store{d})
		e := New(Needs{DB: d, Signer: quickSigner{id: "chaton-00.test"}, Now: told.now})
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		v := e.State(told.Owner, told.Target)
		if v.State != told.State || v.Since != told.Since || v.Case != told.Case || v.Certificate != told.Certificate {
			t.Errorf("%+v, was %+v", v, told.Verdict)
		}
		all, err := e.Intervals(t.Context(), told.Owner, told.Target, v.Since.Add(-5e9), v.Since.Add(5e9))
		if err != nil || len(all) != 2 || all[1].State != told.State {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
