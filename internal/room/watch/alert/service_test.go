package alert

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/migrations"
)

// town is several nodes that call each other over real, signed HTTP.
type town struct {
	t     *testing.T
	mu    sync.Mutex
	at    time.Time
	nodes map[core.MemberID]*node
	// serves are the promises to look: "voter owner".
	serves map[string]bool
	order  []core.MemberID
	inbox  []map[string]any
	hook   string
	slow   func() // what happens while a message is on its way; nil = nothing
}

type node struct {
	*Service
	town   *town
	id     core.MemberID
	server *httptest.Server
	dead   bool
	cut    bool // it reaches no other node, and none reaches it; people it does
}

func keyOf(id core.MemberID) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(id))
	return ed25519.NewKeyFromSeed(sum[:])
}

func (tn *town) clock() time.Time { tn.mu.Lock(); defer tn.mu.Unlock(); return tn.at }

// Keys and URL make the town the keyring of its nodes.
func (tn *town) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	if tn.nodes[id] == nil {
		return nil, core.NotFound("peer.unreachable", errors.New("no such member"))
	}
	return []ed25519.PublicKey{keyOf(id).Public().(ed25519.PublicKey)}, nil
}

func (tn *town) URL(_ context.Context, id core.MemberID) (string, error) {
	if n := tn.nodes[id]; n != nil && !n.dead {
		return n.server.URL, nil
	}
	return "http://127.0.0.1:1", nil
}

// Voters, Serves, Domains and Sees make a node its own view of the room.
func (n *node) Voters(_ context.Context, owner core.MemberID) (out []core.MemberID, _ error) {
	for _, id := range n.town.order {
		if id != owner && n.town.serves[string(id)+" "+string(owner)] {
			out = append(out, id)
		}
	}
	return out, nil
}

func (n *node) Serves(_ context.Context, owner core.MemberID) (bool, error) {
	return n.town.serves[string(n.id)+" "+string(owner)], nil
}

func (n *node) Sees(context.Context, core.MemberID, string) []string { return nil }

func (n *node) Domains(_ context.Context, owner core.MemberID) ([]string, error) {
	return []string{string(owner)}, nil
}

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(Words, words.Words, web.Words, peer.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newTown starts nodes of these names; each looks at all the others.
func newTown(t *testing.T, ids ...core.MemberID) *town {
	tn := &town{t: t, at: time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC), nodes: map[core.MemberID]*node{}, serves: map[string]bool{}, order: ids}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m map[string]any
		_ = json.Unmarshal(body, &m)
		if tn.slow != nil {
			tn.slow()
		}
		tn.mu.Lock()
		defer tn.mu.Unlock()
		tn.inbox = append(tn.inbox, m)
	}))
	t.Cleanup(receiver.Close)
	tn.hook = receiver.URL
	for _, id := range ids {
		for _, other := range ids {
			tn.serves[string(id)+" "+string(other)] = id != other
		}
		d := dbtest.SQLite(t, "watch", migrations.Files)
		for name, tables := range map[string]func() error{
			"peer": func() error { return db.Migrate(t.Context(), d, "peer", peer.Migrations()) },
			"web":  func() error { return db.Migrate(t.Context(), d, "web", web.Migrations()) },
		} {
			if err := tables(); err != nil {
				t.Fatal(name, err)
			}
		}
		n := &node{town: tn, id: id}
		needs := peer.Needs{Signer: seal.NewSigner(id, keyOf(id)), Keyring: tn, Private: true, DB: d, Now: tn.clock, Log: slog.New(slog.DiscardHandler)}
		n.Service = New(Needs{
			DB: d, Signer: needs.Signer, Calls: line{n, peer.NewClient(needs)}, Watch: n, Channels: channel.Needs{Private: true, Timeout: 2 * time.Second}, Words: catalogue(t),
			URL: "https://" + string(id), Now: tn.clock, Log: needs.Log,
		})
		n.server = httptest.NewServer(peer.NewHandler(needs, n.Routes()))
		t.Cleanup(n.server.Close)
		tn.nodes[id] = n
	}
	return tn
}

