package vault

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/shipping"
	"entrechat/internal/room/vault/upkeep"
)

// leave has a member end its pact with the owner.
func (w *world) leave(m *member, until core.Moment) {
	w.t.Helper()
	w.mu.Lock()
	w.lent = slices.DeleteFunc(w.lent, func(l core.Lender) bool { return l.ID == m.id })
	w.leaving = append(slices.DeleteFunc(w.leaving, func(l core.Leaver) bool { return l.ID == m.id }), core.Leaver{ID: m.id, Until: until})
	w.mu.Unlock()
	w.watched()
}

// lend has a member lend again.
func (w *world) lend(m *member) {
	w.t.Helper()
	w.mu.Lock()
	w.leaving = slices.DeleteFunc(w.leaving, func(l core.Leaver) bool { return l.ID == m.id })
	w.lent = append(w.lent, core.Lender{ID: m.id, Grant: holder.StoreGrant(1 << 40)})
	w.mu.Unlock()
	w.watched()
}

// watched looks at who lends now, as the job does.
func (w *world) watched() {
	w.t.Helper()
	w.room.pool.Expire()
	if err := w.room.upkeep.WatchLeaving(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// at counts the shards of a member that are in a state.
func (w *world) at(m *member, state catalogue.PlacementState) (n int) {
	w.t.Helper()
	row := w.room.n.DB.QueryRowContext(w.t.Context(), `SELECT count(*) FROM vault_placement WHERE member = $1 AND state = $2`, string(m.id), string(state))
	if err := row.Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) leavers() []upkeep.Leaver {
	w.t.Helper()
	report, err := w.room.doctor.Status(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	return report.Leaving
}

// keyOf is the words key of an error.
func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

func inDays(n int) core.Moment { return core.At(time.Now().Add(time.Duration(n) * 24 * time.Hour)) }

// full saves a few files of each kind and answers the data, by path.
func (w *world) full(c client) map[string][]byte {
	w.t.Helper()
	out := map[string][]byte{}
	for i := range 3 {
		body := randomBytes(200_000, byte(40+i))
		out[c.put(rest.Data, body)] = body
	}
	c.put(rest.Index, []byte("an index"))
	c.put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	return out
}

func (w *world) same(c client, files map[string][]byte) {
	w.t.Helper()
	w.room.retrieve.Cache.Clear()
	for path, body := range files {
		if status, got := c.do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
			w.t.Errorf("%s: status %d, %d bytes", path, status, len(got))
		}
	}
}

// While the notice of a lender runs what it has counts, and is made again at others; when
// the pact is over it counts no more, and nothing is missing.
func TestALenderUnderNotice(t *testing.T) {
	w := newWorld(t, 5)
	w.create("files")
	c := w.client("files", "")
	files := w.full(c)
	before := w.status("files")
	leaver := w.members[0]
	had := w.at(leaver, catalogue.Stored)

	w.leave(leaver, inDays(90))
	if s := w.status("files"); s.Losses != before.Losses || s.Level != health.LevelSafe || s.Waiting == 0 || w.at(leaver, catalogue.Stored) != had {
		t.Errorf("what it has does not count, or is not moved: %+v", s)
	}
	if l := w.leavers(); len(l) != 1 || l[0].Member != leaver.id || l[0].State != upkeep.PactEnding || l[0].Files == 0 {
		t.Errorf("named: %+v", l)
	}
	if err := w.room.doctor.CheckLenders(t.Context()); keyOf(err) != "vault.lender_leaves" {
		t.Errorf("doctor says %v", err)
	}
	w.addMember("new.test")
	w.watched()
	w.settled()
	if l := w.leavers(); len(l) != 1 || l[0].Files != 0 || w.at(leaver, catalogue.Stored) != had {
		t.Errorf("after it was moved: %+v, %d held", l, w.at(leaver, catalogue.Stored))
	}
	if err := w.room.doctor.CheckLenders(t.Context()); err != nil {
		t.Error(err)
	}

	w.leave(leaver, inDays(-1))
	if n := w.at(leaver, catalogue.Stored); n != 0 {
		t.Errorf("%d shards count there", n)
	}
	leaver.set(away)
	if s := w.status("files"); s.Losses != before.Losses || s.Placed != before.Placed || s.Waiting != 0 || s.Level != health.LevelSafe || len(w.leavers()) != 0 {
		t.Errorf("%+v, was %+v", s, before)
	}
	w.same(c, files)
}

// A pact that is over, with nobody to take its place: what lay there does not count, and
// that is said by name; what is still there is read all the same.
func TestAPactThatIsOver(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	files := w.full(c)
	before := w.status("files")
	leaver := w.members[0]
	leaver.set(emptied)
	w.leave(leaver, inDays(-1))
	s := w.status("files")
	if s.Losses != before.Losses-1 || s.Waiting == 0 {
		t.Errorf("%+v, was %+v", s, before)
	}
	l := w.leavers()
	if len(l) != 1 || l[0].State != upkeep.PactOver || l[0].Files == 0 {
		t.Fatalf("%+v", l)
	}
	if text := strings.Join(leaverWords(w.room.n.Words, l), "\n"); !strings.Contains(text, string(leaver.id)) || strings.Contains(text, "{{") {
		t.Error(text)
	}
	// A comparison does not believe its list again, however often it is asked.
	leaver.set(honest)
	w.compared(true)
	w.watched()
	if w.at(leaver, catalogue.Stored) != 0 {
		t.Error("it counts again")
	}
	// The others are gone: it is asked.
	w.conducts(honest, away, away)
	w.same(c, files)
}

// A member that lends again proves what it still has, and is not sent it anew.
func TestALenderThatComesBack(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	w.full(c)
	before := w.status("files")
	back := w.members[0]
	had := w.at(back, catalogue.Stored)
	w.leave(back, inDays(-1))
	back.set(refusing)
	w.lend(back)
	if w.at(back, catalogue.Left) != 0 || w.at(back, catalogue.Stored) != 0 {
		t.Error("it counts before it was asked")
	}
	if fresh, err := w.room.recovery.NeverAsked(t.Context()); err != nil || !fresh {
		t.Errorf("it is not asked soon: %v", err)
	}
	w.compared(false)
	if w.at(back, catalogue.Stored) != had {
		t.Errorf("%d of %d shards count", w.at(back, catalogue.Stored), had)
	}
	w.forgive()
	w.settled()
	if s := w.status("files"); s.Losses != before.Losses || s.Level != health.LevelSafe || len(w.leavers()) != 0 {
		t.Errorf("%+v, %+v", s, w.leavers())
	}
}

// What a suspended member has counts and stays where it is for three days; then it is made
// again at others. Of a member without any known pact nothing is concluded.
func TestASuspendedLender(t *testing.T) {
	w := newWorld(t, 4)
	w.create("files")
	c := w.client("files", "")
	files := w.full(c)
	before := w.status("files")
	barred := w.members[0]
	w.addMember("new.test")
	w.leave(barred, 0)
	w.settled()
	if s := w.status("files"); s.Waiting != 0 || s.Losses != before.Losses {
		t.Errorf("moved at once: %+v", s)
	}
	if l := w.leavers(); len(l) != 1 || l[0].State != upkeep.MemberBad || l[0].Files == 0 {
		t.Errorf("%+v", l)
	}
	w.exec(`UPDATE vault_lender SET leaves_us = leaves_us - $1 WHERE leaves_us > 0`, catalogue.Absent.Microseconds())
	if err := w.room.upkeep.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if l := w.leavers(); len(l) != 1 || l[0].Files != 0 || w.at(barred, catalogue.Stored) == 0 {
		t.Errorf("three days later: %+v", l)
	}
	w.mu.Lock()
	w.leaving = nil
	w.mu.Unlock()
	w.watched()
	if l := w.leavers(); len(l) != 1 || l[0].State != upkeep.PactUnknown || w.at(barred, catalogue.Stored) == 0 {
		t.Errorf("without a known pact: %+v", l)
	}
	barred.set(away)
	w.same(c, files)
}

// What has nowhere to go rests, longer than what somebody may take at once, until somebody
// comes.
func TestNowhereToGo(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	c := w.client("files", "")
	w.full(c)
	w.stop()
	w.open()
	t.Cleanup(func() { _ = w.room.n.DB.Close() })
	w.leave(w.members[0], inDays(90))
	due, err := w.room.store.Queue.Due(t.Context(), inDays(9), 100)
	if err != nil || len(due) == 0 {
		t.Fatal(due, err)
	}
	w.room.pool.Interval = pool.Interval
	for _, o := range due {
		if err := errors.Join(w.room.store.Queue.Postpone(t.Context(), o.ID, 20, 0), w.room.shipping.ShipOne(t.Context(), o.ID, nil)); err != nil {
			t.Fatal(err)
		}
		if rest := time.Until(w.object(o.ID).Next.Time()); rest <= shipping.MaxWait || rest > shipping.IdleWait {
			t.Errorf("rests for %s", rest)
		}
	}
	if err := w.room.upkeep.AddReplicasAtReturned(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.addMember("new.test")
	w.watched()
	if err := w.room.upkeep.AddReplicasAtReturned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now, err := w.room.store.Queue.Due(t.Context(), core.At(time.Now()), 100); err != nil || len(now) != len(due) {
		t.Errorf("%d of %d are due, %v", len(now), len(due), err)
	}
}

// What lies at a member that leaves, in SQL, on both engines.
func TestLeavingRows(t *testing.T) {
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s, o := catalogue.New(d), catalogue.Object{ID: shard.Hash{1}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: "x"}, Code: shard.Code{K: 1, N: 2}, State: catalogue.Placed}
		_, err := s.Objects.Add(t.Context(), o)
		for i, m := range []core.MemberID{"a.test", "b.test"} {
			err = errors.Join(err, s.Placements.Put(t.Context(), d, catalogue.Placement{Object: o.ID, Index: i, Member: m, State: catalogue.Stored}))
		}
		if err = errors.Join(err, s.Lenders.SetLeaving(t.Context(), "a.test", 5)); err != nil {
			t.Fatal(err)
		}
		state := func(now core.Moment) catalogue.State {
			t.Helper()
			err := s.Queue.Recompute(t.Context(), now)
			o, readErr := s.Objects.Get(t.Context(), o.ID)
			if err = errors.Join(err, readErr); err != nil {
				t.Fatal(err)
			}
			return o.State
		}
		if got := state(4); got != catalogue.Placed {
			t.Errorf("before it leaves %s", got)
		}
		if got := state(5); got != catalogue.Safe {
			t.Errorf("since it leaves %s", got)
		}
		for id, want := range map[core.MemberID]int64{"a.test": 1, "b.test": 1, "c.test": 0} {
			for _, moving := range []bool{false, true} {
				if n, err := s.Placements.Unmoved(t.Context(), id, moving); err != nil || n != want {
					t.Errorf("%s has %d unmoved, %v", id, n, err)
				}
			}
			if counts, err := s.Placements.MayCount(t.Context(), id); err != nil || counts != (want > 0) {
				t.Errorf("of %s something counts: %v, %v", id, counts, err)
			}
			if keeps, err := s.Placements.Holds(t.Context(), id); err != nil || keeps != (want > 0) {
				t.Errorf("%s keeps something: %v, %v", id, keeps, err)
			}
		}
		if n, err := s.Placements.Leave(t.Context(), "a.test"); err != nil || n != 1 {
			t.Error(n, err)
		}
		if got := state(6); got != catalogue.Waiting {
			t.Errorf("when it is over %s", got)
		}
		if ids, err := s.Placements.PossibleHolders(t.Context()); err != nil || !slices.Equal(ids, []core.MemberID{"b.test"}) {
			t.Error(ids, err)
		}
		if n, err := s.Placements.Unleave(t.Context(), "a.test"); err != nil || n != 1 {
			t.Error(n, err)
		}
		if err := s.Queue.RetryIdleNow(t.Context(), 5); err != nil {
			t.Error(err)
		}
		if leaves, err := s.Lenders.Leaving(t.Context(), d); err != nil || len(leaves) != 1 || leaves["a.test"] != 5 {
			t.Error(leaves, err)
		}
	})
}
