package broker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

// What the rooms beside identity answer in these worlds: whom homes name for their accounts, and who
// asked their custodians.

func (s seams) Successors(_ context.Context, owner core.MemberID, _ string) ([]core.MemberID, error) {
	return s.ring[owner].heirs, nil
}

func (s seams) Settled(_ context.Context, owner, heir core.MemberID, _ string) (bool, error) {
	return slices.Contains(s.ring[owner].heirs, heir), nil
}

var askID = strings.Repeat("ab", 32)

func (s seams) Opened(_ context.Context, owner core.MemberID, scope string) (string, []byte, error) {
	if s.begged == 0 {
		return "", nil, core.NotFound("custody.evidence.not_opened", nil)
	}
	return askID, []byte(fmt.Sprint(s.id, " ", owner, " ", scope)), nil
}

func (s seams) Released(_ context.Context, heir, owner core.MemberID, scope string, text []byte) (string, core.Moment, error) {
	if string(text) != fmt.Sprint(heir, " ", owner, " ", scope) || s.ring[heir].begged == 0 {
		return "", 0, core.Denied("custody.evidence.bad", nil)
	}
	return askID, s.ring[heir].begged, nil
}

func (s seams) Carry(_ context.Context, _ db.Querier, who person.ID) (string, string, error) {
	return s.secrets[who], "", nil
}

func (s seams) Bring(_ context.Context, _ db.Querier, who person.ID, password, _ string) error {
	if password != "" {
		s.secrets[who] = password
	}
	return nil
}

func (s seams) Has(_ context.Context, _ db.Querier, who person.ID) (bool, error) {
	return s.secrets[who] != "", nil
}

// left is what a home leaves to a successor.
func (n *node) left(to *node) (left legacy.Left, text []byte) {
	n.t.Helper()
	text, err := n.moves.AccountsPack(n.t.Context(), to.id)
	n.must(err)
	n.must(wire.Decode(text, &left))
	return left, text
}

func (n *node) chooses(who person.ID, c person.Choice) {
	n.t.Helper()
	_, err := n.people.Change(n.t.Context(), who, func(p *person.Person) error { p.Choice = c; return nil })
	n.must(err)
}

// dies ends a home; c asks its custodians then.
func (n *node) dies(c *node) {
	n.died = core.At(time.Now())
	c.begged = n.died.Add(time.Millisecond)
	n.server.Close()
}

// TestTheSuccessorOfADeadHome: alice and bob of A use a service of B; A dies; C makes their accounts
// from what A left, with their passwords; B's service knows alice still.
func TestTheSuccessorOfADeadHome(t *testing.T) {
	for name, on := range map[string]engine{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) { succeeds(t, village(t, 3, on)) })
	}
}