// pass lets time go by, second by second, at all nodes that live.
func (tn *town) pass(d time.Duration) {
	tn.t.Helper()
	for range d / time.Second {
		for _, id := range tn.order {
			if n := tn.nodes[id]; !n.dead {
				ok(tn.t, n.Deliver(tn.t.Context()))
			}
		}
		tn.mu.Lock()
		tn.at = tn.at.Add(time.Second)
		tn.mu.Unlock()
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (tn *town) kinds() string {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	var out []string
	for _, m := range tn.inbox {
		out = append(out, m["kind"].(string))
	}
	tn.inbox = nil
	return strings.Join(out, " ")
}

func (n *node) addAna() {
	t := n.town.t
	t.Helper()
	ok(t, n.AddPerson(t.Context(), contact.Person{ID: "ana", Name: "Ana", Lang: "en", Zone: "Europe/Paris", Quiet: contact.Quiet{From: "22:00", To: "07:00"}}))
	_, err := n.AddChannel(t.Context(), "ana", contact.Channel{Kind: contact.Webhook, Address: n.town.hook, Token: "geheim"}, false)
	ok(t, err)
}

func (tn *town) down(kind delivery.Kind, incident string) {
	tn.t.Helper()
	for _, n := range tn.nodes {
		if !n.dead {
			ok(tn.t, n.Tell(tn.t.Context(), delivery.Notice{Owner: "chaton-a.test", Incident: incident, Kind: kind, Level: contact.Page, At: core.At(tn.clock())}))
		}
	}
}

const a, b, c = core.MemberID("chaton-a.test"), core.MemberID("chaton-b.test"), core.MemberID("chaton-c.test")

func TestOwnerThenVotersTell(t *testing.T) {
	tn := newTown(t, a, b, c)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.down(delivery.Down, "i1")
	tn.pass(70 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Errorf("all live: %q", got)
	}
	// The owner's node is dead: the first voter tells, the second hears of it.
	tn.nodes[a].dead = true
	tn.down(delivery.Down, "i2")
	tn.pass(19 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Errorf("too early: %q", got)
	}
	tn.pass(60 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Errorf("owner dead: %q", got)
	}
	// The first voter dies too.
	tn.nodes[b].dead = true
	tn.down(delivery.Down, "i3")
	tn.pass(70 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Errorf("owner and first voter dead: %q", got)
	}
	// All come back: one recovery each.
	tn.nodes[a].dead, tn.nodes[b].dead = false, false
	for _, n := range tn.nodes {
		for _, incident := range []string{"i1", "i2", "i3"} {
			ok(t, n.Resolve(t.Context(), a, incident, core.At(tn.clock())))
		}
	}
	tn.pass(90 * time.Second)
	if got := tn.kinds(); got != "recovered recovered recovered" {
		t.Errorf("recovery: %q", got)
	}
}

// TestWhoWasAwayAsksFirst: a teller that was away when the others sent hears from them
// before it sends.
func TestWhoWasAwayAsksFirst(t *testing.T) {
	tn := newTown(t, a, b, c)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.down(delivery.Down, "i1") // known to all, and then two of them go away
	tn.nodes[a].dead, tn.nodes[c].dead = true, true
	tn.pass(30 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Fatalf("the one that is left: %q", got)
	}
	tn.pass(30 * time.Second)
	tn.nodes[a].dead, tn.nodes[c].dead = false, false
	tn.pass(60 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Errorf("those that came back: %q", got)
	}
	n := delivery.Notice{Owner: a, Incident: "i1", Kind: delivery.Down}
	var answer did
	if err := tn.nodes[a].n.Calls.JSON(t.Context(), b, http.MethodGet, PathTold+"/"+n.Key(), nil, &answer); err != nil || len(answer.Receipts) != 1 {
		t.Errorf("%+v %v", answer, err)
	}
	tn.serves["chaton-c.test chaton-a.test"] = false
	if err := tn.nodes[c].n.Calls.JSON(t.Context(), b, http.MethodGet, PathTold+"/"+n.Key(), nil, &answer); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("somebody else: %v", err)
	}
}

// TestWhoHearsOfItLateAsksFirst: an owner whose node was gone hears of the outage when the
// voters told its people already: it writes of the recovery alone.
func TestWhoHearsOfItLateAsksFirst(t *testing.T) {
	tn := newTown(t, a, b, c)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	began := core.At(tn.clock())
	tn.nodes[a].dead = true
	tn.down(delivery.Down, "i1")
	tn.pass(70 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Fatalf("the voters: %q", got)
	}
	tn.nodes[a].dead = false
	ok(t, tn.nodes[a].Tell(t.Context(), delivery.Notice{Owner: a, Incident: "i1", Kind: delivery.Down, Level: contact.Page, At: began}))
	tn.pass(5 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Errorf("who heard late sent %q again", got)
	}
	for _, n := range tn.nodes {
		ok(t, n.Resolve(t.Context(), a, "i1", core.At(tn.clock())))
	}
	tn.pass(60 * time.Second)
	if got := tn.kinds(); got != "recovered" {
		t.Errorf("recovery: %q", got)
	}
}

// TestReceiptThatWasLost: a voter that was gone for the moment in which the owner told of
// what it sent, and an owner that hears of an outage after its voters told of it, send
// nothing.
func TestReceiptThatWasLost(t *testing.T) {
	tn := newTown(t, a, b, c)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.down(delivery.Down, "i1")
	tn.nodes[b].dead, tn.nodes[c].dead = true, true
	tn.pass(3 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Fatalf("the owner: %q", got)
	}
	tn.nodes[b].dead, tn.nodes[c].dead = false, false
	tn.pass(90 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Errorf("voters that were gone for three seconds: %q", got)
	}
	tn.nodes[a].dead = true
	tn.down(delivery.Down, "i2")
	tn.pass(30 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Fatalf("the first voter: %q", got)
	}
	tn.nodes[a].dead = false
	tn.down(delivery.Down, "i2")
	tn.pass(90 * time.Second)
	if got := tn.kinds(); got != "" {
		t.Errorf("the owner that came back: %q", got)
	}
}

func TestPlanGoesToVotersOnly(t *testing.T) {
	tn := newTown(t, a, b, c)
	ctx := t.Context()
	tn.serves["chaton-c.test chaton-a.test"] = false
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].PushPlans(ctx))
	has := func(id core.MemberID) bool {
		_, ok, err := tn.nodes[id].Plan(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !has(b) || has(c) {
		t.Errorf("b has it: %v, c has it: %v", has(b), has(c))
	}
	// Who promised nothing refuses it; nobody hands over another's.
	plan, _, _ := tn.nodes[a].Plan(ctx, a)
	if err := tn.nodes[a].n.Calls.JSON(ctx, c, http.MethodPut, PathContacts, plan, nil); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("without a promise: %v", err)
	}
	if err := tn.nodes[c].n.Calls.JSON(ctx, b, http.MethodPut, PathContacts, plan, nil); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("another's plan: %v", err)
	}
	old := plan
	old.At--
	if err := tn.nodes[a].n.Calls.JSON(ctx, b, http.MethodPut, PathContacts, old, nil); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("an older plan: %v", err)
	}
	if err := tn.nodes[c].n.Calls.JSON(ctx, b, http.MethodPost, PathTold, delivery.Receipt{
		Owner: a, Key: strings.Repeat("0", 32), Person: "ana", Step: "oncall", State: "sent", At: core.At(tn.clock()),
	}, nil); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a receipt of somebody else: %v", err)
	}
	// A change is handed over; the end of the promise takes the plan away.
	ok(t, tn.nodes[a].AddPerson(ctx, contact.Person{ID: "bob", Name: "Bob", Lang: "fr"}))
	ok(t, tn.nodes[a].PushPlans(ctx))
	if got, _, _ := tn.nodes[b].Plan(ctx, a); len(got.People) != 2 {
		t.Errorf("the change did not arrive: %v", len(got.People))
	}
	tn.serves["chaton-b.test chaton-a.test"] = false
	ok(t, tn.nodes[b].PushPlans(ctx))
	if has(b) {
		t.Error("kept after the end of the promise")
	}
	tn.serves["chaton-b.test chaton-a.test"] = true
	tn.at = tn.at.Add(time.Minute)
	ok(t, tn.nodes[a].Edit(ctx, func(*contact.Plan) error { return nil }))
	ok(t, tn.nodes[a].PushPlans(ctx))
	if !has(b) {
		t.Error("not handed over again")
	}
	// Nobody left to tell: withdrawn.
	ok(t, tn.nodes[a].RemovePerson(ctx, "ana"))
	ok(t, tn.nodes[a].RemovePerson(ctx, "bob"))
	ok(t, tn.nodes[a].PushPlans(ctx))
	if has(b) {
		t.Error("an empty plan was kept")
	}
	if list, err := pushes(ctx, tn.nodes[a].n.DB); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

