package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
)

func (w *world) create(name string) backup.Created {
	w.t.Helper()
	made, err := w.room.backups.Create(w.t.Context(), name, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// conducts sets how the members behave, in order; those not named are honest.
func (w *world) conducts(all ...conduct) {
	for i, m := range w.members {
		m.set(honest)
		if i < len(all) {
			m.set(all[i])
		}
	}
}

func everyone(n int, m conduct) []conduct {
	out := make([]conduct, n)
	for i := range out {
		out[i] = m
	}
	return out
}

// Data is acknowledged when this disk has it; an index waits for the members.
func TestCommitRule(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.settled()
	c := w.client("files", "")
	w.conducts(everyone(3, away)...)
	c.put(rest.Data, randomBytes(100_000, 1))
	index := make(chan string)
	go func() { index <- c.put(rest.Index, []byte("an index")) }()
	select {
	case <-index:
		t.Fatal("an index is acknowledged while no member has what is before it")
	case <-time.After(500 * time.Millisecond):
	}
	w.conducts()
	w.forgive()
	select {
	case <-index:
	case <-time.After(2 * time.Minute):
		t.Fatal("the members are back, and the index still waits")
	}
	left, err := w.room.store.Queue.Needed(t.Context(), catalogue.Object{Repo: "files", File: rest.Handle{Type: rest.Snapshots}}, 0)
	if err != nil || len(left) != 0 {
		t.Fatalf("%d files not off-site, %v", len(left), err)
	}
}

func TestFrontKeepsWhatItWasGiven(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	c, read, prune := w.client("files", ""), w.client("files", made.Read), w.client("files", made.Prune)
	body := randomBytes(200_000, 2)
	path := c.put(rest.Data, body)
	check := func(what string, who client, method, path string, body []byte, want int) {
		t.Helper()
		if status, text := who.do(method, path, body); status != want {
			t.Errorf("%s: %d %s, want %d", what, status, text, want)
		}
	}
	check("the same again", c, "POST", path, body, 200)
	check("other content", c, "POST", path, body[1:], 400)
	check("config", c, "POST", "/config", []byte("one"), 200)
	check("the same config", c, "POST", "/config", []byte("one"), 200)
	check("another config", c, "POST", "/config", []byte("two"), 403)
	check("removing by append", c, "DELETE", path, nil, 403)
	check("adding by read", read, "POST", "/data/"+nameOf([]byte("x")), []byte("x"), 403)
	check("lock by read", read, "POST", "/locks/"+nameOf(aLock(1)), aLock(1), 200)
	check("unlock by read", read, "DELETE", "/locks/"+nameOf(aLock(1)), nil, 200)
	large := make([]byte, rest.MaxLock+1)
	check("a lock that is none", read, "POST", "/locks/"+nameOf(large), large, 400)
	check("removing config", prune, "DELETE", "/config", nil, 403)
	check("what is not there", read, "GET", "/data/"+nameOf([]byte("y")), nil, 404)
	if status, got := read.do("GET", path, nil, "Range", "bytes=70000-70009"); status != 206 || !bytes.Equal(got, body[70000:70010]) {
		t.Errorf("a range: %d %x", status, got)
	}
	if err := w.room.store.Notes.Set(t.Context(), recovery.NoteRecovering, "now"); err != nil {
		t.Fatal(err)
	}
	check("not there while the catalogue is not whole", read, "GET", "/data/"+nameOf([]byte("y")), nil, 503)
	check("there all the same", read, "GET", path, nil, 200)
}

// With every member gone a restore still writes its lock, and what was sent last is
// still read.
func TestRestoreNeedsNoMemberToWrite(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	c := w.client("files", "")
	w.settled()
	w.conducts(everyone(2, away)...)
	body := randomBytes(50_000, 3)
	path := c.put(rest.Data, body)
	lock := c.put(rest.Locks, aLock(2))
	for path, want := range map[string][]byte{path: body, lock: aLock(2)} {
		if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, want) {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, list := c.do("GET", "/locks/", nil); status != 200 || !strings.Contains(string(list), nameOf(aLock(2))) {
		t.Errorf("locks: %d %s", status, list)
	}
}

func TestNobodyLends(t *testing.T) {
	w := newWorld(t, 0)
	w.create("files")
	status, text := w.client("files", "").do("POST", "/config", []byte("x"))
	if status != http.StatusInsufficientStorage || !strings.Contains(string(text), "pact propose") {
		t.Fatalf("%d %s", status, text)
	}
}

// One lender is one copy: taken, and said to be unsafe. When more come, there are
// more copies.
func TestALoneLenderIsNotSafe(t *testing.T) {
	w := newWorld(t, 1)
	w.create("files")
	c := w.client("files", "")
	c.put(rest.Data, randomBytes(10_000, 4))
	c.put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	if s := w.status("files"); s.Level != health.LevelOneCopy || s.Losses != 0 || s.Domains != 1 {
		t.Fatalf("%+v", s)
	}
	w.addMember("late.test")
	w.addMember("later.test")
	w.forgive()
	if err := w.room.upkeep.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if s := w.status("files"); s.Level != health.LevelSafe || s.Losses != 2 || s.Domains != 3 {
		t.Fatalf("%+v", s)
	}
}

func (w *world) status(name string) health.Status {
	w.t.Helper()
	report, err := w.room.doctor.Status(context.Background(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return report.Backups[0]
}

// Two of six members are away from the start: what is saved is cut for the four
// that are there, and the snapshot goes through.
func TestBackupWithMembersAway(t *testing.T) {
	w := newWorld(t, 6)
	w.stop()
	w.recodeAfter = 1
	w.start()
	w.create("files")
	w.settled()
	w.conducts(away, away)
	c := w.client("files", "")
	for i := range 3 {
		c.put(rest.Data, randomBytes(100_000, byte(10+i)))
	}
	began := time.Now()
	c.put(rest.Snapshots, []byte("a snapshot"))
	t.Logf("the snapshot took %v", time.Since(began))
	if s := w.status("files"); s.Pending != 0 || s.Losses < 1 {
		t.Fatalf("%+v", s)
	}
}

func (w *world) spool(bytes int64, patience time.Duration) {
	w.room.spool.SetBounds(bytes, patience)
}

// A full spool holds data back, and says why when nothing leaves it.
func TestFullSpool(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.settled()
	w.conducts(everyone(2, away)...)
	w.spool(150_000, 300*time.Millisecond)
	c := w.client("files", "")
	c.put(rest.Data, randomBytes(100_000, 5))
	body := randomBytes(100_000, 6)
	status, text := c.do("POST", "/data/"+nameOf(body), body)
	if status != http.StatusInsufficientStorage {
		t.Fatalf("%d %s", status, text)
	}
	w.conducts()
	w.spool(150_000, 20*time.Second)
	w.forgive()
	c.put(rest.Data, body)
}

// What can never fit is refused at once.
func TestLargerThanTheSpool(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.spool(150_000, time.Hour)
	body := randomBytes(200_000, 6)
	status, text := w.client("files", "").do("POST", "/data/"+nameOf(body), body)
	if status != http.StatusInsufficientStorage || !bytes.Contains(text, []byte("--pack-size")) {
		t.Fatalf("%d %s", status, text)
	}
}

// A member that was away for three days is given up: its shards are made again
// elsewhere, from the others'.
func TestAbsentMemberIsReplaced(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	body := randomBytes(100_000, 7)
	path := c.put(rest.Data, body)
	w.settled()
	w.addMember("new.test")
	gone := w.members[0]
	gone.set(away)
	w.forgive()
	if err := w.room.store.Lenders.SetState(t.Context(), gone.id, catalogue.LenderState{Bad: core.At(time.Now().Add(-catalogue.Absent - time.Minute))}); err != nil {
		t.Fatal(err)
	}
	if err := w.room.upkeep.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled()
	stacks, err := w.room.store.Summaries.ByMember(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range stacks {
		if k.Member == gone.id {
			t.Errorf("%s still counts with %d shards", k.Member, k.Shards)
		}
	}
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("status %d", status)
	}
}

// What was removed is gone at once, still there as of yesterday, and comes back.
func TestRemoveSeeThePastUndelete(t *testing.T) {
	w := newWorld(t, 2)
	made := w.create("files")
	c, prune := w.client("files", ""), w.client("files", made.Prune)
	body := randomBytes(10_000, 8)
	path := c.put(rest.Data, body)
	w.settled()
	// As if it had come three days ago.
	before := time.Now().UTC().AddDate(0, 0, -3)
	if _, err := w.room.n.DB.ExecContext(t.Context(), "UPDATE vault_object SET made_us = $1", int64(core.At(before))); err != nil {
		t.Fatal(err)
	}
	if status, text := prune.do("DELETE", path, nil); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	if err := w.room.removals.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	past := client{t, c.base + "@" + before.AddDate(0, 0, 1).Format(time.DateOnly)}
	if status, _ := c.do("GET", path, nil); status != 404 {
		t.Errorf("removed: %d", status)
	}
	if status, got := past.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("yesterday: %d", status)
	}
	if status, _ := past.do("POST", path, body); status != 403 {
		t.Errorf("writing into the past: %d", status)
	}
	if n, err := w.room.removals.Undelete(t.Context(), "files", core.At(before)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("back: %d", status)
	}
	w.settled()
}

// Check finds what a member has lost by its own list.
func TestCheckFindsWhatIsLost(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	w.client("files", "").put(rest.Data, randomBytes(300_000, 9))
	w.settled()
	victim := w.members[2]
	err := filepath.WalkDir(victim.store, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(e.Name()[1:], ".") || e.Name() == "CACHEDIR.TAG" {
			return err // no shard
		}
		return os.Truncate(path, 3000)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := w.room.upkeep.Check(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seen {
		if bad := s.Lost+s.Wrong > 0 || s.Error != ""; bad != (s.Member == victim.id) {
			t.Errorf("%+v", s)
		}
	}
	if _, err := w.room.upkeep.Check(t.Context(), "nothing"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
}

func TestKitKnowsItsWords(t *testing.T) {
	w := newWorld(t, 1)
	w.create("files")
	k, err := w.room.Kit(t.Context())
	if err != nil || k.Origin != owner || len(k.Contacts) != 1 || k.Checked != 0 {
		t.Fatalf("%+v %v", k, err)
	}
	other := w.seed
	other[0] ^= 1
	if err := w.room.CheckKit(t.Context(), other.Words()); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("another's words: %v", err)
	}
	if err := w.room.CheckKit(t.Context(), "not words"); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("no words: %v", err)
	}
	if err := w.room.CheckKit(t.Context(), w.seed.Words()); err != nil {
		t.Error(err)
	}
	if k, err = w.room.Kit(t.Context()); err != nil || k.Checked == 0 {
		t.Errorf("%+v %v", k, err)
	}
}

// TestCreateAtOnce: of many that make one backup at once, in two processes, one wins, and
// the secrets that lie on disk then are its own.
func TestCreateAtOnce(t *testing.T) {
	w := newWorld(t, 1)
	other, err := New(w.needs(w.room.n.DB))
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		name := fmt.Sprintf("files-%d", round)
		var all sync.WaitGroup
		var mu sync.Mutex
		var won []backup.Created
		begin := make(chan struct{})
		for i := range 16 {
			all.Go(func() {
				<-begin
				made, err := []*Room{w.room, other}[i%2].backups.Create(t.Context(), name, nil)
				if core.CodeOf(err) == core.CodeConflict {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if won = append(won, made); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d made %s", len(won), name)
		}
		for _, token := range []string{"", won[0].Append, won[0].Read, won[0].Prune} {
			if _, err := w.room.backups.Env(t.Context(), name, token); err != nil {
				t.Errorf("token %q: %v", token, err)
			}
		}
		repo, err := w.room.store.Repos.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.room.keyring.Own(repo); err != nil {
			t.Error(err)
		}
	}
}

func TestCreateTwice(t *testing.T) {
	w := newWorld(t, 1)
	w.create("files")
	if _, err := w.room.backups.Create(t.Context(), "files", nil); core.CodeOf(err) != core.CodeConflict {
		t.Error(err)
	}
	if _, err := w.room.backups.Create(t.Context(), "../x", nil); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	if _, err := w.room.backups.Env(t.Context(), "files", "wrong"); core.CodeOf(err) != core.CodeDenied {
		t.Error(err)
	}
	if _, err := w.room.backups.Env(t.Context(), "none", ""); core.CodeOf(err) != core.CodeNotFound || errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
}

// What members no longer keep is not said to be back, nor counted as there; what they keep
// comes back all the same, and the rest when those that were away answer.
func TestUndeleteCountsWhatCanBeRead(t *testing.T) {
	w := newWorld(t, 4)
	made := w.create("files")
	c, prune := w.client("files", ""), w.client("files", made.Prune)
	gone, kept := c.put(rest.Data, randomBytes(10_000, 8)), c.put(rest.Data, randomBytes(10_000, 9))
	c.put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	for _, m := range w.members { // old enough to be deleted
		if _, err := m.db.ExecContext(t.Context(), `UPDATE vault_stored SET received_us = 1`); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{gone, kept} {
		if status, text := prune.do("DELETE", path, nil); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
	}
	if err := w.room.removals.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	freed, err := w.room.store.Objects.DeletedSince(t.Context(), "files", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range freed {
		if o.File.Name != strings.TrimPrefix(gone, "/data/") {
			continue
		}
		for _, m := range w.members { // 30 days later
			if _, err := m.db.ExecContext(t.Context(), `DELETE FROM vault_stored WHERE object = $1`, o.ID.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.conducts(away, away, away)
	if n, err := w.room.removals.Undelete(t.Context(), "files", 0); n != 0 || core.CodeOf(err) != core.CodeUnsure || !strings.Contains(printer(t).Error(err), "m0.test, m1.test, m2.test") {
		t.Errorf("three of four are away: %d, %v", n, printer(t).Error(err))
	}
	w.conducts()
	w.forgive()
	n, err := w.room.removals.Undelete(t.Context(), "files", 0)
	if n != 1 || core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("%d files are back, %v", n, err)
	}
	w.settled()
	if s := w.status("files"); s.Level != health.LevelSafe {
		t.Errorf("it is %s", s.Level)
	}
	if status, _ := c.do("GET", kept, nil); status != 200 {
		t.Errorf("what was kept: %d", status)
	}
	if status, _ := c.do("GET", gone, nil); status != 404 {
		t.Errorf("what is gone: %d", status)
	}
}
