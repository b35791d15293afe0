package directory

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"entrechat/internal/room/directory/own"
)

// A file of ours that this disk damaged is not a service that ended: what was said of it
// stays.
func TestADamagedFileIsNoEnd(t *testing.T) {
	r := nodeRoom(t)
	for name, text := range map[string][]byte{own.HosterName: class(org, "Organization"), "pad": class(pad, "Service")} {
		if _, err := r.Own.Publish(t.Context(), name, text); err != nil {
			t.Fatal(err)
		}
	}
	ended := func() bool {
		t.Helper()
		if err := r.Announcer.Say(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, said, err := r.Catalogue.Hoster(t.Context(), string(r.n.Self))
		if err != nil || len(said) != 1 {
			t.Fatalf("%+v, %v", said, err)
		}
		return said[0].Ended
	}
	path := filepath.Join(r.n.Dir, "pad"+own.Suffix)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, harmed := range [][]byte{make([]byte, len(text)), append(bytes.Clone(text), 0)} {
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		if ended() {
			t.Error("a damaged file is said to have ended")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !ended() {
		t.Error("a withdrawn file has not ended")
	}
}
