package vault

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/rest"
)

// Random histories of an owner and six lenders. Two promises are held after every
// step, whatever happened before:
//
//   - as long as no more lenders are bad (away, lying, damaged) than the code
//     survives, every file of an acknowledged snapshot reads back byte for byte,
//     through the front and, from nothing, through a new node, and after one night
//     the backup is safe again without a hand;
//   - once a night has passed, "safe" is said only where as many more lenders may
//     really be lost as the status says.
//
// A seed makes the same choices each time; what runs between them does not.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(quickHistories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			liveThrough(t, seed, quickSteps)
		})
	}
}

const (
	quickHistories = 4
	quickSteps     = 14
	// survives is how many of six lenders may be lost.
	survives = 2
)

// history is one owner's life and what it must not forget.
type history struct {
	*world
	rng   *rand.Rand
	alive map[string][]byte  // by path: files of acknowledged snapshots
	bad   map[*member]string // lenders that something happened to since the last night
	left  []*member          // lenders whose pact is over until the next night
	disk  string             // an older copy of the owner's disk, empty = none
	prune string             // the token that removes
	log   []string           // the steps taken
	step  int
}

func liveThrough(t *testing.T, seed uint64, steps int) {
	h := &history{
		world: newWorld(t, 6), rng: rand.New(rand.NewPCG(seed, 7)),
		alive: map[string][]byte{}, bad: map[*member]string{},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d:\n%s", seed, strings.Join(h.log, "\n"))
		}
	})
	h.prune = h.create("files").Prune
	if status, text := h.client("files", "").do(http.MethodPost, "/config", []byte("config")); status != http.StatusOK {
		t.Fatalf("config: %d %s", status, text)
	}
	h.alive["/config"] = []byte("config")
	h.save()
	h.copyDisk()
	for h.step = 1; h.step <= steps; h.step++ {
		h.act()
		h.readsBack("the front", h.client("files", ""))
		if h.rng.IntN(3) == 0 {
			h.night()
		}
	}
	h.night()
	h.fromNothing()
}

func (h *history) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf("%2d ", h.step)+fmt.Sprintf(format, args...))
}

// act does one thing at random.
func (h *history) act() {
	acts := []func(){
		h.save, h.save, h.save, h.remove, h.restart, h.copyDisk, h.rollBack, h.rollBack, h.harmMember,
		h.harmMember, h.harmMember, h.pactOver, h.harmOwn, h.burn, h.tooMany,
	}
	acts[h.rng.IntN(len(acts))]()
}

// save sends what restic sends: data, an index, a snapshot.
func (h *history) save() {
	c, added := h.client("files", ""), map[string][]byte{}
	for _, typ := range []rest.Type{rest.Data, rest.Data, rest.Index, rest.Snapshots} {
		body := make([]byte, 1+h.rng.IntN(60_000))
		for i := range body {
			body[i] = byte(h.rng.Uint32())
		}
		added[c.put(typ, body)] = body
	}
	maps.Copy(h.alive, added)
	h.note("saved %d files", len(added))
}

// remove takes a file away as prune does. It may come back with an older disk; then
// it is whole or not there.
func (h *history) remove() {
	paths := slices.Sorted(maps.Keys(h.alive))
	path := paths[h.rng.IntN(len(paths))]
	if path == "/config" {
		return
	}
	if status, text := h.client("files", h.prune).do(http.MethodDelete, path, nil); status != http.StatusOK {
		h.t.Fatalf("remove %s: %d %s", path, status, text)
	}
	delete(h.alive, path)
	h.note("removed %s", path[:12])
}

// restart ends the owner's node in the middle of what it does and starts it again.
func (h *history) restart() {
	h.stop()
	h.start()
	h.note("restarted")
}

// copyDisk keeps the owner's disk as it is now, as a snapshot of a virtual machine.
func (h *history) copyDisk() {
	h.stop()
	h.disk = h.t.TempDir()
	h.copyTo(h.disk, h.dir)
	h.start()
	h.note("copied the disk")
}

func (h *history) copyTo(dest, from string) {
	if out, err := exec.CommandContext(h.t.Context(), "cp", "-a", from+"/.", dest).CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
}

// rollBack puts the older disk back.
func (h *history) rollBack() {
	if h.disk == "" {
		return
	}
	h.stop()
	h.dir = h.t.TempDir()
	h.copyTo(h.dir, h.disk)
	h.start()
	h.note("rolled the disk back")
}

// offsite waits until enough members have everything. All of them need not: one may be
// away.
func (h *history) offsite() {
	h.t.Helper()
	h.eventually("everything off-site", func() bool {
		waiting, err := h.room.store.Queue.Waiting(h.t.Context())
		return err == nil && len(waiting) == 0
	})
}

