package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/move/legacy"
)

// rooms are what the other rooms of B, and the successors of A, answer.
type rooms struct {
	named   map[core.MemberID]bool // successors of A that are settled
	alive   core.Moment            // when A showed signs of life last
	asked   core.Moment            // when the custodians were asked
	ask     string                 // what was asked beside
	trouble error                  // of what a successor shows of the custodians
	shown   int                    // how often a successor was asked
}

func (r *rooms) Successors(context.Context, core.MemberID, string) ([]core.MemberID, error) {
	return nil, nil
}

func (r *rooms) Settled(_ context.Context, owner, heir core.MemberID, service string) (bool, error) {
	return owner == hosterA && service == legacy.Accounts && r.named[heir], nil
}

func (r *rooms) Opened(context.Context, core.MemberID, string) (string, []byte, error) {
	return "", nil, core.NotFound("custody.evidence.not_opened", nil)
}

// askOf is the ask by which a member opened A's accounts.
func (r *rooms) askOf(heir core.MemberID) string { return hash([]byte(string(heir) + r.ask)) }

func (r *rooms) Released(_ context.Context, heir, owner core.MemberID, scope string, text []byte) (string, core.Moment, error) {
	if r.trouble == nil && (owner != hosterA || scope != "data:accounts" || string(text) != "evidence of "+string(heir)) {
		return "", 0, core.Denied("custody.evidence.bad", nil)
	}
	return r.askOf(heir), r.asked, r.trouble
}

func (r *rooms) Member(context.Context, core.MemberID) (logbook.Member, error) {
	return logbook.Member{Heard: r.alive}, nil
}

func (r *rooms) JSON(_ context.Context, to core.MemberID, _, path string, _, out any) error {
	r.shown++
	if path != legacy.PathEstate {
		return errors.New("asked for something else")
	}
	text, err := json.Marshal(map[string]any{"home": hosterA, "evidence": []byte("evidence of " + string(to))})
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// bookOf is a logbook whose members show signs of life as the rooms say.
type bookOf struct {
	members
	*rooms
}

func (b bookOf) Member(ctx context.Context, id core.MemberID) (logbook.Member, error) {
	return b.rooms.Member(ctx, id)
}

// inherits is B, where A is dead: C and D were its successors.
func inherits(t testing.TB, d *db.DB) (*world, *rooms) {
	w := newWorld(t, d)
	r := &rooms{named: map[core.MemberID]bool{hosterC: true, hosterD: true}, alive: core.At(noon.Add(-40 * 24 * time.Hour)), asked: core.At(noon.Add(-10 * 24 * time.Hour))}
	w.n.Book, w.n.Calls = bookOf{w.all, r}, r
	w.n.Successions = func() (legacy.Successions, bool) { return r, true }
	w.n.Custodians = func() (legacy.Custodians, bool) { return r, true }
	return w, r
}

// says takes in an entry of a member's logbook.
func (w *world) says(by core.MemberID, typ string, body any) {
	w.t.Helper()
	text, err := wire.Encode(body)
	w.must(err)
	w.told++
	w.must(w.Readers()[1].Read(w.t.Context(), logbook.Entry{Log: by, Index: w.told, Typ: typ, Iat: 1, Body: text}))
}

// left is what A left to a successor: a release for each sub, under a root that A said.
func (w *world) left(to core.MemberID, subs ...string) []Signed {
	w.t.Helper()
	all, ids := make([]Signed, 0, len(subs)), make([]string, 0, len(subs))
	for _, sub := range subs {
		s, err := bequeath(Release{Sub: sub, To: to, Made: core.At(noon)}, w.all.signer(hosterA))
		w.must(err)
		all, ids = append(all, s), append(ids, s.ID)
	}
	w.places(all, ids)
	tree, err := legacy.NewTree(ids)
	w.must(err)
	root, err := tree.Root()
	w.must(err)
	w.says(hosterA, legacy.Type, legacy.Said{To: to, Root: root, Count: tree.Size()})
	return all
}

// places signs releases as their successor, and puts each where it stands among names.
func (w *world) places(all []Signed, ids []string) {
	w.t.Helper()
	tree, err := legacy.NewTree(ids)
	w.must(err)
	for i := range all {
		*all[i].Under, err = tree.Under(all[i].ID)
		w.must(err)
		w.must(all[i].Document.AddSignature(w.all.signer(all[i].To)))
	}
}

// takes has a successor say that it took releases up.
func (w *world) takesUp(r *rooms, heir core.MemberID, all ...Signed) {
	w.t.Helper()
	body := legacy.TakenUp{Home: hosterA, Ask: r.askOf(heir)}
	for _, s := range all {
		body.Moved = append(body.Moved, s.ID)
	}
	w.says(heir, legacy.TypeInherit, body)
}

func eachDead(t *testing.T, fn func(t *testing.T, w *world, r *rooms)) {
	t.Helper()
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w, r := inherits(t, d)
		fn(t, w, r)
	})
}

