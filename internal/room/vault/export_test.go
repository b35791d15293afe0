package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/rest"
)

// An export that cannot have everything writes what it can, ends in an error that
// names who did not give, and goes on from there.
func TestExportNamesWhatIsMissing(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.accept(rest.Handle{Type: rest.Config}, []byte("config"))
	body := randomBytes(100_000, 1)
	w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	w.settled()
	w.room.cache.forgetAll()
	w.moods(away, away, away)
	dir := filepath.Join(t.TempDir(), "plain")
	_, err := w.room.Export(t.Context(), "files", dir, func(Exported) {})
	var e *core.Error
	if !errors.As(err, &e) || e.Key != "vault.export_incomplete" {
		t.Fatalf("%v", err)
	}
	said := printer(t).Error(err)
	for _, m := range w.members[:3] {
		if !strings.Contains(said, string(m.id)) {
			t.Errorf("does not name %s: %s", m.id, said)
		}
	}
	if strings.Contains(said, string(w.members[3].id)) {
		t.Errorf("names who answers: %s", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
		t.Error("what could be had is not there:", err)
	}
	w.moods(honest, honest, honest)
	if out, err := w.room.Export(t.Context(), "files", dir, func(Exported) {}); err != nil || out.Files != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}