func TestAcknowledgedAnywhereStopsEscalation(t *testing.T) {
	tn := newTown(t, a, b)
	tn.nodes[a].addAna()
	ok(t, tn.nodes[a].Edit(t.Context(), func(p *contact.Plan) error {
		bob := p.People[0]
		bob.ID, bob.Name = "bob", "Bob"
		p.People = append(p.People, bob)
		p.Rota.Shifts = []contact.Shift{{Person: "ana", Start: "2026-11-30T00:00", Minutes: 24 * 60, Rule: "FREQ=DAILY"}}
		return nil
	}))
	ok(t, tn.nodes[a].PushPlans(t.Context()))
	tn.nodes[a].dead = true
	tn.down(delivery.Down, "i1")
	tn.pass(30 * time.Second)
	link := tn.inbox[0]["link"].(string)
	if tn.kinds() != "down" || !strings.HasPrefix(link, "https://chaton-b.test/watch/ack/") {
		t.Fatalf("link %s", link)
	}
	tn.nodes[a].dead = false
	tn.down(delivery.Down, "i1") // the owner comes back and learns of it
	tn.pass(2 * time.Second)
	d := tn.nodes[b].browser()
	path := strings.TrimPrefix(link, "https://chaton-b.test")
	if text := d.get(path); !strings.Contains(text, "I look after it") {
		t.Error(text)
	}
	if n, _ := tn.nodes[b].Recent(t.Context(), 0, 9); n[0].Acked != 0 {
		t.Error("following the link acknowledged")
	}
	d.ask(http.MethodGet, forged(path), http.StatusForbidden, nil)
	d.post(forged(path), http.StatusForbidden)
	d.post(strings.Replace(path, "/ana/", "/bob/", 1), http.StatusForbidden)
	if n, _ := tn.nodes[b].Recent(t.Context(), 0, 9); n[0].Acked != 0 {
		t.Error("a forged link acknowledged")
	}
	d.post(path, http.StatusSeeOther)
	tn.nodes[b].telling.Wait()
	// One voter's word alone: the next are put off, and the owner's node asks ana itself.
	if n, _ := tn.nodes[a].Recent(t.Context(), 0, 9); n[0].Acked != 0 {
		t.Errorf("one voter's word is enough: %+v", n)
	}
	tn.kinds()
	tn.at = tn.at.Add(31 * time.Minute)
	tn.pass(5 * time.Second)
	if len(tn.inbox) != 1 || !strings.Contains(tn.inbox[0]["text"].(string), "chaton-b.test says that it told you already") {
		t.Fatalf("%v", tn.inbox)
	}
	path = strings.TrimPrefix(tn.inbox[0]["link"].(string), "https://chaton-a.test")
	tn.nodes[a].browser().post(path, http.StatusSeeOther)
	if n, _ := tn.nodes[a].Recent(t.Context(), 0, 9); n[0].By != "ana" {
		t.Errorf("%+v", n)
	}
	tn.at = tn.at.Add(2 * time.Hour)
	tn.pass(50 * time.Second)
	if got := tn.kinds(); got != "down" {
		t.Errorf("escalated: %q", got)
	}
}

func TestMonthlyTest(t *testing.T) {
	tn := newTown(t, a)
	n := tn.nodes[a]
	n.addAna()
	for range 31 * 24 {
		ok(t, n.Rehearse(t.Context()))
		ok(t, n.Deliver(t.Context()))
		tn.at = tn.at.Add(time.Hour)
	}
	if got := tn.kinds(); got != "test" && got != "test test" {
		t.Errorf("in 31 days over two months: %q", got)
	}
	tn.at = tn.at.Add(4 * 24 * time.Hour)
	err := checks{n.Service}.checkTests(t.Context())
	if e, is := errors.AsType[*core.Error](err); !is || e.Args["People"] != "ana" {
		t.Errorf("unanswered: %v", err)
	}
	list, _ := n.Recent(t.Context(), 0, 10)
	for _, one := range list {
		_, err := n.Acknowledge(t.Context(), one.Key, "ana")
		ok(t, err)
	}
	ok(t, checks{n.Service}.checkTests(t.Context()))
}

// forged is a link, or its signature, with another signature in it.
func forged(link string) string {
	at, with := strings.LastIndex(link, "/")+1, "A"
	if link[at:at+1] == with {
		with = "B"
	}
	return link[:at] + with + link[at+1:]
}
