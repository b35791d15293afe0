package home_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Domains are asked for four at once, however many homes claim them, and each answer is kept.
func TestDomainsAreProvedFourAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, id := range []core.MemberID{"a.test", "b.test"} {
			var mine []string
			for i := range 6 {
				mine = append(mine, fmt.Sprintf("m%d.%s", i, id))
			}
			w.read(t, entry(t, id, 0, card(t, "https://"+string(id), mine...)))
			w.trust.may[id] = nil
		}
		var mu sync.Mutex
		in, most, asked, together := 0, 0, map[string]int{}, make(chan struct{})
		w.LookupTXT = func(ctx context.Context, name string) ([]string, error) {
			mu.Lock()
			in++
			asked[name]++
			if most = max(most, in); in == 4 && len(asked) == 4 {
				close(together)
			}
			mu.Unlock()
			defer func() { mu.Lock(); in--; mu.Unlock() }()
			select {
			case <-together:
				return []string{core.RootKey{7}.Proof()}, nil
			case <-ctx.Done(): // one after another: each waits in vain
				return nil, ctx.Err()
			}
		}
		if err := w.Prove(t.Context()); err != nil || most != 4 || len(asked) != 12 {
			t.Errorf("%d at once, %d domains, %v", most, len(asked), err)
		}
		proved, err := db.One(t.Context(), w.DB, db.Int64, `SELECT count(*) FROM identity_home_domain WHERE proved_us > 0`)
		if err != nil || proved != 12 {
			t.Error(proved, err)
		}
		if err := w.Prove(t.Context()); err != nil || len(asked) != 12 || asked["_entrechat.m0.a.test"] != 1 {
			t.Error("asked again at once", err)
		}
	})
}
