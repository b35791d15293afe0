package need

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/assembly/stranger"
)

// ring is who the members are, and where.
type ring struct {
	keys map[core.MemberID]ed25519.PrivateKey
	urls map[core.MemberID]string
}

func newRing(ids ...core.MemberID) *ring {
	r := &ring{map[core.MemberID]ed25519.PrivateKey{}, map[core.MemberID]string{}}
	for _, id := range ids {
		seed := sha256.Sum256([]byte(id))
		r.keys[id] = ed25519.NewKeyFromSeed(seed[:])
	}
	return r
}

func (r *ring) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	key, ok := r.keys[id]
	if !ok {
		return nil, core.NotFound("peer.stranger", nil)
	}
	return []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, nil
}

func (r *ring) URL(_ context.Context, id core.MemberID) (string, error) { return r.urls[id], nil }

// members is what a world asks of the ring's members.
func (r *ring) members(self core.MemberID, now func() time.Time) Members {
	signer := seal.NewSigner(self, r.keys[self])
	return Members{
		Signer: signer, Keys: r.Keys,
		Calls: peer.NewClient(peer.Needs{Signer: signer, Keyring: r, Private: true, Now: now, Log: slog.New(slog.DiscardHandler)}),
		Known: func(context.Context) ([]core.MemberID, error) {
			var all []core.MemberID
			for _, id := range []core.MemberID{"chaton-a.test", "chaton-b.test", "chaton-c.test"} {
				if _, ok := r.keys[id]; ok && id != self {
					all = append(all, id)
				}
			}
			return all, nil
		},
	}
}

func (v *visitor) members() Members {
	return newRing("chaton-a.test").members("chaton-a.test", func() time.Time { return v.at })
}

// node is a hoster that answers members.
type node struct {
	*world
	x *Exchange
}

func (r *ring) node(t *testing.T, d *db.DB, id core.MemberID) node {
	t.Helper()
	w := newWorld(t, d)
	w.n.Self = id
	w.n.Box = seal.NewBox(sha256.Sum256([]byte(id)))
	w.keys = keys{w.n.Box}
	now := func() time.Time { return w.at }
	x := NewExchange(w.Service, r.members(id, now))
	handler := peer.NewHandler(peer.Needs{Signer: seal.NewSigner(id, r.keys[id]), Keyring: r, Private: true, Now: now, Log: slog.New(slog.DiscardHandler)}, x.Routes())
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	r.urls[id], w.n.URL = server.URL, server.URL
	return node{w, x}
}

// Scenario 6: a need goes on when its author wants it, and the address stays.
func TestAReferralTakesNoAddressAlong(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing("chaton-a.test", "chaton-b.test")
		other := dbtest.SQLite(t, "assembly", migrations.Files)
		a, b := r.node(t, d, "chaton-a.test"), r.node(t, other, "chaton-b.test")
		n, _ := a.tell("A calendar for the choir of Ana", planted)
		_, err := a.Publish(ctx, n.ID, "A calendar for a choir", "No form.")
		a.ok(err)
		if _, err := a.x.Pass(ctx, n.ID); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("nobody was named: %v", err)
		}
		_, err = a.Answer(ctx, n.ID, Answer{State: Elsewhere, Member: "chaton-b.test"})
		a.ok(err)
		if waiting, err := b.List(ctx, Waiting, 10, 0); err != nil || len(waiting) != 0 {
			t.Errorf("passed on by the answer alone: %v, %v", waiting, err)
		}
		link, err := a.x.Pass(ctx, n.ID)
		a.ok(err)
		again, err := a.x.Pass(ctx, n.ID)
		if err != nil || again != link {
			t.Errorf("the second time: %q, %v", again, err)
		}
		url := r.urls["chaton-b.test"]
		r.urls["chaton-b.test"] = "http://127.0.0.1:1" // away
		if again, err := a.x.Pass(ctx, n.ID); err != nil || again != link {
			t.Errorf("what was passed on is sent again: %q, %v", again, err)
		}
		r.urls["chaton-b.test"] = url
		waiting, err := b.List(ctx, Waiting, 10, 0)
		if err != nil || len(waiting) != 1 || waiting[0].Goal != "A calendar for a choir" || waiting[0].Origin != "chaton-a.test" || waiting[0].HasAddress {
			t.Fatalf("what b has: %+v, %v", waiting, err)
		}
		if text := everything(t, other); strings.Contains(text, "planted") || strings.Contains(text, "Ana") {
			t.Errorf("b's database: %s", text)
		}
		mine, err := b.ByToken(ctx, link[strings.LastIndex(link, "/")+1:])
		if err != nil || mine.ID != waiting[0].ID {
			t.Errorf("the author's link there: %v", err)
		}
		list, err := a.x.passedOn(ctx, n.ID)
		if err != nil || len(list) != 1 || list[0].Link != link {
			t.Errorf("the author's page here: %v, %v", list, err)
		}
	})
}

