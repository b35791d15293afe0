package target

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
)

// A member that publishes a thousand names of somebody else, each of which hangs, does not
// keep the others waiting to be proved, nor has us ask that somebody without end.
func TestNamesOfAStranger(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		root := core.RootKey{1}
		p := NewProver(ProofNeeds{
			DB: d, Known: NewKnown(d),
			Home: func(_ context.Context, id core.MemberID) (Home, error) {
				return Home{ID: id, URL: "https://elsewhere.fr", Root: root}, nil
			},
			Root: func(context.Context, string) (core.RootKey, error) { return core.RootKey{}, errors.New("nobody there") },
			Fetch: func(ctx context.Context, address string, _ int64) ([]byte, error) {
				if strings.Contains(address, "victime.fr/") {
					asked.Add(1)
					<-ctx.Done()
				}
				return nil, errors.New("not there")
			},
			LookupTXT: func(_ context.Context, name string) ([]string, error) {
				if name == "_entrechat.pads.fr" {
					return []string{root.Proof()}, nil
				}
				return nil, nil
			},
			Now: time.Now,
		})
		good := pad()
		good.Owner, good.Address = "zoe.test", "https://beau.pads.fr/"
		all := []Target{}
		for i := range 1000 {
			it := pad()
			it.ID, it.Owner = fmt.Sprintf("%016x", i), "eve.test"
			it.Address = "https://" + strings.Repeat("a.", 100) + fmt.Sprintf("n%d.victime.fr/", i)
			all = append(all, it)
		}
		all = append(all, good)
		began := time.Now()
		for time.Since(began) < time.Hour {
			if err := p.Prove(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			if got, err := p.Allowed(t.Context(), []Target{good}); err != nil || len(got) != 1 {
				t.Fatalf("not proved after %s: %v", time.Since(began), err)
			}
			time.Sleep(10 * time.Second)
		}
		if got := asked.Load(); got > 300 {
			t.Errorf("the stranger was asked %d times within an hour", got)
		} else {
			t.Logf("asked %d times within an hour", got)
		}
	})
}

// A proof that was dated by a clock ten years ahead is asked for again.
func TestProofOfTheFuture(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	root, now := core.RootKey{1}, noon.Add(10*365*24*time.Hour)
	w := &world{txt: map[string][]string{"_entrechat.pads.fr": {root.Proof()}}}
	p := w.prover(d, &now, root, "https://chaton-a.fr")
	it := pad()
	it.Address = "https://beau.pads.fr/"
	for _, holds := range []bool{true, true, false} {
		if !holds {
			w.txt = nil
			now = now.Add(20 * 24 * time.Hour)
		}
		if err := p.Prove(t.Context(), []Target{it}); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Allowed(t.Context(), []Target{it}); err != nil || len(got) == 1 != holds {
			t.Errorf("%s: allowed %v, %v", now.Time(), got, err)
		}
		now = noon
	}
}
