package broker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/person"
)

// ring are nodes that know each other's keys and hear each other's logbooks at once.
type ring map[core.MemberID]*node

func newSigner(t testing.TB, id core.MemberID) seal.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

// join makes one ring of all.
func join(nodes ...*node) {
	all := ring{}
	for _, n := range nodes {
		all[n.id] = n
	}
	for _, n := range nodes {
		n.ring = all
	}
}

// book is a node's logbook, as moves and calls ask it.
type book struct{ n *node }

var errStranger = core.NotFound("logbook.unknown_member", errors.New("a stranger"))

func (b book) KeySet(_ context.Context, id core.MemberID) (set logbook.KeySet, _ seal.Envelope, err error) {
	n := b.n.ring[id]
	if n == nil {
		return set, seal.Envelope{}, errStranger
	}
	return logbook.KeySet{Keys: []logbook.Key{{Key: base64.StdEncoding.EncodeToString(n.signer.Public())}}}, seal.Envelope{}, nil
}

func (b book) Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	set, _, err := b.KeySet(ctx, id)
	return set.Good(), err
}

func (b book) URL(_ context.Context, id core.MemberID) (string, error) {
	if n := b.n.ring[id]; n != nil {
		return n.url, nil
	}
	return "", errStranger
}

func (b book) Append(ctx context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (e logbook.Entry, err error) {
	b.n.cards++
	e = logbook.Entry{Log: b.n.id, Index: b.n.cards, Typ: typ, Iat: core.At(time.Now())}
	if e.Body, err = wire.Encode(body); err != nil {
		return e, err
	}
	for _, id := range slices.Sorted(maps.Keys(b.n.ring)) {
		for _, reader := range b.n.ring[id].moves.Readers() {
			if !slices.Contains(reader.Types, typ) {
				continue
			}
			if err := reader.Read(ctx, e); err != nil {
				return e, err
			}
		}
	}
	return e, nil
}

// Member showed signs of life until it died.
func (b book) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	n := b.n.ring[id]
	if n == nil {
		return logbook.Member{}, errStranger
	}
	if n.died != 0 {
		return logbook.Member{ID: id, Heard: n.died}, nil
	}
	return logbook.Member{ID: id, Heard: core.At(time.Now())}, nil
}

// calls are signed requests over the network.
type calls struct{ n *node }

func (c calls) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error {
	client := peer.NewClient(peer.Needs{Signer: c.n.signer, Keyring: book(c), Private: true, Now: time.Now, Log: c.n.log})
	defer client.CloseIdle()
	return client.JSON(ctx, to, method, path, in, out)
}

func (n *node) signOut(ctx context.Context, q db.Querier, who person.ID) error {
	_, err := n.sessions.EndAll(ctx, q, who, "")
	return errors.Join(err, n.provider.EndPerson(ctx, q, who))
}

// engine opens a database.
type engine func(t testing.TB, name string, migrations fs.FS) *db.DB

// village are three or more nodes where everybody's people may sign in.
func village(t testing.TB, count int, on engine) []*node {
	nodes := make([]*node, 0, count)
	for range count {
		nodes = append(nodes, newNode(t, on(t, "identity", migrations.Files)))
	}
	join(nodes...)
	for _, n := range nodes {
		for _, other := range nodes {
			if n != other {
				n.lets(other)
			}
		}
	}
	return nodes
}

var shown = regexp.MustCompile(`<code>([A-Z2-7]{26})</code>`)

// moves has somebody who is signed in at one node in this browser move to another.
func (b *browser) moves(from, to *node, handle string) page {
	b.t.Helper()
	return b.brings(from, to, b.leaves(from, to, handle), handle)
}

// leaves has somebody prepare it at the old home: the code that opens it at the new one.
func (b *browser) leaves(from, to *node, handle string) string {
	b.t.Helper()
	p := b.walk(from.url + move.PathLeave)
	if p.at.Path == "/sign-in" {
		p = b.post(p, "/sign-in", "next", move.PathLeave, "who", handle, "password", "right")
	}
	p = b.post(p, move.PathLeave, "home", string(to.id))
	code := shown.FindStringSubmatch(p.body)
	if code == nil {
		b.t.Fatalf("no code: %d %s", p.status, text(p.body))
	}
	return code[1]
}

