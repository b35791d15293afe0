package app

import (
	"path/filepath"
	"testing"

	"entrechat/internal/app/datadir"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch"
)

// A command that does not ask how targets stand reads no verdicts, the running node reads
// them before it listens: when they cannot be read, no other command is stopped.
func TestOnlyTheNodeReadsVerdicts(t *testing.T) {
	data, ctx := filepath.Join(t.TempDir(), "n"), t.Context()
	if err := Init(ctx, data, Place{Origin: "chaton-a.test"}, "", func(seal.Seed) error { return nil }); err != nil {
		t.Fatal(err)
	}
	a := &App{Data: data, Log: quiet()}
	if err := a.openWith(ctx, datadir.LogKeyName); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := db.Exec(ctx, a.DB, `ALTER TABLE watch_fact RENAME TO watch_lost`); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again := &App{Data: data, Log: quiet()}
		if err := again.openWith(ctx, datadir.LogKeyName); err != nil {
			t.Fatalf("a command does not open the node: %v", err)
		}
		room, ok := opened[*watch.Room](again)
		if !ok {
			t.Fatal("no room")
		}
		if _, err := room.Targets.Own(ctx, "pad"); errorKey(err) != "watch.target.unknown" {
			t.Errorf("what `watch pause` asks: %v", err)
		}
		if _, err := room.Verdicts.Intervals(ctx, again.Signer.ID(), "00112233445566aa", 0, 1); err == nil {
			t.Error("states are told that were not read")
		}
		if err := again.Up(ctx, func() { t.Error("it listens before it has read") }); err == nil {
			t.Error("the node runs without its verdicts")
		}
		again.Close()
	}
}
