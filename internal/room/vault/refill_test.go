package vault

import (
	"bytes"
	"os"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/health"
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
	if _, err := w.room.upkeep.Check(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.room.retrieve.Cache.Clear()
	// As if it had come three days ago.
	before := time.Now().UTC().AddDate(0, 0, -3)
	w.exec("UPDATE vault_object SET made_us = $1", int64(core.At(before)))
	past := client{t, c.base + "@" + before.AddDate(0, 0, 1).Format(time.DateOnly)}
	if s := w.status("files"); s.Level != health.LevelLost {
		t.Fatalf("it is %s", s.Level)
	}
	if status, text := c.do("POST", path, body[1:]); status != 400 {
		t.Errorf("other bytes are taken: %d %s", status, text)
	}
	c.put(rest.Data, body)
	c.put(rest.Snapshots, []byte("a snapshot")) // waits for it
	if s := w.status("files"); s.Level == health.LevelLost {
		t.Errorf("sent again, and %s", s.Level)
	}
	w.settled()
	w.forgive()
	w.settled()
	w.room.retrieve.Cache.Clear()
	today := client{t, c.base + "@" + time.Now().UTC().Format(time.DateOnly)}
	for path, want := range map[string][]byte{path: body, snapshot: []byte("a snapshot")} {
		for _, c := range []client{c, today, past} {
			if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, want) {
				t.Errorf("%s%s: status %d, %d bytes", c.base[len(c.base)-12:], path[:12], status, len(got))
			}
		}
	}
	if s := w.status("files"); s.Level != health.LevelSafe {
		t.Errorf("in the end it is %s", s.Level)
	}
}
