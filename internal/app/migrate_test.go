package app

import (
	"testing"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// A command of a newer program leaves the tables alone while a node runs on them, which may
// be of the version before.
func TestNoCommandMigratesUnderARunningNode(t *testing.T) {
	data := t.TempDir()
	if err := Init(t.Context(), data, Place{Origin: "chaton-a.test"}, "", func(seal.Seed) error { return nil }); err != nil {
		t.Fatal(err)
	}
	release, err := datadir.Lock(data) // as the node does
	if err != nil {
		t.Fatal(err)
	}
	open := func() error {
		a := &App{Data: data, Log: quiet()}
		if err := a.openWith(t.Context(), datadir.LogKeyName); err != nil {
			return err
		}
		return a.Close()
	}
	if err := open(); err != nil {
		t.Fatalf("nothing is to be changed: %v", err)
	}
	a := &App{Data: data, Log: quiet()}
	if err := a.openWith(t.Context(), datadir.LogKeyName); err != nil {
		t.Fatal(err)
	}
	// As a database is that an earlier program made: without the newest of a room's tables.
	if _, err := a.DB.ExecContext(t.Context(), `DELETE FROM vault_migration WHERE version_id >= 13`); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(); errorKey(err) != "app.restart_first" || core.CodeOf(err) != core.CodeConflict {
		t.Fatalf("under a running node: %v", err)
	}
	release()
	if err := open(); errorKey(err) == "app.restart_first" {
		t.Fatalf("with no node: %v", err)
	}
}
