package keyring

import (
	"log/slog"
	"sync"
	"testing"

	"filippo.io/age"

	"entrechat/internal/room/vault/catalogue"
)

// A running node adds identities while others read: nobody's list is another's.
func TestIdentitiesAreTheReadersOwn(t *testing.T) {
	r, err := Open(Needs{Dir: t.TempDir(), Aside: func(err error) error { return err }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	add := func() {
		key, err := age.GenerateX25519Identity()
		if err == nil {
			err = r.Add(key)
		}
		if err != nil {
			t.Error(err)
		}
	}
	add()
	const more = 8
	var all sync.WaitGroup
	for range more {
		all.Go(add)
		all.Go(func() {
			mine, err := r.Identities(t.Context(), catalogue.Object{})
			if err != nil || len(mine) == 0 {
				t.Error(mine, err)
				return
			}
			mine[0] = nil
			if _, err := r.LabelKeys(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	last, err := r.Identities(t.Context(), catalogue.Object{})
	if err != nil || len(last) != more+1 || last[0] == nil {
		t.Errorf("%v %v", last, err)
	}
}