// TestADeadHome: its people are the same persons at B from its successor on, and nobody else is.
func TestADeadHome(t *testing.T) {
	eachDead(t, func(t *testing.T, w *world, r *rooms) {
		alice, bob := w.came(hosterA, "a1", "alice"), w.came(hosterA, "a2", "bob")
		all := w.left(hosterC, "a1", "a2", "a3")
		w.refuses("identity.move.not_heard", hosterC, "c1", "alice", all[0])
		w.takesUp(r, hosterC, all...)
		if got := w.came(hosterC, "c1", "alice", all[0]); got != alice {
			t.Errorf("%s is %s now", alice, got)
		}
		if got := w.came(hosterC, "c2", "bob", all[1]); got != bob || r.shown != 1 {
			t.Errorf("%s is %s now; the successor was asked %d times", bob, got, r.shown)
		}
		// Who never was at B is new there.
		if got := w.came(hosterC, "c3", "carol", all[2]); got == alice || got == bob {
			t.Error(got)
		}
		// Once each; and the dead home's old tokens open nothing.
		w.refuses("identity.move.gone", hosterC, "c9", "mallory", all[0])
		w.refuses("identity.home.moved", hosterA, "a1", "alice")
		// From C they move on as anybody does.
		next := w.moved(hosterC, "c1", hosterD, all[0].ID)
		if got := w.came(hosterD, "d1", "alice", all[0], next); got != alice {
			t.Errorf("%s is %s now", alice, got)
		}
	})
}