// A member whose key was lost takes the referral it has for what it is, and gives a link that
// is good.
func TestAReferralOutlivesTheKey(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing("chaton-a.test", "chaton-b.test")
		b := r.node(t, d, "chaton-b.test")
		text, err := json.Marshal(referral{V: 1, From: "chaton-a.test", To: "chaton-b.test", ID: strings.Repeat("A", 26), Lang: "en", Goal: "A calendar"})
		b.ok(err)
		doc, err := seal.SignDoc(typeReferral, text, seal.NewSigner("chaton-a.test", r.keys["chaton-a.test"]))
		b.ok(err)
		before, err := b.x.Take(ctx, doc, "chaton-a.test")
		b.ok(err)
		b.n.Box = seal.NewBox([32]byte{9})
		after, err := b.x.Take(ctx, doc, "chaton-a.test")
		b.ok(err)
		if list, err := b.List(ctx, Waiting, 10, 0); err != nil || len(list) != 1 || before == after {
			t.Errorf("%d wait, %v", len(list), err)
		}
		if _, err := b.ByToken(ctx, after[strings.LastIndex(after, "/")+1:]); err != nil {
			t.Errorf("the link it gave: %v", err)
		}
	})
}

// everything is all that the tables about needs hold.
func everything(t *testing.T, d *db.DB) string {
	t.Helper()
	var all []string
	for _, table := range []string{"need", "need_answer", "need_voice", "need_mail", "need_passed", "need_theirs", "need_same", "need_said"} {
		rows, err := d.QueryContext(t.Context(), "SELECT * FROM assembly_"+table)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read(t, rows)...)
	}
	return strings.Join(all, "\n")
}

func read(t *testing.T, rows *sql.Rows) (all []string) {
	t.Helper()
	defer rows.Close()
	names, err := rows.Columns()
	for err == nil && rows.Next() {
		cells := make([]any, len(names))
		for i := range cells {
			cells[i] = new(sql.RawBytes)
		}
		err = rows.Scan(cells...)
		for _, c := range cells {
			all = append(all, string(*c.(*sql.RawBytes)))
		}
	}
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	return all
}

// What a member must not be able to do with a referral.
func TestReferralsThatAreRefused(t *testing.T) {
	ctx, r := t.Context(), newRing("chaton-a.test", "chaton-b.test", "chaton-c.test")
	b := r.node(t, dbtest.SQLite(t, "assembly", migrations.Files), "chaton-b.test")
	sign := func(by core.MemberID, ref any) seal.Envelope {
		text, err := json.Marshal(ref)
		b.ok(err)
		doc, err := seal.SignDoc(typeReferral, text, seal.NewSigner(by, r.keys[by]))
		b.ok(err)
		return doc
	}
	good := referral{V: 1, From: "chaton-a.test", To: "chaton-b.test", ID: strings.Repeat("A", 26), Lang: "en", Goal: "A calendar"}
	for name, c := range map[string]struct {
		by   core.MemberID
		ref  func(r referral) any
		from core.MemberID
	}{
		"of another member":  {"chaton-c.test", func(r referral) any { return r }, "chaton-a.test"},
		"for another member": {"chaton-a.test", func(r referral) any { r.To = "chaton-c.test"; return r }, "chaton-a.test"},
		"of another id":      {"chaton-a.test", func(r referral) any { r.ID = "a/../b"; return r }, "chaton-a.test"},
		"with an address": {"chaton-a.test", func(r referral) any {
			return map[string]any{"v": 1, "from": r.From, "to": r.To, "id": r.ID, "lang": "en", "goal": r.Goal, "obstacle": "", "address": planted}
		}, "chaton-a.test"},
		"without a text": {"chaton-a.test", func(r referral) any { r.Goal = ""; return r }, "chaton-a.test"},
		"turned around":  {"chaton-a.test", func(r referral) any { r.Goal = "pay \u202eme"; return r }, "chaton-a.test"},
		"of a stranger":  {"chaton-a.test", func(r referral) any { return r }, "chaton-z.test"},
	} {
		if _, err := b.x.Take(ctx, sign(c.by, c.ref(good)), c.from); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	taken := 0
	for i := range 2 * perMember {
		good.ID = strings.Repeat("A", 24) + string(rune('A'+i/10)) + string(rune('A'+i%10))
		_, err := b.x.Take(ctx, sign("chaton-a.test", good), "chaton-a.test")
		if err == nil {
			taken++
		} else if core.CodeOf(err) != core.CodeFull {
			t.Fatal(err)
		}
	}
	if taken != perMember {
		t.Errorf("one member fills the queue: %d", taken)
	}
}

// "Asked at 3 of us, offered by 2": read from exports, grouped by hand, undone by hand.
func TestWhatIsAskedAtSeveral(t *testing.T) {
	dbtest.Each(t, "assembly", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, r := t.Context(), newRing("chaton-a.test", "chaton-b.test", "chaton-c.test")
		a := r.node(t, d, "chaton-a.test")
		b := r.node(t, dbtest.SQLite(t, "assembly", migrations.Files), "chaton-b.test")
		r.urls["chaton-c.test"] = "http://127.0.0.1:1" // away
		ours, theirs := a.published("A calendar"), b.published("An agenda")
		_, err := b.Answer(ctx, theirs.ID, Answer{State: Done, Link: "https://chaton-b.test/agenda"})
		b.ok(err)
		a.ok(a.x.Read(ctx))
		list, err := a.x.Theirs(ctx, 10)
		if err != nil || len(list) != 1 || list[0].Goal != "An agenda" || list[0].State != Done {
			t.Fatalf("read: %+v, %v", list, err)
		}
		if err := a.x.Same(ctx, ours.ID, "chaton-b.test", "NOSUCH"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("the same as nothing: %v", err)
		}
		a.ok(a.x.Same(ctx, ours.ID, "chaton-b.test", theirs.ID))
		a.ok(a.x.Same(ctx, ours.ID, "chaton-b.test", theirs.ID))
		got, err := a.x.Around(ctx, ours)
		if err != nil || got.Asked != 2 || got.Offered != 1 {
			t.Errorf("around: %+v, %v", got, err)
		}
		a.ok(a.x.Differ(ctx, ours.ID, "chaton-b.test", theirs.ID))
		if got, err := a.x.Around(ctx, ours); err != nil || got.Asked != 1 || got.Offered != 0 {
			t.Errorf("undone: %+v, %v", got, err)
		}
		a.at = a.at.Add(theirsKept + day)
		r.urls["chaton-b.test"] = "http://127.0.0.1:1"
		a.ok(a.x.Read(ctx))
		if list, err := a.x.Theirs(ctx, 10); err != nil || len(list) != 0 {
			t.Errorf("of a member that is silent: %+v, %v", list, err)
		}
	})
}