// burn loses the owner's disk; the seed words bring everything back.
func (h *history) burn() {
	h.offsite()
	h.stop()
	h.dir, h.disk = h.t.TempDir(), ""
	h.newKey(owner)
	h.open()
	found := h.recovered()
	if err := h.room.n.DB.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
	h.note("burnt, recovered %d backups", len(found.Backups))
}

// harmMember does something to a lender, if fewer are bad than the code survives.
func (h *history) harmMember() {
	m := h.members[h.rng.IntN(len(h.members))]
	if _, already := h.bad[m]; !already && len(h.bad) >= survives {
		return
	}
	harms := map[string]func(){
		"a byte of a file changed": func() { h.flip(m.store) },
		"a file cut short":         func() { h.cut(m.store) },
		"a file gone":              func() { h.lose(m.store) },
		"a sector unreadable":      func() { h.spoil(m) },
	}
	for _, conduct := range []conduct{away, flipping, cutting, breaking, swapping, emptied} {
		harms[string(conduct)] = func() { m.set(conduct) }
	}
	what := slices.Sorted(maps.Keys(harms))[h.rng.IntN(len(harms))]
	harms[what]()
	h.bad[m] = what
	h.note("%s: %s", m.id, what)
}

// pactOver has the pact with a lender end until the next night, if fewer are bad than the code
// survives: what it has does not count, and is there.
func (h *history) pactOver() {
	m := h.members[h.rng.IntN(len(h.members))]
	if _, already := h.bad[m]; already || len(h.bad) >= survives {
		return
	}
	h.offsite()
	h.leave(m, inDays(-1))
	if n := h.at(m, catalogue.Stored); n != 0 {
		h.t.Errorf("step %d: %d shards count at a member whose pact is over", h.step, n)
	}
	h.bad[m], h.left = "pact over", append(h.left, m)
	h.note("%s: pact over", m.id)
}

// spoil has one of a lender's files lie on a bad sector.
func (h *history) spoil(m *member) {
	if path := h.file(m.store); path != "" {
		if err := m.disk.Spoil(path, int64(h.rng.IntN(2000))); err != nil {
			h.t.Fatal(err)
		}
	}
}

// tooMany takes away more lenders than the code survives for a while: nobody may be
// told that the backup is well, and when they are back it is.
func (h *history) tooMany() {
	h.offsite()
	lend := slices.DeleteFunc(slices.Clone(h.members), func(m *member) bool { return slices.Contains(h.left, m) })
	order := h.rng.Perm(len(lend))
	gone := order[:min(survives+1+h.rng.IntN(3), len(order))]
	for _, i := range gone {
		lend[i].set(away)
	}
	if _, err := h.room.upkeep.Check(h.t.Context(), ""); err != nil {
		h.t.Fatal(err)
	}
	if s := h.status("files"); h.outOfReach() && (s.Level == health.LevelSafe || s.Level == health.LevelOneCopy || s.Losses >= 0) {
		h.t.Errorf("step %d: %d of 6 lenders are away, and the status says %s, %d", h.step, len(gone), s.Level, s.Losses)
	}
	h.conducts()
	h.forgive()
	h.note("%d lenders away for a while", len(gone))
}

// outOfReach says whether the members that answer have too few shards of a file. Files that
// were cut while two pacts were over may lie at four members only, and outlive others.
func (h *history) outOfReach() bool {
	have := map[string]map[int64]bool{}
	for _, m := range h.members {
		if m.now() == away {
			continue
		}
		if _, err := db.All(h.t.Context(), m.db, func(r db.Row) (none struct{}, err error) {
			var object string
			var index int64
			err = r.Scan(&object, &index)
			if have[object] == nil {
				have[object] = map[int64]bool{}
			}
			have[object][index] = true
			return none, err
		}, `SELECT object, idx FROM vault_stored WHERE state = 'stored'`); err != nil {
			h.t.Fatal(err)
		}
	}
	all, err := h.room.store.Objects.All(h.t.Context(), "files")
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(o catalogue.Object) bool { return len(have[o.ID.String()]) < max(o.Code.K, 1) })
}

// harmOwn damages a file of the owner's, but for the database.
func (h *history) harmOwn() {
	h.offsite()
	h.stop()
	h.flip(filepath.Join(h.dir, "vault", "shelf"))
	h.start()
	h.note("a byte of the local store changed")
}

// file picks one of the files below a folder that hold something.
func (h *history) file(dir string) string {
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(all) == 0 {
		return ""
	}
	return all[h.rng.IntN(len(all))]
}