// TestAHostileSuccessor: what C may not.
func TestAHostileSuccessor(t *testing.T) {
	for name, c := range map[string]struct {
		want string
		do   func(w *world, r *rooms, all []Signed) []Signed
	}{
		"it was not named long enough": {"identity.move.not_settled", func(_ *world, r *rooms, all []Signed) []Signed {
			delete(r.named, hosterC)
			return all
		}},
		"too few custodians": {"custody.evidence.few", func(_ *world, r *rooms, all []Signed) []Signed {
			r.trouble = core.Unsure("custody.evidence.few", nil)
			return all
		}},
		"another box": {"custody.evidence.bad", func(_ *world, r *rooms, all []Signed) []Signed {
			r.trouble = core.Denied("custody.evidence.bad", nil)
			return all
		}},
		"A lives": {"identity.move.alive", func(_ *world, r *rooms, all []Signed) []Signed {
			r.alive = r.asked
			return all
		}},
		"A took it back": {"identity.move.refused", func(w *world, r *rooms, all []Signed) []Signed {
			w.hears(hosterA, nil, []string{all[0].ID})
			return all
		}},
		"A was shut": {"identity.move.refused", func(w *world, r *rooms, all []Signed) []Signed {
			doors := home.Doors{Homes: w.n.Homes, Ended: func(context.Context, db.Querier, home.Visitor) error { return nil }}
			w.must(doors.Shut(w.t.Context(), hosterA, "spam"))
			return all
		}},
		"A did not sign it": {"identity.move.refused", func(w *world, r *rooms, all []Signed) []Signed {
			forged, err := bequeath(Release{Sub: "a1", To: hosterC, Made: 1}, members{}.signer(hosterA))
			w.must(err)
			w.places([]Signed{forged}, []string{forged.ID})
			w.takesUp(r, hosterC, forged)
			return []Signed{forged}
		}},
		"C did not sign it": {"identity.move.refused", func(w *world, r *rooms, all []Signed) []Signed {
			all[0].Document.Signatures = all[0].Document.Signatures[:1]
			return all
		}},
		"a root that A never said": {"identity.move.not_heard", func(w *world, r *rooms, _ []Signed) []Signed {
			s, err := bequeath(Release{Sub: "a1", To: hosterC, Made: 1}, w.all.signer(hosterA)) // one that A signed for somebody who chose otherwise
			w.must(err)
			one := []Signed{s}
			w.places(one, []string{s.ID})
			w.takesUp(r, hosterC, s)
			return one
		}},
		"the root of another successor": {"identity.move.not_heard", func(w *world, r *rooms, _ []Signed) []Signed {
			others := w.left(hosterD, "a1")
			s, err := bequeath(Release{Sub: "a1", To: hosterC, Made: 1}, w.all.signer(hosterA))
			w.must(err)
			w.must(s.Document.AddSignature(w.all.signer(hosterC)))
			*s.Under = *others[0].Under
			w.takesUp(r, hosterC, s)
			return []Signed{s}
		}},
		"a plain release in its place": {"identity.move.not_heard", func(w *world, r *rooms, _ []Signed) []Signed {
			return []Signed{w.release(hosterA, "a1", hosterC, "")}
		}},
		"another ask than it says": {"identity.move.refused", func(w *world, r *rooms, all []Signed) []Signed {
			other := w.left(hosterC, "a1")
			w.says(hosterC, legacy.TypeInherit, legacy.TakenUp{Home: hosterA, Ask: r.askOf(hosterD), Moved: []string{other[0].ID}})
			return other
		}},
		"C says it only where its key was stolen": {"identity.move.not_heard", func(w *world, r *rooms, all []Signed) []Signed {
			w.must(w.Readers()[1].Truncated(w.t.Context(), hosterC, 0))
			return all
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := inherits(t, dbtest.SQLite(t, "identity", migrations.Files))
			alice := w.came(hosterA, "a1", "alice")
			all := w.left(hosterC, "a1", "a2")
			w.takesUp(r, hosterC, all...)
			all = c.do(w, r, all)
			w.refuses(c.want, hosterC, "c1", "alice", all[0])
			if name == "A was shut" {
				return
			}
			if got := w.came(hosterA, "a1", "alice"); got != alice {
				t.Errorf("%s is %s at home", alice, got)
			}
		})
	}
}

// TestWhoSaidItWhileNotLetIn: a root counts as its home's people were let in when it was heard.
func TestWhoSaidItWhileNotLetIn(t *testing.T) {
	w, r := inherits(t, dbtest.SQLite(t, "identity", migrations.Files))
	w.came(hosterA, "a1", "alice")
	w.let[hosterA] = false
	late := w.left(hosterC, "a1")
	w.takesUp(r, hosterC, late...)
	w.refuses("identity.move.refused", hosterC, "c1", "alice", late[0])
	w.let[hosterA] = true
	good := w.left(hosterC, "a1")
	w.takesUp(r, hosterC, good...)
	w.let[hosterA] = false // it is dead, and no member any more
	w.came(hosterC, "c1", "alice", good[0])
}