func TestTheSumAroundANeed(t *testing.T) {
	n := Need{Standing: Published, State: Elsewhere, Answers: []Answer{{State: Elsewhere, Member: "chaton-d.test"}}}
	got := around("chaton-a.test", n, []Their{
		{Member: "chaton-b.test", State: Done}, {Member: "chaton-b.test", State: Heard}, {Member: "chaton-c.test", State: Elsewhere, Offered: "chaton-b.test"}, {Member: "chaton-e.test"},
	})
	if got.Asked != 4 || got.Offered != 2 {
		t.Errorf("%+v", got)
	}
}

// FuzzExport: whatever a member publishes, what is kept of it obeys the rules of our own form.
func FuzzExport(f *testing.F) {
	f.Add(`{"salt":"x","needs":[{"id":"A","lang":"en","goal":"A calendar","month":"2026-11"}]}`)
	f.Add(`{"salt":"x","needs":[{"id":"A","goal":"A calendar","state":"merged"}]}`)
	f.Add(`{"salt":"x","needs":[{"id":"A","goal":"pay \u202eme"},{"id":"A/../b","goal":"x"},{"id":"B","goal":"x","state":"heroic"},{"id":"C","goal":"x","state":"elsewhere","member":"<b>"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var e Export
		if wire.Peek([]byte(text), &e) != nil {
			return
		}
		for _, one := range theirs("chaton-b.test", e) {
			if stranger.Check(one.Goal, MaxText) != nil || one.Goal == "" || strings.ContainsAny(one.ID, "/ \n") || one.Offered != "" && !one.Offered.Valid() || one.State != "" && !slices.Contains(States(), one.State) {
				t.Fatalf("kept: %+v", one)
			}
		}
	})
}

func TestPassingOnByPages(t *testing.T) {
	v := newVisitor(t)
	_, mine, _ := v.do(http.MethodPost, pathNew, http.StatusSeeOther, v.form("A calendar", ""))
	v.do(http.MethodPost, mine, http.StatusConflict, url.Values{"do": {"pass"}})
	v.do(http.MethodPost, mine, http.StatusBadRequest, url.Values{"do": {"address"}, "address": {"nobody"}})
	v.do(http.MethodPost, mine, http.StatusSeeOther, url.Values{"do": {"address"}, "address": {planted}})
	v.do(http.MethodPost, mine, http.StatusConflict, url.Values{"do": {"address"}, "address": {planted}})
	if got := v.deliver(); !strings.HasPrefix(got, planted) {
		t.Errorf("an address that is typed later: %q", got)
	}
	claim, sig := mailed(v.sent[0])
	v.do(http.MethodPost, pathConfirm+claim+"/"+sig, http.StatusOK, nil)
	n, err := v.ByToken(t.Context(), strings.TrimPrefix(mine, pathMine))
	v.ok(err)
	_, err = v.Publish(t.Context(), n.ID, "", "")
	v.ok(err)
	_, err = v.Answer(t.Context(), n.ID, Answer{State: Elsewhere, Member: "chaton-b.test"})
	v.ok(err)
	page, _, _ := v.do(http.MethodGet, mine, http.StatusOK, nil)
	if !strings.Contains(page, `value="pass"`) {
		t.Error("the author is not asked")
	}
}
