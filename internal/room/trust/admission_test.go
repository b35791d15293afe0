package trust

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// admissions lets anything happen that admission depends on, by one process of a node,
// and asks another one, which computed its answer before.
type admissions struct {
	db          *db.DB
	now         time.Time
	other, node *Room // the command line, and the node that runs
	charters    []string
	next        map[core.MemberID]int64 // where the next entry of a logbook stands
	entries     byte
}

func (a *admissions) room(t *rapid.T) (*Room, *logbook.Book) {
	clock := func() time.Time { // never so far that an answer is computed for its age
		a.now = a.now.Add(time.Microsecond)
		return a.now
	}
	quiet := slog.New(slog.DiscardHandler)
	book := logbook.New(logbook.Needs{DB: a.db, Signer: trusttest.SignerOf("a.test"), Now: clock, Log: quiet})
	room, err := New(Needs{Types: trusttest.Types(), DB: a.db, Signer: trusttest.SignerOf("a.test"), Self: addressOf("a.test"), Book: book, Follower: book, Now: clock, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return room, book
}

// others are the members beside us.
func others() []core.MemberID {
	return []core.MemberID{"b.test", "c.test", "d.test", "e.test", "f.test"}
}

// anew empties the tables and begins with everybody known and two charters.
func (a *admissions) anew(t *rapid.T) {
	ctx := context.Background()
	a.now, a.next, a.charters = time.Unix(1_800_000_000, 0), map[core.MemberID]int64{}, nil
	for _, table := range []string{"trust_seen", "trust_vouch", "trust_join", "trust_charter", "trust_member", "logbook_member", "logbook_log"} {
		a.exec(t, `DELETE FROM `+table)
	}
	a.other, _ = a.room(t)
	a.node, _ = a.room(t)
	for i := range 2 {
		c := collective.Charter{
			V: 1, Name: fmt.Sprint(i), Text: "t", Founders: []member.Address{addressOf("a.test"), addressOf("b.test")}, Admit: int64(i + 1),
			Grants: []core.Grant{{Kind: []core.GrantKind{trusttest.KindLogin, trusttest.KindWatch}[i]}}, Made: trusttest.Noon,
		}
		id, doc, err := document.Sign(collective.CharterType, c, trusttest.SignerOf("a.test"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := doc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		a.exec(t, `INSERT INTO trust_charter (id, envelope, since_us) VALUES ($1, $2, 1)`, id, text)
		a.charters = append(a.charters, id)
		a.read(t, "a.test", collective.TypeJoin, map[string]string{"charter": id})
	}
	for _, id := range others() {
		a.follow(t, id)
		for _, c := range a.charters {
			a.read(t, id, collective.TypeJoin, map[string]string{"charter": c})
		}
		a.read(t, "a.test", member.TypeVouch, addressOf(id))
	}
	if _, err := a.node.Collectives.Light(ctx, "b.test"); err != nil {
		t.Fatal(err)
	}
}

func (a *admissions) exec(t *rapid.T, statement string, args ...any) {
	if _, err := db.Exec(context.Background(), a.db, statement, args...); err != nil {
		t.Fatal(err)
	}
}

func (a *admissions) follow(t *rapid.T, id core.MemberID) {
	ctx := context.Background()
	_, book := a.room(t)
	at := addressOf(id)
	if err := book.Follow(ctx, id, at.URL, at.Root); err != nil {
		t.Fatal(err)
	}
	if err := member.Put(ctx, a.db, member.Member{Address: at, Standing: member.Met, Since: 1}); err != nil {
		t.Fatal(err)
	}
}

// read is one process reading the next entry of a logbook.
func (a *admissions) read(t *rapid.T, log core.MemberID, typ string, body any) {
	a.readAt(t, log, a.next[log], typ, body)
	a.next[log]++
}

func (a *admissions) readAt(t *rapid.T, log core.MemberID, index int64, typ string, body any) {
	text, err := wire.Encode(body)
	if err != nil {
		t.Fatal(err)
	}
	a.entries++
	e := logbook.Entry{Log: log, Index: index, Typ: typ, Iat: 1, Body: text}
	e.Hash[0], e.Hash[1] = a.entries, byte(index)
	if err := a.other.read(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

func (a *admissions) steps() map[string]func(*rapid.T) {
	who := func(t *rapid.T, what string) core.MemberID {
		return rapid.SampledFrom(append(others(), "a.test")).Draw(t, what)
	}
	other := func(t *rapid.T) core.MemberID { return rapid.SampledFrom(others()).Draw(t, "who") }
	charter := func(t *rapid.T) map[string]string {
		return map[string]string{"charter": rapid.SampledFrom(a.charters).Draw(t, "charter")}
	}
	vouch := func(t *rapid.T) {
		to := addressOf(who(t, "for"))
		if rapid.IntRange(0, 9).Draw(t, "key") == 0 {
			to.Root = trusttest.RootOf("another")
		}
		a.read(t, who(t, "by"), member.TypeVouch, to)
	}
	join := func(t *rapid.T) { a.read(t, who(t, "by"), collective.TypeJoin, charter(t)) }
	return map[string]func(*rapid.T){
		"vouch": vouch, "vouch again": vouch, "join": join, "join again": join,
		"unvouch": func(t *rapid.T) {
			given, err := member.Vouches(context.Background(), a.db)
			if err != nil {
				t.Fatal(err)
			}
			if len(given) > 0 {
				v := rapid.SampledFrom(given).Draw(t, "vouch")
				a.read(t, v.By, member.TypeUnvouch, map[string]any{"member": v.For.Member})
			}
		},
		"leave": func(t *rapid.T) { a.read(t, who(t, "by"), collective.TypeLeave, charter(t)) },
		"another entry in its place": func(t *rapid.T) {
			by := other(t)
			at := rapid.Int64Range(0, a.next[by]).Draw(t, "at")
			a.readAt(t, by, at, collective.TypeJoin, charter(t))
			a.next[by] = at + 1
		},
		"a key revoked": func(t *rapid.T) {
			by := other(t)
			a.next[by] = rapid.Int64Range(0, a.next[by]).Draw(t, "at")
			a.readAt(t, by, a.next[by], logbook.TypKeySet, map[string]string{})
			a.next[by]++
		},
		"suspended": func(t *rapid.T) {
			a.now = a.now.Add(time.Microsecond)
			a.exec(t, `UPDATE logbook_member SET forked_us = $2 WHERE id = $1`, string(other(t)), a.now.UnixMicro())
		},
		"pardoned": func(t *rapid.T) {
			a.exec(t, `UPDATE logbook_member SET forked_us = 0 WHERE id = $1`, string(other(t)))
		},
		"forgotten": func(t *rapid.T) {
			_, book := a.room(t)
			if err := book.Unfollow(context.Background(), other(t)); err != nil {
				t.Fatal(err)
			}
		},
		"followed": func(t *rapid.T) { a.follow(t, other(t)) },
		"only asks": func(t *rapid.T) {
			m := member.Member{Address: addressOf(other(t)), Standing: member.Asked, Since: 1}
			if err := member.Put(context.Background(), a.db, m); err != nil {
				t.Fatal(err)
			}
		},
		"": a.check,
	}
}

// check holds after every step: what the node answers from what it computed is what
// somebody answers who computes it now.
func (a *admissions) check(t *rapid.T) {
	now, _ := a.room(t)
	for _, id := range append(others(), "stranger.test") {
		want, err := now.Collectives.Light(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.node.Collectives.Light(context.Background(), id)
		if err != nil || !slices.EqualFunc(got, want, func(a, b core.Grant) bool { return a.Kind == b.Kind }) {
			t.Fatalf("%s: answers %v %v, computes %v", id, got, err, want)
		}
		_, may := a.node.May(context.Background(), id, trusttest.KindLogin)
		each, err := a.node.MayEach(context.Background(), []core.MemberID{id}, trusttest.KindLogin)
		if err != nil || (len(each) == 1) != (may == nil) {
			t.Fatalf("%s: MayEach says %v %v, May %v", id, each, err, may)
		}
	}
}

func TestAdmissionIsNeverOutOfDate(t *testing.T) {
	d := dbtest.SQLite(t, "logbook", logbook.Migrations())
	trusttest.OK(t, db.Migrate(t.Context(), d, "trust", migrations.Files))
	few(t)
	rapid.Check(t, func(t *rapid.T) {
		a := &admissions{db: d}
		a.anew(t)
		t.Repeat(a.steps())
	})
}

// few runs 25 histories, not rapid's 100, unless somebody says how many: each step writes
// a database.
func few(t *testing.T) {
	t.Helper()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		trusttest.OK(t, flag.Set("rapid.checks", "25"))
		t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
	}
}
