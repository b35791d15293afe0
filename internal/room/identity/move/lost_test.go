package move

import (
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
)

// newcomer is a person of ours who came from elsewhere, by releases of which the last is to us.
func (w *world) newcomer(handle string, chain ...Signed) person.ID {
	w.t.Helper()
	p, err := person.Create(w.t.Context(), w.db, person.New{Handle: handle}, core.At(noon))
	w.must(err)
	last := chain[len(chain)-1]
	text, err := last.text()
	w.must(err)
	w.must(putChain(w.t.Context(), w.db, arrived{
		id: last.ID, person: p.ID, home: last.Home, sub: last.Sub, state: finished, document: text, until: last.Until, way: wayNew,
	}, chain[:len(chain)-1]))
	return p.ID
}

func (w *world) damage(set string, who person.ID, number int) {
	w.t.Helper()
	n, err := db.Exec(w.t.Context(), w.db, `UPDATE identity_move_in SET `+set+` WHERE person = $1 AND number = $2`, string(who), number)
	w.must(err)
	if n != 1 {
		w.t.Fatal(set, n)
	}
}

// A home shows what it still has, and says what it lost; nobody else there is concerned.
func TestAHomeThatLostARelease(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		damages := []string{`document = ''`, `document = 'x'`, `document = replace(document, 'payload', 'paylord')`, `id = 'x'`}
		if w.db.Engine() == db.SQLite {
			damages = append(damages, `document = x'ff00'`, `until_us = 'x'`)
		}
		first := w.release(hosterA, "a1", hosterC, "")
		bob := w.newcomer("bob", w.release(hosterA, "a9", hosterB, ""))
		for i, damage := range damages {
			alice := w.newcomer("alice"+strings.Repeat("a", i), first, w.release(hosterC, "c1", hosterB, first.ID))
			if texts, err := w.Chain(t.Context(), alice); err != nil || len(texts) != 2 || strings.Contains(texts[0]+texts[1], markerStart) {
				t.Error(texts, err)
			}
			w.damage(damage, alice, 0)
			texts, err := w.Chain(t.Context(), alice)
			if err != nil || len(texts) != 2 || texts[0] != `{"lost":{"home":"chaton-a.test","sub":"a1"}}` {
				t.Errorf("%s: %q, %v", damage, texts, err)
			}
			if _, err := cameBy(t.Context(), w.db, alice, MaxChain); !isDamaged(err) {
				t.Error(damage, err)
			}
			if views, err := w.Views(t.Context()); err != nil || len(views) != 2+i {
				t.Error(damage, views, err)
			}
			if texts, err := w.Chain(t.Context(), bob); err != nil || len(texts) != 1 {
				t.Error(damage, texts, err)
			}
			if bad, err := w.Damaged(t.Context()); err != nil || len(bad) != i+1 {
				t.Error(damage, bad, err)
			}
		}
	})
}

// A member takes somebody whom it never knew, whatever their home has lost; who was here before
// is refused, and not made a second person.
func TestAReleaseThatTheHomeLost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		lost := func(from core.MemberID, sub string) string {
			return `{"lost":{"home":"` + string(from) + `","sub":"` + sub + `"}}`
		}
		follow := func(sub string, moves ...string) error {
			return w.Follow(t.Context(), Arrival{Home: hosterC, Sub: sub, Handle: "bobby", Moves: moves})
		}
		text := func(s Signed) string {
			out, err := s.text()
			w.must(err)
			return out
		}
		w.must(follow("c1", lost(hosterA, "a1"))) // was never here
		alice := w.came(hosterA, "a1", "alice")
		if err := follow("c1", lost(hosterA, "a1")); key(err) != "identity.move.lost" || w.audited(alice, audit.MoveRefused) != 1 {
			t.Error(err)
		}
		// What stands before the lost one, or a place that she left since, is hers too.
		toD := w.release(hosterA, "a1", hosterD, "")
		if err := follow("c1", text(toD), lost(hosterD, "d1")); key(err) != "identity.move.lost" {
			t.Error(err)
		}
		// What follows the lost one leads from where she is here.
		bob := w.came(hosterD, "d2", "bob")
		r := w.moved(hosterD, "d2", hosterC, strings.Repeat("a", 64))
		w.must(follow("c2", lost(hosterA, "a2"), text(r)))
		if v, known, err := home.Find(t.Context(), w.db, hosterC, "c2"); err != nil || !known || v.Person != bob {
			t.Errorf("%+v, %v, %v", v, known, err)
		}
		for _, bad := range []string{
			`{"lost":{"home":"chaton-a.test"}}`, `{"lost":{"home":"chaton-a.test","sub":"a b"}}`, `{"lost":{"home":"x y","sub":"a1"}}`, `{"lost":null}`, `{"lost":`,
			`{"lost":{"home":"chaton-a.test","sub":"z"},"x":1}`, strings.Repeat(" ", maxMarker) + lost(hosterA, "z"),
		} {
			if err := follow("c9", bad); core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("%s: %v", bad, err)
			}
		}
		many := make([]string, MaxChain+1)
		for i := range many {
			many[i] = lost(hosterA, "z")
		}
		if err := follow("c9", many...); core.CodeOf(err) != core.CodeInvalid {
			t.Error(err)
		}
	})
}

// Who waits for the old home is not forgotten because what is kept of them is damaged: the home
// may have let them go.
func TestADamagedRowForgetsNobody(t *testing.T) {
	w, h := hostile(t)
	h.silent = true
	w.takes(hosterA)
	waiting, err := askedIn(t.Context(), w.db, "")
	if err != nil || len(waiting) != 1 {
		t.Fatal(waiting, err)
	}
	h.silent, h.dones = false, 0
	w.damage(`document = 'x'`, waiting[0].person, 0)
	if err := w.Resume(t.Context()); !isDamaged(err) || h.dones != 0 {
		t.Error(err, h.dones)
	}
	if still, err := askedIn(t.Context(), w.db, ""); err != nil || len(still) != 1 {
		t.Error(still, err)
	}
	if p, err := person.Get(t.Context(), w.db, waiting[0].person); err != nil || p.Status == person.Closed {
		t.Error(p, err)
	}
}

func FuzzMarker(f *testing.F) {
	f.Add(`{"lost":{"home":"chaton-a.test","sub":"a1"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := readMarker(text); ok && (!p.Home.Valid() || !subForm.MatchString(p.Sub)) {
			t.Errorf("%+v", p)
		}
	})
}