// TestTwoSuccessors: the first that B saw counts.
func TestTwoSuccessors(t *testing.T) {
	w, r := inherits(t, dbtest.SQLite(t, "identity", migrations.Files))
	alice := w.came(hosterA, "a1", "alice")
	one, two := w.left(hosterC, "a1"), w.left(hosterD, "a1")
	w.takesUp(r, hosterD, two...)
	w.takesUp(r, hosterC, one...)
	if got := w.came(hosterD, "d1", "alice", two[0]); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
	w.refuses("identity.move.gone", hosterC, "c1", "alice", one[0])
	// A successor that is late takes nobody.
	e := w.estates()
	e.Self = hosterC
	if err := e.First(t.Context(), hosterA); key(err) != "identity.move.other_heir" {
		t.Error(err)
	}
}

// TestAnOwnerWhoComesBack: A takes the releases back; who came to C by one is A's again when they
// sign in there, as the same person; who moved on by their own wish is not.
func TestAnOwnerWhoComesBack(t *testing.T) {
	eachDead(t, func(t *testing.T, w *world, r *rooms) {
		alice, bob, carol := w.came(hosterA, "a1", "alice"), w.came(hosterA, "a2", "bob"), w.came(hosterA, "a3", "carol")
		all := w.left(hosterC, "a1", "a2", "a3")
		w.takesUp(r, hosterC, all...)
		w.came(hosterC, "c1", "alice", all[0])
		w.came(hosterC, "c2", "bob", all[1])
		on := w.moved(hosterC, "c2", hosterD, all[1].ID)
		w.came(hosterD, "d2", "bob", all[1], on)
		w.refuses("identity.home.moved", hosterA, "a1", "alice")
		r.alive = core.At(noon)
		w.refuses("identity.move.alive", hosterC, "c3", "carol", all[2])
		w.hears(hosterA, nil, []string{all[0].ID, all[1].ID, all[2].ID})
		for range 2 {
			if got := w.came(hosterA, "a1", "alice"); got != alice {
				t.Errorf("%s is %s at home", alice, got)
			}
		}
		w.refuses("identity.move.refused", hosterC, "c1", "alice", all[0])
		w.refuses("identity.home.moved", hosterA, "a2", "bob")
		if got := w.came(hosterD, "d2", "bob"); got != bob {
			t.Errorf("%s is %s at D", bob, got)
		}
		if got := w.came(hosterA, "a3", "carol"); got != carol {
			t.Errorf("%s is %s at home", carol, got)
		}
		// A dies again, and left them anew.
		r.alive, r.asked = core.At(noon.Add(time.Hour)), core.At(noon.Add(50*24*time.Hour))
		r.ask = "the second"
		again := w.left(hosterC, "a1")
		w.takesUp(r, hosterC, again...)
		if got := w.came(hosterC, "c1", "alice", again[0]); got != alice {
			t.Errorf("%s is %s after a second death", alice, got)
		}
	})
}

func TestLegacyChains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "names")
		names := make([]string, n)
		for i := range names {
			names[i] = hash(fmt.Append(nil, i))
		}
		tree, err := legacy.NewTree(names)
		if err != nil {
			t.Fatal(err)
		}
		root, err := tree.Root()
		if err != nil {
			t.Fatal(err)
		}
		name := names[rapid.IntRange(0, n-1).Draw(t, "name")]
		u, err := tree.Under(name)
		if err != nil || u.Check() != nil || !u.Holds(name, root) {
			t.Fatal("what is in does not stand there", err)
		}
		if u.Holds(hash([]byte("another")), root) || n > 1 && u.Holds(name, func() string { x, _ := legacy.NewTree(names[:n-1]); s, _ := x.Root(); return s }()) {
			t.Fatal("what is not in stands there")
		}
	})
}

func FuzzReadLegacy(f *testing.F) {
	s, err := bequeath(Release{Sub: "a1", To: hosterC, Made: 1}, members{}.signer(hosterA))
	if err != nil {
		f.Fatal(err)
	}
	s.Under.Size = 1
	text, err := s.text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read(text)
		if err != nil {
			return
		}
		again, err := s.text()
		if err != nil || s.check() != nil {
			t.Errorf("read, and not written: %v %q", err, again)
		}
	})
}
