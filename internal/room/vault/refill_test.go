package vault

import (
	"bytes"
	"os"
	"testing"

	"entrechat/internal/room/vault/rest"
)

// A file that members lost is not "there already" for who sends it again: its bytes are
// taken, and all is well.
func TestALostFileIsTakenAgain(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(300_000, 9)
	path := c.put(rest.Data, body)
	snapshot := c.put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	for _, m := range w.members[:3] { // two of four are needed
		for _, file := range m.shardFiles() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.local.Rescan(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.room.Check(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.room.cache.forgetAll()
	if s := w.status("files"); s.Level != LevelLost {
		t.Fatalf("it is %s", s.Level)
	}
	if status, text := c.do("POST", path, body[1:]); status != 400 {
		t.Errorf("other bytes are taken: %d %s", status, text)
	}
	c.put(rest.Data, body)
	c.put(rest.Snapshots, []byte("a snapshot")) // waits for it
	if s := w.status("files"); s.Level == LevelLost {
		t.Errorf("sent again, and %s", s.Level)
	}
	w.settled()
	w.forgive()
	w.settled()
	w.room.cache.forgetAll()
	for path, want := range map[string][]byte{path: body, snapshot: []byte("a snapshot")} {
		if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, want) {
			t.Errorf("%s: status %d, %d bytes", path[:12], status, len(got))
		}
	}
	if s := w.status("files"); s.Level != LevelSafe {
		t.Errorf("in the end it is %s", s.Level)
	}
}