func (h *history) flip(dir string) {
	path := h.file(dir)
	if path == "" {
		return
	}
	body, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	at, bit := h.rng.IntN(len(body)), byte(1)<<h.rng.IntN(8)
	body[at] ^= bit
	h.write(path, body)
	h.note("flipped bit %d of byte %d of %d in %s", bit, at, len(body), filepath.Base(path))
}

func (h *history) cut(dir string) {
	path := h.file(dir)
	if path == "" {
		return
	}
	body, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(path, body[:h.rng.IntN(len(body))])
}

func (h *history) lose(dir string) {
	if path := h.file(dir); path != "" {
		if err := os.Remove(path); err != nil {
			h.t.Fatal(err)
		}
	}
}

// write changes a file in place, read-only or not.
func (h *history) write(path string, body []byte) {
	if err := os.Chmod(path, 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// night lets every lender come to its senses and all daily work be done, and holds
// what is said in the morning against what is true.
func (h *history) night() {
	h.note("night")
	for _, m := range h.members {
		m.set(honest)
		if _, err := m.db.ExecContext(h.t.Context(), `UPDATE vault_stored SET checked_us = 0`); err != nil {
			h.t.Fatal(err)
		}
		if err := m.local.Rescan(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
		_ = m.local.Scrub(h.t.Context()) // the second says what the disk does not give
		m.later.Add(int64(time.Hour))
		if err := m.local.Scrub(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, m := range h.left {
		h.lend(m)
	}
	h.left = nil
	h.watched()
	h.forgive()
	if err := h.room.removals.Send(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.room.upkeep.Check(h.t.Context(), ""); err != nil {
		h.t.Fatal(err)
	}
	if err := h.room.upkeep.Repair(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.settled()
	clear(h.bad)
	empty := true // of snapshots that may not be gone; others may be back
	for path := range h.alive {
		empty = empty && !strings.HasPrefix(path, "/snapshots/")
	}
	h.eventually("safe in the morning", func() bool {
		level := h.status("files").Level
		return level == health.LevelSafe || empty && level == health.LevelEmpty
	})
	s := h.status("files")
	if s.Losses < survives { // more where only what is copied to everybody is left
		h.t.Errorf("survives %d losses: %+v", s.Losses, s)
	}
	for _, i := range h.rng.Perm(len(h.members))[:s.Losses] {
		h.members[i].set(away)
	}
	h.fromNothing()
	h.conducts()
	h.forgive()
}

// fromNothing brings everything back on a machine that has only the seed words.
func (h *history) fromNothing() {
	beside := *h
	beside.world = &world{
		t: h.t, seed: h.seed, dir: h.t.TempDir(), signers: h.signers, past: h.past, lent: h.lent, members: h.members,
		log: h.world.log, stop: func() {},
	}
	beside.open()
	found := beside.recovered()
	if len(found.Backups) != 1 {
		h.t.Errorf("a recovery found %+v", found)
	}
	beside.onlyRemovedIncomplete()
	if err := beside.room.n.DB.Close(); err != nil {
		h.t.Fatal(err)
	}
	beside.start()
	defer beside.stop()
	beside.readsBack("a recovery", beside.client("files", ""))
}

// onlyRemovedIncomplete: the files of which too few shards were found are all removed ones,
// that members keep for a while as they are.
func (h *history) onlyRemovedIncomplete() {
	all, err := h.room.store.Objects.All(h.t.Context(), "files")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range all {
		placed, err := h.room.store.Placements.Of(h.t.Context(), o.ID)
		if err != nil {
			h.t.Fatal(err)
		}
		if h.alive["/"+o.File.String()] != nil && catalogue.Losses(o.Code, catalogue.Distinct(catalogue.OnlyStored(placed))) < 0 {
			h.t.Errorf("after step %d a recovery found too few shards of %s: %+v", h.step, o.File, placed)
		}
	}
}

// readsBack reads every file of every acknowledged snapshot. A node that is not sure
// yet says so, never that a file is not there.
func (h *history) readsBack(whose string, c client) {
	h.t.Helper()
	for path, want := range h.alive {
		for begun := time.Now(); ; {
			status, got := c.do(http.MethodGet, path, nil)
			if status == http.StatusOK && bytes.Equal(got, want) {
				break
			}
			if status != http.StatusServiceUnavailable || time.Since(begun) > time.Minute {
				h.t.Fatalf("%s after step %d: %s: %d, %d bytes of %d: %.200s", whose, h.step, path[:min(len(path), 14)], status, len(got), len(want), got)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}
