package move

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

const hosterA, hosterB, hosterC, hosterD core.MemberID = "chaton-a.test", "chaton-b.test", "chaton-c.test", "chaton-d.test"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// members are hosters with their keys; the newest signs.
type members map[core.MemberID][]ed25519.PrivateKey

func (m members) signer(id core.MemberID) seal.Signer {
	if len(m[id]) == 0 {
		m.renew(id)
	}
	return seal.NewSigner(id, m[id][len(m[id])-1])
}

func (m members) renew(id core.MemberID) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	m[id] = append(m[id], key)
}

// KeySet names all keys; only the newest is good.
func (m members) KeySet(_ context.Context, id core.MemberID) (set logbook.KeySet, _ seal.Envelope, err error) {
	if len(m[id]) == 0 {
		return set, seal.Envelope{}, core.NotFound("logbook.unknown_member", nil)
	}
	for i, key := range m[id] {
		k := logbook.Key{Key: base64.StdEncoding.EncodeToString(key[32:])}
		if i+1 < len(m[id]) {
			k.RevokedFrom = int64(i) + 1
		}
		set.Keys = append(set.Keys, k)
	}
	return set, seal.Envelope{}, nil
}

// Member was heard last the night before.
func (members) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	return logbook.Member{ID: id, Heard: core.At(noon.Add(-12 * time.Hour))}, nil
}

// Append is called where people leave.
func (members) Append(context.Context, string, []core.MemberID, core.Moment, any) (logbook.Entry, error) {
	return logbook.Entry{}, errors.New("B says nothing")
}

// deed is who is let in here.
type deed map[core.MemberID]bool

func (d deed) May(_ context.Context, who core.MemberID, _ core.GrantKind) (core.Allowance, error) {
	if d[who] {
		return core.Allowance{Grant: core.Grant{Kind: home.KindLogin}}, nil
	}
	return core.Allowance{}, core.Denied("trust.no_grant", nil)
}

func (d deed) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all := map[core.MemberID]core.Allowance{}
	for _, id := range ids {
		if a, err := d.May(ctx, id, kind); err == nil {
			all[id] = a
		}
	}
	return all, nil
}

func (deed) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) { return nil, nil }

// world is B, where people are visitors.
type world struct {
	*Moves
	t    testing.TB
	db   *db.DB
	all  members
	let  deed
	told int64
}

func newWorld(t testing.TB, d *db.DB) *world {
	w := &world{t: t, db: d, all: members{}, let: deed{}}
	now := func() time.Time { return noon }
	homes := &home.Homes{DB: d, Self: hosterB, Trust: w.let, Now: now}
	w.Moves = New(Needs{DB: d, Self: hosterB, Book: w.all, Homes: homes, Now: now, Log: slog.New(slog.DiscardHandler)})
	for _, id := range []core.MemberID{hosterA, hosterC, hosterD} {
		w.all.renew(id)
		w.let[id] = true
		w.told++
		card := fmt.Sprintf(`{"issuer":"https://%s","keys":[%s]}`, id, cardKey)
		w.must(homes.Readers()[0].Read(t.Context(), logbook.Entry{Log: id, Index: w.told, Typ: home.TypeCard, Iat: 1, Body: []byte(card)}))
	}
	return w
}