// brings has somebody end it at the new home.
func (b *browser) brings(from, to *node, code, handle string, more ...string) page {
	b.t.Helper()
	to.late += 5 * time.Second // strangers may have it ask once a second
	p := b.walk(to.url + move.PathArrive + "?home=" + string(from.id) + "&code=" + code)
	return b.post(p, move.PathArrive, append([]string{"home", string(from.id), "code", code, "handle", handle, "seen", "1"}, more...)...)
}

// told is what a service of a node is told of somebody whose home is another, or the same.
func (n *node) told(t testing.TB, service, secret string, at *node, handle string) map[string]any {
	t.Helper()
	who := newBrowser(t)
	p := who.opens(n, service)
	if at != n {
		p = who.goes(p, "home", string(at.id))
	}
	return n.redeem(service, secret, who.signs(p, handle, "mail", "1"))
}

// TestAMoveThatNoServiceNotices: alice of A uses services of A, B and C, moves to C, then to
// D: each service is told the same sub, username and address as before.
func TestAMoveThatNoServiceNotices(t *testing.T) {
	for name, on := range map[string]engine{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) { unnoticed(t, village(t, 4, on)) })
	}
}

func unnoticed(t *testing.T, all []*node) {
	t.Helper()
	a, b, c, d := all[0], all[1], all[2], all[3]
	card := a.card()
	card.Domains = []string{"chaton-a.test"}
	for _, n := range all {
		n.hears(a.id, card)
		n.homes.LookupTXT = func(context.Context, string) ([]string, error) { return []string{core.RootKey{}.Proof()}, nil }
		n.must(n.homes.Prove(t.Context()))
	}
	a.add("alice", "alice@chaton-a.test")
	services := []*node{a, b, c}
	secrets, before := map[*node]string{}, map[*node]map[string]any{}
	for _, n := range services {
		secrets[n] = n.service("nuage", "")
		before[n] = n.told(t, "nuage", secrets[n], a, "alice")
	}
	if before[b]["email"] != "alice@chaton-a.test" {
		t.Fatalf("%v", before[b])
	}
	same := func(at *node) {
		t.Helper()
		for i, n := range services {
			after := n.told(t, "nuage", secrets[n], at, "alice")
			for _, name := range []string{"sub", "preferred_username", "email"} {
				if after[name] != before[n][name] {
					t.Errorf("service %d, %s: %v, was %v", i, name, after[name], before[n][name])
				}
			}
		}
	}
	if p := newBrowser(t).moves(a, c, "alice"); p.status != http.StatusOK {
		t.Fatalf("%d %s %s", p.status, p.at, text(p.body))
	}
	same(c)
	// A signs her in no more, by her name or for another hoster.
	who := newBrowser(t)
	if p := who.post(who.walk(a.url+"/sign-in"), "/sign-in", "who", "alice", "password", "right"); p.at.Path != "/sign-in" || p.status == http.StatusOK {
		t.Errorf("%d %s", p.status, p.at)
	}
	if p := newBrowser(t).moves(c, d, "alice"); p.status != http.StatusOK {
		t.Fatalf("%d %s %s", p.status, p.at, text(p.body))
	}
	same(d)
	// And home again.
	if p := newBrowser(t).moves(d, a, "alice"); p.status != http.StatusOK {
		t.Fatalf("%d %s %s", p.status, p.at, text(p.body))
	}
	same(a)
}

// is says whose account a handle is at a node, and where.
func (n *node) is(handle string, kind person.Kind) bool {
	p, err := n.people.Find(n.t.Context(), handle)
	return err == nil && p.Kind == kind && p.Status == person.Active
}

