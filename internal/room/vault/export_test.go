package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/recovery"
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
	w.room.retrieve.Cache.Clear()
	w.conducts(away, away, away)
	dir := filepath.Join(t.TempDir(), "plain")
	_, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {})
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
	w.conducts(honest, honest, honest)
	if out, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {}); err != nil || out.Files != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// An export of a catalogue that is not known to be whole writes what there is, and does not
// end as if that were all.
func TestExportOfADoubtedCatalogue(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.accept(rest.Handle{Type: rest.Config}, []byte("config"))
	w.settled()
	for note, why := range map[string]string{recovery.NoteRecovering: "recover", recovery.NoteBehind: "older than what the members hold", recovery.NoteUnread: "newer than all this disk knows"} {
		if err := w.room.store.Notes.Set(t.Context(), note, "1"); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "plain")
		out, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {})
		if said := printer(t).Error(err); core.CodeOf(err) != core.CodeUnsure || !strings.Contains(said, why) || !strings.Contains(said, dir) {
			t.Errorf("%s: %+v, %s", note, out, said)
		}
		if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
			t.Error("what could be had is not there:", err)
		}
		if err := w.room.store.Notes.Set(t.Context(), note, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.room.Export(t.Context(), "files", filepath.Join(t.TempDir(), "plain"), func(export.Exported) {}); err != nil {
		t.Error(err)
	}
}

// Two exports at one time do not write into each other's files: the second is refused.
func TestTwoExportsAtOnce(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.accept(rest.Handle{Type: rest.Config}, []byte("config"))
	for i := range byte(5) {
		body := randomBytes(50_000, i)
		w.accept(rest.Handle{Type: rest.Data, Name: nameOf(body)}, body)
	}
	w.settled()
	dir := filepath.Join(t.TempDir(), "plain")
	refused := 0
	out, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {
		if _, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {}); core.CodeOf(err) == core.CodeConflict {
			refused++
		}
	})
	if err != nil || out.Files != 5 || refused != 5 {
		t.Errorf("%+v, %v, %d refused", out, err, refused)
	}
	if out, err = w.room.Export(t.Context(), "files", dir, func(export.Exported) {}); err != nil || out.Skipped != 5 {
		t.Errorf("after it: %+v, %v", out, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".part-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A folder that cannot be written is named, with what to do: whoever exports has had a
// bad night already.
func TestAFolderThatTakesNoExport(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.client("files", "").put(rest.Data, randomBytes(300_000, 1))
	w.settled()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/proc/none"} {
		_, err := w.room.Export(t.Context(), "files", dir, func(export.Exported) {})
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Key != "vault.export_folder" || e.Args["Dir"] != dir {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
