//go:build scale

package trust

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// What 2,000 known members cost, all of them admitted to one collective; each vouches for
// ten others, so that admission spreads from the founders in four steps.
//
//	go test -tags scale ./internal/room/trust -run XXX -bench Known
const (
	knownMembers  = 2000
	vouchesByEach = 10
)

func numbered(i int) core.MemberID { return core.MemberID(fmt.Sprintf("m%d.test", i)) }

// known is a room that knows that many, on SQLite.
func known(b *testing.B) *Room {
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "known.db"))
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	check(err)
	b.Cleanup(func() { _ = d.Close() })
	check(db.Migrate(ctx, d, "logbook", logbook.Migrations()))
	check(db.Migrate(ctx, d, "trust", migrations.Files))
	log, signer := slog.New(slog.DiscardHandler), trusttest.SignerOf("a.test")
	book := logbook.New(logbook.Needs{DB: d, Signer: signer, Now: time.Now, Log: log})
	self := addressOf("a.test")
	self.Root = trusttest.PublicRoot(trusttest.KeyFrom("root of a.test"))
	check(book.Init(ctx, trusttest.KeySet(b, "a.test", self.URL, trusttest.KeyFrom("root of a.test")), self.Root))
	room, err := New(Needs{Types: trusttest.Types(), DB: d, Signer: signer, Self: self, Book: book, Follower: book, Now: time.Now, Log: log})
	check(err)

	c := collective.Charter{
		V: 1, Name: "n", Text: "t", Founders: []member.Address{self, addressOf(numbered(0))}, Admit: 1, Made: trusttest.Noon,
		Grants: []core.Grant{{Kind: trusttest.KindLogin}},
	}
	id, doc, err := document.Sign(collective.CharterType, c, signer)
	check(err)
	text, err := doc.Encode()
	check(err)
	for i := range knownMembers {
		a := addressOf(numbered(i))
		check(book.Follow(ctx, a.Member, a.URL, a.Root))
	}
	check(d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := db.Exec(ctx, q, `INSERT INTO trust_charter (id, envelope, since_us) VALUES ($1, $2, 1)`, id, text); err != nil {
			return err
		}
		join := `INSERT INTO trust_join (log, charter, since_us, idx) VALUES ($1, $2, 1, 0)`
		if _, err := db.Exec(ctx, q, join, "a.test", id); err != nil {
			return err
		}
		for i := range knownMembers {
			a := addressOf(numbered(i))
			if err := member.Put(ctx, q, member.Member{Address: a, Standing: member.Added, Since: 1}); err != nil {
				return err
			}
			if _, err := db.Exec(ctx, q, join, string(a.Member), id); err != nil {
				return err
			}
			for j := range vouchesByEach {
				v := member.Vouch{By: a.Member, For: addressOf(numbered((i*vouchesByEach + j + 1) % knownMembers)), Since: 1}
				if err := member.PutVouch(ctx, q, v, int64(j)); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	if _, err := room.May(ctx, numbered(knownMembers-1), trusttest.KindLogin); err != nil {
		b.Fatal(err)
	}
	return room
}

func BenchmarkKnown(b *testing.B) {
	r := known(b)
	ctx := context.Background()
	last := numbered(knownMembers - 1)
	for name, ask := range map[string]func() error{
		"May_login": func() error { _, err := r.May(ctx, last, trusttest.KindLogin); return err },
		"MayEach_login": func() error {
			ids := make([]core.MemberID, knownMembers)
			for i := range ids {
				ids[i] = numbered(i)
			}
			all, err := r.MayEach(ctx, ids, trusttest.KindLogin)
			if err == nil && len(all) == 0 {
				err = errors.New("nobody may")
			}
			return err
		},
		"May_store": func() error {
			if _, err := r.May(ctx, last, trusttest.KindStore); core.CodeOf(err) != core.CodeDenied {
				return err
			}
			return nil
		},
		"Lenders": func() error { _, err := r.Lenders(ctx, trusttest.KindStore); return err },
		"Leaving": func() error { _, err := r.Leaving(ctx, trusttest.KindStore); return err },
		"Settle":  func() error { return r.Members.Settle(ctx) },
		"List":    func() error { _, err := r.Members.List(ctx); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