func TestMovesThatAreRefused(t *testing.T) {
	all := village(t, 4, dbtest.SQLite)
	a, b, c, d := all[0], all[1], all[2], all[3]
	a.add("alice", "")
	secret := b.service("nuage", "")
	before := b.told(t, "nuage", secret, a, "alice")
	who := newBrowser(t)
	code := who.leaves(a, c, "alice")
	refused := func(what string, p page) {
		t.Helper()
		// Ten seconds later: what is refused is not refused for coming too often.
		a.late, c.late = a.late+10*time.Second, c.late+10*time.Second
		if strings.Contains(p.body, "Too many come at once") || p.status < 400 || !a.is("alice", person.Local) || c.is("alice", person.Local) {
			t.Errorf("%s: %d %s %s", what, p.status, p.at, text(p.body))
		}
	}
	mallory := newBrowser(t)
	refused("at another member", mallory.brings(a, d, code, "alice"))
	refused("of another home", mallory.brings(b, c, code, "alice"))
	refused("a code that is none", mallory.brings(a, c, "AAAAAAAAAAAAAAAAAAAAAAAAAA", "alice"))
	refused("not the form of one", mallory.brings(a, c, "x' OR 1=1", "alice"))
	for _, handle := range []string{"аlice", "alice\u200b", "root", "alice.chaton-a", "a"} {
		refused(handle, mallory.brings(a, c, code, handle))
	}
	// What members say past the pages.
	post := func(n *node, document string) error {
		body := map[string]any{"document": document, "sub": "x1", "handle": "alice"}
		return calls{n}.JSON(t.Context(), a.id, http.MethodPost, "/ec/v1/identity/move/done", body, nil)
	}
	var open struct {
		Release string `json:"release"`
	}
	a.must(calls{c}.JSON(t.Context(), a.id, http.MethodPost, "/ec/v1/identity/move/open", map[string]any{"code": code}, &open))
	forge := func(by *node, alter func(env *seal.Envelope)) string {
		env, err := seal.DecodeEnvelope([]byte(open.Release))
		a.must(err)
		alter(&env)
		a.must(env.AddSignature(by.signer))
		text, err := env.Encode()
		a.must(err)
		return string(text)
	}
	for what, err := range map[string]error{
		"the release that A alone signed": post(c, open.Release),
		"another member signs it":         post(d, forge(d, func(*seal.Envelope) {})),
		"another member posts it":         post(d, forge(c, func(*seal.Envelope) {})),
		"A did not sign it":               post(c, forge(c, func(env *seal.Envelope) { env.Signatures = nil })),
		"another text":                    post(c, forge(c, func(env *seal.Envelope) { env.Payload = env.Payload[4:] })),
		"nothing":                         post(c, ""),
	} {
		if err == nil || !a.is("alice", person.Local) {
			t.Errorf("%s: taken", what)
		}
	}
	// Nothing happens before the page has said whose account it is.
	c.late += 10 * time.Second
	p := mallory.post(mallory.walk(c.url+move.PathArrive), move.PathArrive, "home", string(a.id), "code", code)
	if p.status != http.StatusOK || !strings.Contains(p.body, "the account alice of") || !a.is("alice", person.Local) {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	if p := mallory.walk(c.url + move.PathArrive + "?home=" + string(a.id) + "&code=AAAAAAAAAAAAAAAAAAAAAAAAAA"); strings.Contains(p.body, "alice") || !strings.Contains(p.body, `role="alert"`) {
		t.Errorf("%d %s", p.status, text(p.body))
	}
	// Too late.
	a.late, c.late = 2*time.Hour, 2*time.Hour
	refused("too late", mallory.brings(a, c, code, "alice"))
	c.late = 0
	refused("too late at home", mallory.brings(a, c, code, "alice"))
	a.late = 0
	// The one that is right, and then nobody gets in by it again.
	if p := who.brings(a, c, code, "alice"); p.status != http.StatusOK || !c.is("alice", person.Local) || a.is("alice", person.Local) {
		t.Fatalf("%d %s", p.status, text(p.body))
	}
	if p := mallory.brings(a, c, code, "alice"); p.status < 400 {
		t.Errorf("a code taken twice: %d %s", p.status, p.at)
	}
	// C was expelled before B met her there, and let in again.
	b.trust.may[c.id] = false
	late := newBrowser(t)
	if p := late.goes(late.opens(b, "nuage"), "home", string(c.id)); p.arrived() {
		t.Error("a member that was expelled")
	}
	b.trust.may[c.id] = true
	if after := b.told(t, "nuage", secret, c, "alice"); after["sub"] != before["sub"] {
		t.Errorf("%v, was %v", after, before)
	}
}

func TestWhoMayNotLeave(t *testing.T) {
	all := village(t, 3, dbtest.SQLite)
	a, b, c := all[0], all[1], all[2]
	p := a.add("alice", "")
	_, err := a.people.Change(t.Context(), p.ID, func(p *person.Person) error { p.Roles = []person.Role{person.Admin}; return nil })
	a.must(err)
	if _, err := a.moves.Offer(t.Context(), move.Asked{Who: p.ID, To: c.id}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("an admin: %v", err)
	}
	bob := a.add("bob", "")
	for _, to := range []core.MemberID{a.id, "stranger.test", ""} {
		if _, err := a.moves.Offer(t.Context(), move.Asked{Who: bob.ID, To: to}); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("to %q: %v", to, err)
		}
	}
	// Without a session, and as a visitor.
	who := newBrowser(t)
	if p := who.walk(a.url + move.PathLeave); p.at.Path != "/sign-in" {
		t.Errorf("%s", p.at)
	}
	b.service("nuage", "")
	if p := who.signs(who.goes(who.opens(b, "nuage"), "home", string(a.id)), "bob"); !p.arrived() {
		t.Fatalf("%d %s", p.status, p.at)
	}
	if p := who.walk(b.url + move.PathLeave); p.status < 400 {
		t.Errorf("a visitor leaves: %d %s", p.status, p.at)
	}
}

