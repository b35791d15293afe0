package elector

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/assembly/migrations"
)

// node is a node's logbooks, and the room that knows charters: those of a town.
type node struct {
	*Service
	t       require
	w       *town
	logs    map[core.MemberID][]logbook.Entry
	read    map[core.MemberID]int // how far the reader was told
	roots   map[core.MemberID]core.RootKey
	missing bool // no room knows charters
}

// require is what a test and a rapid test have in common.
type require interface {
	Fatal(args ...any)
	Helper()
}

func newNode(t require, d *db.DB, w *town) *node {
	for _, table := range []string{"assembly_tie", "assembly_tie_log"} {
		if _, err := db.Exec(context.Background(), d, `DELETE FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	n := &node{t: t, w: w, logs: map[core.MemberID][]logbook.Entry{}, read: map[core.MemberID]int{}, roots: map[core.MemberID]core.RootKey{}}
	n.Service = New(Needs{DB: d, Book: n, Collectives: func() (Collectives, bool) { return n, !n.missing }})
	for _, tie := range w.ties {
		n.write(tie)
	}
	return n
}

// body is how the room trust writes a tie.
func body(t Tie) (typ, text string) {
	switch t.Kind {
	case Vouched:
		return typeVouch, fmt.Sprintf(`{"member":%q,"url":"https://%s","root":%q}`, t.Member, t.Member, t.Root)
	case Unvouched:
		return typeUnvouch, fmt.Sprintf(`{"member":%q}`, t.Member)
	case Joined:
		return typeJoin, fmt.Sprintf(`{"charter":%q}`, t.Charter)
	case Left:
	}
	return typeLeave, fmt.Sprintf(`{"charter":%q}`, t.Charter)
}

// write appends a tie to the logbook it names.
func (n *node) write(t Tie) {
	typ, text := body(t)
	log := n.logs[t.Log]
	n.logs[t.Log] = append(log, logbook.Entry{Log: t.Log, Index: int64(len(log)), Typ: typ, Iat: t.At, Body: []byte(text), Hash: sha256.Sum256([]byte(fmt.Sprint(t)))})
}

// cut takes back what a logbook said from an index on, as a revoked key does.
func (n *node) cut(id core.MemberID, index int) {
	n.logs[id] = n.logs[id][:index]
	if n.read[id] > index {
		n.read[id] = index
		if err := n.Readers()[0].Truncated(context.Background(), id, int64(index)); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *node) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	root, other := n.roots[id]
	if !other {
		root = rootOf(id)
	}
	if root.IsZero() {
		return logbook.Member{}, core.NotFound("logbook.unknown", errors.New("unfollowed"))
	}
	return logbook.Member{ID: id, Root: root, Size: int64(len(n.logs[id]))}, nil
}

func (n *node) Known(ctx context.Context) (out []logbook.Member, err error) {
	for id := range n.logs {
		if m, err := n.Member(ctx, id); err == nil {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b logbook.Member) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out, nil
}

func (n *node) Deliver(ctx context.Context, readers []logbook.Reader) error {
	for id, log := range n.logs {
		for _, e := range log[n.read[id]:] {
			if err := readers[0].Read(ctx, e); err != nil {
				return err
			}
		}
		n.read[id] = len(log)
	}
	return nil
}

func (n *node) Society(_ context.Context, prefix string) (Society, error) {
	if !strings.HasPrefix(charter, prefix) {
		return Society{}, core.NotFound("trust.unknown_charter", errors.New("none"))
	}
	return n.w.society(), nil
}

func (n *node) Followed(context.Context) ([]Charter, error) {
	return []Charter{n.w.society().Charter}, nil
}

func (n *node) electorate() string {
	n.t.Helper()
	d, err := n.Draw(context.Background(), charter[:6], opens)
	if err != nil {
		n.t.Fatal(err)
	}
	return electors(d)
}

func electors(d Drawn) (out string) {
	for _, e := range d.Electorate(nil) {
		out += name(e.Member)
	}
	return out
}

// newcomer is two founders and c, for whom both vouch.
func newcomer() *town {
	w := found(2, "ab")
	w.join(200, "c")
	w.vouch(200, "ac", "bc")
	return w
}

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, "assembly", migrations.Files, fn)
}

func TestTiesAreKept(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		n := newNode(t, d, newcomer())
		if got := n.electorate(); got != "abc" {
			t.Fatalf("%q", got)
		}
		n.read = map[core.MemberID]int{} // told once more
		if got := n.electorate(); got != "abc" {
			t.Fatalf("told twice: %q", got)
		}
		n.write(Tie{Log: id("b"), At: opens, Kind: Unvouched, Member: id("c")})
		if got := n.electorate(); got != "ab" {
			t.Fatalf("a vouch taken back: %q", got)
		}
		n.cut("b.test", 2)
		if got := n.electorate(); got != "abc" {
			t.Fatalf("what took it back was taken back: %q", got)
		}
		n.cut("b.test", 1)
		n.write(Tie{Log: id("b"), At: opens, Kind: Vouched, Member: id("x"), Root: rootOf("x")})
		if got := n.electorate(); got != "ab" {
			t.Fatalf("another vouch in its place: %q", got)
		}
		n.write(Tie{Log: id("b"), At: opens.Add(-Seniority), Kind: Vouched, Member: id("c"), Root: rootOf(id("c"))})
		if got := n.electorate(); got != "abc" {
			t.Fatalf("%q", got)
		}
		all, err := n.n.Book.Known(t.Context())
		drawn, err2 := n.Draw(t.Context(), charter, opens)
		if err != nil || err2 != nil || len(drawn.Heads) != 3 || drawn.Heads[1] != (Head{all[1].ID, 3}) || drawn.Charter.Name != "us" {
			t.Fatalf("%+v %v %v", drawn, err, err2)
		}
	})
}

// Another entry in a place that was read, without a word that it was taken back: what came from
// there on goes.
func TestAnotherEntryInItsPlace(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		n := newNode(t, d, newcomer())
		n.electorate()
		b := n.logs[id("b")]
		n.logs[id("b")] = b[:1]
		n.write(Tie{Log: id("b"), At: opens, Kind: Vouched, Member: id("x"), Root: rootOf("x")})
		n.read[id("b")] = 1
		if got := n.electorate(); got != "ab" {
			t.Fatalf("%q", got)
		}
	})
}

// Whoever buys a lapsed domain has another root key: what its logbook said before is not its own.
func TestALogbookUnderAnotherKey(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		n := newNode(t, d, newcomer())
		n.electorate()
		n.roots[id("b")] = rootOf("the buyer")
		n.w.other[id("b")] = rootOf("the buyer")
		if got := n.electorate(); got != "a" {
			t.Fatalf("before the buyer says anything: %q", got)
		}
		n.logs[id("b")], n.read[id("b")] = nil, 0
		n.write(Tie{Log: id("b"), At: opens, Kind: Joined, Charter: charter})
		n.write(Tie{Log: id("b"), At: opens, Kind: Vouched, Member: id("c"), Root: rootOf(id("c"))})
		if got := n.electorate(); got != "a" {
			t.Fatalf("%q", got)
		}
		n.roots[id("b")] = core.RootKey{} // not followed any more
		n.read[id("b")] = 0
		if got := n.electorate(); got != "a" {
			t.Fatalf("%q", got)
		}
	})
}

// The room that knows charters may be missing, or not know this one.
func TestNoCharters(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "assembly", migrations.Files), newcomer())
	if _, err := n.Draw(t.Context(), "beef", opens); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an unknown charter: %v", err)
	}
	if all, err := n.Service.Followed(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	n.missing = true
	if _, err := n.Draw(t.Context(), charter, opens); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("no room: %v", err)
	}
	if _, err := n.Recheck(t.Context(), Named{Charter: charter}); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("no room: %v", err)
	}
	if all, err := n.Service.Followed(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// A logbook that never stops saying something is kept up to its bound; what stands can still be
// taken back then, and nothing else is said.
func TestALogbookThatNeverStops(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", migrations.Files)
	n := newNode(t, d, newcomer())
	n.electorate()
	index := int64(2)
	say := func(q db.Querier, tie Tie) {
		tie.Log, tie.Index, tie.At = id("b"), index, opens
		if err := put(t.Context(), q, row{tie, fmt.Sprint(index)}, rootOf(id("b"))); err != nil {
			t.Fatal(err)
		}
		index++
	}
	kept := func() int64 {
		count, err := db.One(t.Context(), d, db.Int64, `SELECT COUNT(*) FROM assembly_tie WHERE log = 'b.test'`)
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	x := Tie{Kind: Vouched, Member: id("x"), Root: rootOf("x")}
	if err := d.Tx(t.Context(), func(_ context.Context, q db.Querier) error {
		for range MaxTies {
			say(q, x)
			say(q, Tie{Kind: Unvouched, Member: x.Member})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := kept(); got != MaxTies {
		t.Errorf("%d ties are kept", got)
	}
	say(d, x)
	say(d, Tie{Kind: Joined, Charter: strings.Repeat("1", 64)})
	say(d, Tie{Kind: Vouched, Member: id("c"), Root: rootOf("another")})
	if got := kept(); got != MaxTies {
		t.Errorf("%d ties are kept: something more was said", got)
	}
	n.logs[id("b")] = append(n.logs[id("b")], make([]logbook.Entry, 2*MaxTies+5)...)
	n.read[id("b")] = len(n.logs[id("b")])
	if got := n.electorate(); got != "abc" {
		t.Errorf("%q", got)
	}
	say(d, Tie{Kind: Unvouched, Member: id("c")})
	if got := n.electorate(); got != "ab" {
		t.Errorf("a vouch was taken back: %q", got)
	}
	say(d, Tie{Kind: Left, Charter: charter})
	if got := n.electorate(); got != "a" {
		t.Errorf("it left: %q", got)
	}
}

// What is kept is what the ties say, whatever was told, taken back and told again.
func TestKeptTiesAreTheTies(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", migrations.Files)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		w := random(t, 20)
		n := newNode(t, d, w)
		for range rapid.IntRange(0, 4).Draw(t, "cuts") {
			if rapid.Bool().Draw(t, "read before") {
				n.electorate()
			}
			by := id(rapid.StringMatching(`[a-e]`).Draw(t, "who"))
			n.cut(by, rapid.IntRange(0, len(n.logs[by])).Draw(t, "from"))
			if rapid.Bool().Draw(t, "goes on") {
				n.write(Tie{Log: by, At: opens.Add(-2 * Seniority), Kind: Vouched, Member: id("d"), Root: rootOf(id("d"))})
			}
		}
		var plain []Tie
		var heads []Head
		for of, log := range n.logs {
			heads = append(heads, Head{of, int64(len(log))})
			for _, e := range log {
				if tie, ok := Read(e); ok {
					plain = append(plain, tie)
				}
			}
		}
		want := Draw(w.society(), plain, heads, opens)
		got, err := n.Draw(ctx, charter, opens)
		if err != nil || fmt.Sprint(got.Candidates) != fmt.Sprint(want.Candidates) {
			t.Fatalf("%v\nkept:  %v\nplain: %v", err, got.Candidates, want.Candidates)
		}
		again := Draw(w.society(), plain, got.Heads, opens)
		if fmt.Sprint(again.Candidates) != fmt.Sprint(want.Candidates) {
			t.Fatalf("the heads leave something out:\n%v\n%v", again.Candidates, want.Candidates)
		}
	})
}

// Another node's electorate: the same from the same heads; who was added or left out is said,
// also by heads that end too early; what we have not read is no reason to warn.
func TestRecheck(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", migrations.Files)
	w := newcomer()
	w.join(200, "e")
	w.vouch(190, "ce", "ae") // of one branch
	n := newNode(t, d, w)
	own, err := n.Draw(t.Context(), charter, opens)
	if err != nil {
		t.Fatal(err)
	}
	list := own.Electorate(nil)
	short := []Head{{id("a"), 2}, {id("b"), 1}, {id("c"), 1}}
	for what, c := range map[string]struct {
		list  []Elector
		heads []Head
		want  Check
	}{
		"the same":    {list, own.Heads, Check{}},
		"asleep":      {[]Elector{list[0], {list[1].Member, list[1].Root, true}, list[2]}, own.Heads, Check{}},
		"left out":    {list[:2], own.Heads, Check{Missing: []core.MemberID{id("c")}}},
		"added":       {append(slices.Clone(list), Elector{Member: id("z")}), own.Heads, Check{Extra: []core.MemberID{id("z")}}},
		"another key": {[]Elector{list[0], {list[1].Member, rootOf("x"), false}, list[2]}, own.Heads, Check{OtherKey: []core.MemberID{id("b")}}},
		"early heads": {list[:2], short, Check{Unread: []core.MemberID{id("c")}}},
		"no head":     {list[:2], own.Heads[:2], Check{Unread: []core.MemberID{id("c")}}},
		"behind":      {list[:2], []Head{{id("a"), 9}, {id("b"), 2}, {id("y"), 1}}, Check{Behind: []core.MemberID{id("a"), id("y")}}},
	} {
		got, err := n.Recheck(t.Context(), Named{Charter: charter, At: opens, Electorate: c.list, Heads: c.heads})
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) || got.Same() != (fmt.Sprint(c.want) == fmt.Sprint(Check{})) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	// What was said after it opened is no reason to warn.
	n.write(Tie{Log: id("d"), At: opens.Add(time.Second), Kind: Joined, Charter: charter})
	n.write(Tie{Log: id("b"), At: opens.Add(time.Second), Kind: Vouched, Member: id("e"), Root: rootOf(id("e"))})
	if got, err := n.Recheck(t.Context(), Named{Charter: charter, At: opens, Electorate: list, Heads: own.Heads}); err != nil || !got.Same() {
		t.Errorf("%+v, %v", got, err)
	}
}
