package app

import (
	"path/filepath"
	"testing"

	"entrechat/internal/app/datadir"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly"
)

// Debates ask the watch for outages: it answers them without a bridge.
func TestDebatesAskTheWatch(t *testing.T) {
	data, ctx := filepath.Join(t.TempDir(), "n"), t.Context()
	if err := Init(ctx, data, Place{Origin: "chaton-a.test"}, "", func(seal.Seed) error { return nil }); err != nil {
		t.Fatal(err)
	}
	a := &App{Data: data, Log: quiet()}
	if err := a.openWith(ctx, datadir.LogKeyName); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, ok := ask[assembly.Incidents](a); !ok {
		t.Error("nobody answers for outages")
	}
}
