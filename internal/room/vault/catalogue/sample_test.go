package catalogue

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// A sample hits a hole wherever it lies: half of all shards lost side by side in every try,
// a tenth in most. It is of the backup that is asked for, has nothing twice, and is all
// there is where that is less.
func TestSample(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := New(d)
		const many, few, draws, tries = 200, 5, 25, 20
		var names []string
		for i := range many + few {
			id, repo := shard.Hash(sha256.Sum256([]byte{byte(i), byte(i >> 8)})), "many"
			if i >= many {
				repo = "few"
			} else {
				names = append(names, id.String())
			}
			o := Object{ID: id, Repo: repo, File: rest.Handle{Type: rest.Data, Name: id.String()}, Size: 1, Sealed: 1, State: Placed}
			if _, err := s.Objects.Add(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if err := s.Placements.Put(t.Context(), d, Placement{Object: id, Member: "a.test", State: Stored}); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(names)
		random := rand.New(rand.NewPCG(1, 2))
		name := func() string {
			var b [32]byte
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			return hex.EncodeToString(b[:])
		}
		sample := func(repo string) map[string]bool {
			all, err := s.Placements.Sample(t.Context(), "a.test", repo, draws, name)
			out := map[string]bool{}
			for _, p := range all {
				out[p.Object.String()] = true
			}
			if err != nil || len(out) != len(all) {
				t.Fatalf("%d of %d are different: %v", len(out), len(all), err)
			}
			return out
		}
		tenths := 0
		for try := range tries {
			got := sample("many")
			if len(got) != draws {
				t.Errorf("%d drawn", len(got))
			}
			hit := func(from, length int) bool {
				return slices.ContainsFunc(names[from:from+length], func(n string) bool { return got[n] })
			}
			if from := try * many / 2 / tries; !hit(from, many/2) {
				t.Errorf("half of all is gone from %d on, and the sample sees none of it", from)
			}
			if hit(try*many*9/10/tries, many/10) {
				tenths++
			}
		}
		if tenths <= tries/2 {
			t.Errorf("a tenth that is gone is seen in %d of %d tries", tenths, tries)
		}
		if got := sample("few"); len(got) != few {
			t.Errorf("%d of %d drawn", len(got), few)
		}
		if got := sample(""); len(got) != draws {
			t.Errorf("%d drawn of all", len(got))
		}
	})
}