func succeeds(t *testing.T, all []*node) {
	t.Helper()
	a, b, c := all[0], all[1], all[2]
	secret := b.service("nuage", "")
	people := map[string]person.Person{}
	for _, handle := range []string{"alice", "bob", "carol", "dora"} {
		people[handle] = a.add(handle, "")
		a.secrets[people[handle].ID] = "hash of " + handle
		a.chooses(people[handle].ID, person.HandOver)
	}
	delete(a.secrets, people["bob"].ID) // has a passkey
	if _, err := a.moves.AccountsPack(t.Context(), c.id); core.CodeOf(err) != core.CodeDenied {
		t.Error("packed for who is named for nothing:", err)
	}
	a.heirs = []core.MemberID{c.id}
	if left, _ := a.left(c); len(left.People) != 4 {
		t.Fatalf("%d people are left to C", len(left.People))
	}
	older, oldText := a.left(c)
	a.chooses(people["carol"].ID, person.Archive)
	left, text := a.left(c)
	if len(left.People) != 3 || left.People[0].Password == "" && left.People[1].Password == "" {
		t.Fatalf("%d people after one chose otherwise", len(left.People))
	}
	if same, again := a.left(c); len(same.People) != 3 || len(again) != len(text) {
		t.Error("asked twice, signed twice")
	}
	before := b.told(t, "nuage", secret, a, "alice")
	c.add("alice", "") // somebody else of this name

	if _, err := c.moves.Inherit(t.Context(), a.id, text); core.CodeOf(err) != core.CodeNotFound {
		t.Error("inherited from the living:", err)
	}
	a.dies(c)
	if _, err := b.moves.Inherit(t.Context(), a.id, text); core.CodeOf(err) == "" {
		t.Error("somebody else inherits")
	}
	forged := left
	forged.People = slices.Clone(left.People)[:2]
	short, err := wire.Encode(forged)
	c.must(err)
	if _, err := c.moves.Inherit(t.Context(), a.id, short); core.CodeOf(err) != core.CodeDenied {
		t.Error("what A did not leave:", err)
	}
	changed := left
	changed.People = slices.Clone(left.People)
	changed.People[0].Choice = string(person.Archive)
	late, err := wire.Encode(changed)
	c.must(err)
	if out, err := c.moves.Inherit(t.Context(), a.id, late); err != nil || len(out.People) != 2 {
		t.Errorf("one chose otherwise as the pack was made: %d came, %v", len(out.People), err)
	}
	out, err := c.moves.Inherit(t.Context(), a.id, text)
	c.must(err)
	var names, links []string
	for _, w := range out.People {
		if names = append(names, w.Handle); w.Address != "" {
			links = append(links, w.Handle)
		}
	}
	slices.Sort(names)
	if fmt.Sprint(names, links, len(out.Failed)) != "[alice2 bob dora] [bob] 0" {
		t.Errorf("%v came, %v choose anew, %v", names, links, out.Failed)
	}
	// Once more, and from an older pack: nobody twice, and not carol.
	for _, text := range [][]byte{text, oldText} {
		again, err := c.moves.Inherit(t.Context(), a.id, text)
		if err != nil || len(again.People) != 3 {
			t.Errorf("again: %d, %v, %v", len(again.People), err, again.Failed)
		}
	}
	if got, err := c.people.Count(t.Context()); err != nil || got[person.Local][person.Active] != 4 || len(older.People) != 4 {
		t.Errorf("%v %v", got, err)
	}
	after := b.told(t, "nuage", secret, c, "alice2")
	for _, name := range []string{"sub", "preferred_username"} {
		if after[name] != before[name] {
			t.Errorf("%s was %v, is %v", name, before[name], after[name])
		}
	}
	comesBack(t, all, before)
}

// comesBack is A, which was not dead: it takes back what C took up, and alice is at home there.
func comesBack(t *testing.T, all []*node, before map[string]any) {
	t.Helper()
	a, b, c := all[0], all[1], all[2]
	a.died = 0
	if err := a.moves.Bequeath(t.Context()); err != nil {
		t.Fatal(err)
	}
	back, err := db.One(t.Context(), b.db, db.Int64, `SELECT count(*) FROM identity_move_entry WHERE back >= 0`)
	if err != nil || back != 4 {
		t.Errorf("%d are taken back, %v", back, err)
	}
	left, text := a.left(c)
	if len(left.People) != 3 {
		t.Errorf("%d are left to C anew", len(left.People))
	}
	if _, err := c.moves.Inherit(t.Context(), a.id, text); core.CodeOf(err) != core.CodeDenied {
		t.Error("the living are inherited:", err)
	}
	p, err := a.people.Find(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	sub, _ := before["sub"].(string)
	if sub == "" || p.Status != person.Active {
		t.Error(errors.New("alice has no account at A"))
	}
}

// TestWhoAsksForAnEstate: only what was taken over is shown.
func TestWhoAsksForAnEstate(t *testing.T) {
	all := village(t, 3, dbtest.SQLite)
	err := calls{all[1]}.JSON(t.Context(), all[2].id, http.MethodPost, legacy.PathEstate, map[string]any{"home": all[0].id}, nil)
	if core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
}