// TestAHosterCloses: A signs its people over to C, but for those who did not want it; each
// finds an account at C, and B knows them.
func TestAHosterCloses(t *testing.T) {
	for name, on := range map[string]engine{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) { closes(t, village(t, 3, on)) })
	}
}

func closes(t *testing.T, all []*node) {
	t.Helper()
	a, b, c := all[0], all[1], all[2]
	secret := b.service("nuage", "")
	c.add("person3", "") // a name that is taken
	var handles []string
	for i := range 25 {
		choice := person.HandOver
		if i%5 == 0 {
			choice = person.Archive
		}
		handles = append(handles, fmt.Sprintf("person%d", i))
		_, err := a.people.Create(t.Context(), person.New{Handle: handles[i], Choice: choice})
		a.must(err)
	}
	before := b.told(t, "nuage", secret, a, "person3")
	if n, err := a.moves.List(t.Context(), c.id); err != nil || n != 20 {
		t.Fatalf("%d, %v", n, err)
	}
	came, failed, err := c.moves.TakeList(t.Context(), a.id)
	if err != nil || len(came) != 20 || len(failed) != 0 {
		t.Fatalf("%d, %v, %v", len(came), failed, err)
	}
	if !a.is("person0", person.Local) || a.is("person1", person.Local) || c.is("person0", person.Local) || !c.is("person32", person.Local) {
		t.Error("not those who chose it")
	}
	if after := b.told(t, "nuage", secret, c, "person32"); after["sub"] != before["sub"] || after["preferred_username"] != before["preferred_username"] {
		t.Errorf("%v, was %v", after, before)
	}
	again, failed, err := c.moves.TakeList(t.Context(), a.id)
	if err != nil || len(again) != 0 || len(failed) != 0 {
		t.Errorf("%v, %v, %v", again, failed, err)
	}
	views, err := a.moves.Views(t.Context())
	if err != nil || len(views) != 20 || views[0].State != "told" || views[0].Way != "out" {
		t.Errorf("%+v, %v", views, err)
	}
}

// TestTheOldHomeDoesNotAnswer: what was begun is ended by the job, or given up.
func TestTheOldHomeDoesNotAnswer(t *testing.T) {
	all := village(t, 3, dbtest.SQLite)
	a, c := all[0], all[2]
	a.add("alice", "")
	a.add("bob", "")
	down := true
	a.meddle = func(w http.ResponseWriter, r *http.Request) bool {
		if down && r.URL.Path == "/ec/v1/identity/move/done" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	for _, handle := range []string{"alice", "bob"} {
		if p := newBrowser(t).moves(a, c, handle); p.status < 500 || !a.is(handle, person.Local) || c.is(handle, person.Local) {
			t.Errorf("%d %s", p.status, text(p.body))
		}
	}
	c.must(c.moves.Resume(t.Context()))
	down = false
	c.must(c.moves.Resume(t.Context()))
	if a.is("alice", person.Local) || !c.is("alice", person.Local) {
		t.Error("alice did not come")
	}
	// One that A never hears of ends.
	a.add("carol", "")
	down = true
	newBrowser(t).moves(a, c, "carol")
	a.late, c.late = 3*time.Hour, 3*time.Hour
	c.must(c.moves.Resume(t.Context()))
	down = false
	c.must(c.moves.Resume(t.Context()))
	if !a.is("carol", person.Local) || c.is("carol", person.Local) {
		t.Error("carol came")
	}
}