// cardKey is any key on the curve: nobody signs with it here.
const cardKey = `{"kty":"EC","crv":"P-256","kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// release is one that both signed.
func (w *world) release(from core.MemberID, sub string, to core.MemberID, before string) Signed {
	w.t.Helper()
	s, err := sign(Release{Sub: sub, To: to, Made: core.At(noon), Until: core.At(noon.Add(time.Hour)), Before: before}, w.all.signer(from))
	w.must(err)
	w.must(s.Document.AddSignature(w.all.signer(to)))
	return s
}

// hears takes in what a member says in its logbook.
func (w *world) hears(from core.MemberID, moved, back []string) {
	w.t.Helper()
	text, err := wire.Encode(entryBody{moved, back})
	w.must(err)
	w.told++
	w.must(w.Readers()[0].Read(w.t.Context(), logbook.Entry{Log: from, Index: w.told, Typ: TypeEntry, Iat: 1, Body: text}))
}

// moved is a release of which B has heard.
func (w *world) moved(from core.MemberID, sub string, to core.MemberID, before string) Signed {
	w.t.Helper()
	s := w.release(from, sub, to, before)
	w.hears(from, []string{s.ID}, nil)
	return s
}

func (w *world) comes(from core.MemberID, sub, handle string, chain ...Signed) (p person.Person, err error) {
	w.t.Helper()
	texts, err := Chain(chain).texts()
	w.must(err)
	if err := w.Follow(w.t.Context(), Arrival{Home: from, Sub: sub, Handle: handle, Moves: texts}); err != nil {
		return p, err
	}
	err = w.db.Tx(w.t.Context(), func(ctx context.Context, q db.Querier) error {
		p, _, err = home.Coming{Home: from, Most: 1000, Now: core.At(noon)}.Admit(ctx, q, home.Told{Sub: sub, Handle: handle})
		return err
	})
	return p, err
}

func (w *world) came(from core.MemberID, sub, handle string, chain ...Signed) person.ID {
	w.t.Helper()
	p, err := w.comes(from, sub, handle, chain...)
	w.must(err)
	return p.ID
}

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

// refuses says that somebody does not come in, and why.
func (w *world) refuses(want string, from core.MemberID, sub, handle string, chain ...Signed) {
	w.t.Helper()
	if p, err := w.comes(from, sub, handle, chain...); key(err) != want {
		w.t.Errorf("%s, not %s: %+v", key(err), want, p)
	}
}

// audited is how often a kind of event stands in a person's log.
func (w *world) audited(who person.ID, kind audit.Kind) (n int) {
	log := audit.Log{DB: w.db, Now: func() time.Time { return noon }}
	events, err := log.Of(w.t.Context(), who, 0, 100)
	w.must(err)
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestWhoMovedIsKnownAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice := w.came(hosterA, "a1", "alice")
		r := w.moved(hosterA, "a1", hosterC, "")
		if got := w.came(hosterC, "c1", "alicia", r); got != alice {
			t.Errorf("%s is %s now", alice, got)
		}
		// Shown at each sign-in: nothing happens any more.
		if got := w.came(hosterC, "c1", "alicia", r); got != alice || w.audited(alice, audit.Moved) != 1 {
			t.Errorf("%s, %d moves", got, w.audited(alice, audit.Moved))
		}
		// The old home speaks for them no more, by their sub or by their name.
		w.refuses("identity.home.moved", hosterA, "a1", "alice")
		if p, err := w.comes(hosterA, "a2", "alice"); err != nil || p.ID == alice || p.Handle == "alice.chaton-a-test" {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestWhoWasNeverHereIsNew(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	other := w.came(hosterA, "a9", "bob")
	// B has not even heard of the release: it is of nobody here.
	if got := w.came(hosterC, "c1", "alice", w.release(hosterA, "a1", hosterC, "")); got == other {
		t.Error(got)
	}
}

func TestChains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.came(hosterA, "a1", "alice"), w.came(hosterA, "a2", "bob")
		one := w.moved(hosterA, "a1", hosterC, "")
		two := w.moved(hosterC, "c1", hosterD, one.ID)
		// B meets alice at D first, bob at C and then at D.
		if got := w.came(hosterD, "d1", "alice", one, two); got != alice {
			t.Errorf("%s is %s now", alice, got)
		}
		first := w.moved(hosterA, "a2", hosterC, "")
		second := w.moved(hosterC, "c2", hosterD, first.ID)
		if got := w.came(hosterC, "c2", "bob", first); got != bob {
			t.Errorf("%s is %s now", bob, got)
		}
		if got := w.came(hosterD, "d2", "bob", first, second); got != bob {
			t.Errorf("%s is %s now", bob, got)
		}
		// C was left: it does not get alice by what it still has.
		w.refuses("identity.move.gone", hosterC, "c1", "alice", one)
		w.refuses("identity.move.gone", hosterC, "c2", "bob", first)
		w.refuses("identity.home.moved", hosterC, "c2", "bob")
	})
}

func TestThereAndBack(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	alice, bob := w.came(hosterA, "a1", "alice"), w.came(hosterA, "a2", "bob")
	there, bobs := w.moved(hosterA, "a1", hosterC, ""), w.moved(hosterA, "a2", hosterC, "")
	w.came(hosterC, "c1", "alice", there)
	home, bobsHome := w.moved(hosterC, "c1", hosterA, there.ID), w.moved(hosterC, "c2", hosterA, bobs.ID)
	if got := w.came(hosterA, "a1", "alice", there, home); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
	// C shows again what counted once.
	w.refuses("identity.move.refused", hosterC, "c1", "alice", there)
	// B never met bob at C: A's logbook says that his release counts no more.
	w.hears(hosterA, nil, []string{there.ID, bobs.ID})
	w.refuses("identity.move.refused", hosterC, "c2", "bob", bobs)
	if got := w.came(hosterA, "a2", "bob", bobs, bobsHome); got != bob {
		t.Errorf("%s is %s now", bob, got)
	}
	again := w.moved(hosterA, "a1", hosterC, home.ID)
	if got := w.came(hosterC, "c1", "alice", there, home, again); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
}

func TestKeysThatWereGivenUp(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	alice := w.came(hosterA, "a1", "alice")
	r := w.moved(hosterA, "a1", hosterC, "")
	w.all.renew(hosterA)
	w.all.renew(hosterC)
	w.let[hosterA] = false // the pact ended, years later
	if got := w.came(hosterC, "c1", "alice", r); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
}

func TestReleasesThatDoNotHold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.came(hosterA, "a1", "alice"), w.came(hosterA, "a2", "bob")
		good := w.moved(hosterA, "a1", hosterC, "")
		for what, s := range w.forged(good) {
			w.t.Log(what)
			w.refuses("identity.move.refused", hosterC, "c1", "alice", s)
		}
		w.refuses("identity.move.bad", hosterD, "d1", "alice", good)       // to another member
		w.refuses("identity.move.bad", hosterC, "c1", "alice", good, good) // twice
		// A says it while its people are not let in, or B heard nothing.
		w.refuses("identity.move.not_heard", hosterC, "c1", "alice", w.release(hosterA, "a1", hosterC, ""))
		w.let[hosterA] = false
		w.refuses("identity.move.refused", hosterC, "c1", "alice", w.moved(hosterA, "a1", hosterC, ""))
		w.let[hosterA] = true
		w.must(w.n.Homes.Close(t.Context(), hosterA, "hostile", func(context.Context, db.Querier, home.Visitor) error { return nil }))
		w.refuses("identity.move.refused", hosterC, "c1", "alice", good)
		w.must(w.n.Homes.Open(t.Context(), hosterA))
		// Names that look like hers, and what is no sub.
		for _, handle := range []string{"аlice", "alice\u200b", "alice@chaton-b.test", ""} {
			w.refuses("identity.home.told", hosterC, "c1", handle, good)
		}
		w.refuses("identity.home.told", hosterC, "с1", "alice", good)
		if w.audited(alice, audit.MoveRefused) == 0 || w.audited(alice, audit.Moved) != 0 || w.audited(bob, audit.MoveRefused) != 0 {
			t.Error("the log does not say what was refused")
		}
		// Two releases: the first that B sees counts.
		other := w.moved(hosterA, "a1", hosterD, "")
		if got := w.came(hosterD, "d1", "alice", other); got != alice {
			t.Errorf("%s is %s now", alice, got)
		}
		w.refuses("identity.move.gone", hosterC, "c1", "alice", good)
		if got := w.came(hosterA, "a2", "bob"); got != bob {
			t.Errorf("%s is %s now", bob, got)
		}
	})
}

// forged are releases that are not what A and C signed.
func (w *world) forged(good Signed) map[string]Signed {
	alone, err := sign(good.Release, w.all.signer(hosterA))
	w.must(err)
	w.hears(hosterA, []string{alone.ID}, nil)
	by := func(signers ...seal.Signer) Signed {
		r := good.Release
		payload, err := wire.Encode(r)
		w.must(err)
		env, err := seal.SignDoc(TypeRelease, payload, signers[0])
		w.must(err)
		for _, s := range signers[1:] {
			w.must(env.AddSignature(s))
		}
		return Signed{Release: r, ID: hash(payload), Document: env}
	}
	foreign := members{}
	third := w.release(hosterA, "a1", hosterC, "")
	w.must(third.Document.AddSignature(w.all.signer(hosterD)))
	w.hears(hosterA, []string{third.ID}, nil)
	return map[string]Signed{
		"A alone":             alone,
		"C alone":             by(w.all.signer(hosterC)),
		"C in the name of A":  by(foreign.signer(hosterA), w.all.signer(hosterC)),
		"D in the name of C":  by(w.all.signer(hosterA), foreign.signer(hosterC)),
		"D in the place of A": by(w.all.signer(hosterD), w.all.signer(hosterC)),
		"a third one too":     third,
	}
}

func TestCHasAnAccountHereAlready(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	w.came(hosterA, "a1", "alice")
	carol := w.came(hosterC, "c1", "carol")
	// Who came from C before stays who they were: nobody is given two lives.
	if got := w.came(hosterC, "c1", "carol", w.moved(hosterA, "a1", hosterC, "")); got != carol {
		t.Errorf("%s is %s now", carol, got)
	}
}

func TestEntriesThatSayNothing(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	alice := w.came(hosterA, "a1", "alice")
	r := w.release(hosterA, "a1", hosterC, "")
	for _, text := range []string{`{"moved":["x"]}`, `[]`, `{"moved":["` + strings.Repeat(r.ID+`","`, 200) + r.ID + `"]}`} {
		w.must(w.Readers()[0].Read(t.Context(), logbook.Entry{Log: hosterA, Index: 50, Typ: TypeEntry, Iat: 1, Body: []byte(text)}))
	}
	w.hears(hosterC, []string{r.ID}, nil) // another's logbook
	w.refuses("identity.move.not_heard", hosterC, "c1", "alice", r)
	w.hears(hosterA, []string{r.ID}, nil)
	w.must(w.Readers()[0].Truncated(t.Context(), hosterA, w.told))
	w.refuses("identity.move.not_heard", hosterC, "c1", "alice", r)
	w.hears(hosterA, []string{r.ID}, nil)
	if got := w.came(hosterC, "c1", "alice", r); got != alice {
		t.Errorf("%s is %s now", alice, got)
	}
}

func FuzzRead(f *testing.F) {
	s, err := sign(Release{Sub: "a1", To: hosterC, Made: 1, Until: 2}, members{}.signer(hosterA))
	if err != nil {
		f.Fatal(err)
	}
	text, err := s.text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(strings.Replace(text, "entrechat/identity-release/1", "x", 1))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read(text)
		if err != nil {
			return
		}
		again, err := s.text()
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := Read(again); err != nil || twice.Release != s.Release || twice.ID != s.ID || !s.Home.Valid() || !s.To.Valid() {
			t.Errorf("%+v, %+v, %v", s, twice, err)
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"moved":["` + strings.Repeat("a", 64) + `"],"back":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseEntry(text)
		if err == nil && len(b.Moved)+len(b.Back) > maxIDs {
			t.Error(b)
		}
	})
}

// TestNobodyBecomesAnother plays moves in any order, with releases shown by anybody: a
// person here is always who they were, and never has two homes.
func TestNobodyBecomesAnother(t *testing.T) {
	d := dbtest.SQLite(t, "identity", migrations.Files)
	w := newWorld(t, d)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		name := func(s string) string { return fmt.Sprintf("%s%d", s, round) }
		places := []core.MemberID{hosterA, hosterC, hosterD}
		sub := func(at core.MemberID) string { return name(string(at[7])) }
		alice := w.came(hosterA, sub(hosterA), name("alice"))
		at, chain := hosterA, Chain{}
		var shown []Chain
		for range rapid.IntRange(1, 6).Draw(t, "moves") {
			to := rapid.SampledFrom(places).Draw(t, "to")
			if to == at || len(chain) >= MaxChain {
				continue
			}
			before := ""
			if len(chain) > 0 {
				before = chain[len(chain)-1].ID
			}
			r := w.moved(at, sub(at), to, before)
			for _, old := range chain {
				if old.Home == to {
					w.hears(to, nil, []string{old.ID})
				}
			}
			chain = append(chain, r)
			shown, at = append(shown, append(Chain{}, chain...)), to
			if rapid.Bool().Draw(t, "visits") {
				if got := w.came(at, sub(at), name("alice"), chain...); got != alice {
					t.Fatalf("%s is %s now", alice, got)
				}
			}
		}
		if got := w.came(at, sub(at), name("alice"), chain...); got != alice {
			t.Fatalf("%s is %s now", alice, got)
		}
		// Every home that was left tries with all it ever had.
		for _, old := range shown {
			from := old[len(old)-1].To
			if from == at {
				continue
			}
			if p, err := w.comes(from, name("x"), name("mallory"), old...); err == nil && p.ID == alice {
				t.Fatalf("%s is %s still", alice, from)
			}
		}
		all, err := w.n.Homes.Of(w.t.Context(), alice)
		active := 0
		for _, v := range all {
			if v.State == home.Active {
				active++
			}
		}
		if err != nil || active != 1 {
			t.Fatalf("%d homes, %v", active, err)
		}
	})
}
