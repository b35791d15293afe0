package warning_test

import (
	"encoding/json"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// published has another member say a target in its logbook.
func (w *world) published(owner core.MemberID, id string, index int64) {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"id": id, "service": "Backups", "kind": "backup", "address": "files", "every_s": 3600, "expect": map[string]any{}, "made_us": 1})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range w.all.Readers() {
		if err := r.Read(w.t.Context(), logbook.Entry{Log: owner, Index: index, Typ: target.TypeTarget, Iat: core.At(w.at), Body: body}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestBackupTooOld(t *testing.T) {
	w := newWorld(t)
	const b, c, id = "chaton-b.test", "chaton-c.test", "0123456789abcdef"
	w.published(b, id, 0)
	w.published(c, id, 0) // the same, drawn by two
	w.published(self, id, 0)
	finished := core.At(w.at.Add(-49 * hour)) // 29 November
	w.age[b] = age{look.Stale, finished}
	w.age[c] = age{look.Unfit, 0}
	w.age[self] = age{look.Stale, finished} // we do not store our own
	w.expect()                              // perhaps it was we who were away
	w.at = w.at.Add(2 * hour)
	w.expect()
	w.age[b] = age{look.Fine, core.At(w.at)}
	w.expect()
	w.age[b] = age{look.Stale, finished} // what came was taken back: it counts anew
	w.expect()
	w.at = w.at.Add(2 * hour)
	w.expect()
	w.at = w.at.Add(hour)
	const name = "backup-" + id + "-20261129 Backups"
	w.expect(name)
	w.at = w.at.Add(30 * day)
	w.expect(name)
	// While we know nothing it stands, also of a node that begins anew.
	w.age[b] = age{look.Unfit, 0}
	w.restart()
	w.expect(name)
	w.age[b] = age{look.Fine, core.At(w.at)}
	w.expect()
	// Never one that was finished.
	w.age[c] = age{look.Stale, 0}
	w.expect()
	w.at = w.at.Add(4 * hour)
	w.expect("backup-" + id + "-none Backups")
	w.age[c] = age{look.Slow, 0} // no class of a backup: it is not known
	w.expect("backup-" + id + "-none Backups")
	if len(w.ever) != 2 {
		t.Errorf("told %q", w.ever)
	}
}
