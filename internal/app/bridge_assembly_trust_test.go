package app

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
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
	"entrechat/internal/room/assembly/elector"
	assemblytables "entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/trust"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/member"
	trusttables "entrechat/internal/room/trust/migrations"
)

// bothRooms are the rooms trust and assembly over one database, and made-up logbooks.
type bothRooms struct {
	trust.Book // what this test does not need
	db         *db.DB
	room       trustRoom
	electors   *elector.Service
	readers    [2]logbook.Reader // of trust, of assembly
	size       map[core.MemberID]int64
	said       int
	forked     core.MemberID
	charter    collective.Charter
	id         string
	doc        seal.Envelope
}

func keyFor(id core.MemberID) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(id))
	return ed25519.NewKeyFromSeed(sum[:])
}

func pinnedOf(id core.MemberID) core.RootKey {
	return core.RootKey(keyFor(id).Public().(ed25519.PublicKey)) //nolint:forcetypeassert // of an Ed25519 key
}

func reachedAt(id core.MemberID) member.Address {
	return member.Address{Member: id, URL: "https://" + string(id), Root: pinnedOf(id)}
}

// The fake logbook: whoever said something is known.

func (b *bothRooms) Known(context.Context) (out []logbook.Member, err error) {
	for id, size := range b.size {
		m := logbook.Member{ID: id, Root: pinnedOf(id), Size: size}
		if id == b.forked {
			m.State = logbook.Suspended
		}
		out = append(out, m)
	}
	return out, nil
}

func (b *bothRooms) Member(_ context.Context, id core.MemberID) (logbook.Member, error) {
	return logbook.Member{ID: id, Root: pinnedOf(id), Size: b.size[id]}, nil
}

func (b *bothRooms) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return []ed25519.PublicKey{pinnedOf(id).Public()}, nil
}

func (b *bothRooms) Deliver(context.Context, []logbook.Reader) error { return nil }

// JSON hands out the charter.
func (b *bothRooms) JSON(_ context.Context, _ core.MemberID, _, _ string, _, out any) error {
	*out.(*seal.Envelope) = b.doc //nolint:forcetypeassert // it asks for nothing else
	return nil
}

// newRooms begins anew on a database, with a charter of the founders a, b, c.
func newRooms(t require, d *db.DB, admit int64) *bothRooms {
	for _, table := range []string{"trust_seen", "trust_vouch", "trust_join", "trust_charter", "trust_member", "assembly_tie", "assembly_tie_log"} {
		if _, err := db.Exec(context.Background(), d, `DELETE FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	b := &bothRooms{db: d, size: map[core.MemberID]int64{}}
	b.charter = collective.Charter{V: 1, Name: "us", Text: "we", Admit: admit, Made: 1}
	for _, f := range "abc" {
		b.charter.Founders = append(b.charter.Founders, reachedAt(core.MemberID(f)+".test"))
	}
	payload, err := wire.Encode(b.charter)
	if err == nil {
		b.doc, err = seal.SignDoc(collective.CharterType, payload, seal.NewSigner("a.test", keyFor("a.test")))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.id = fmt.Sprintf("%x", sha256.Sum256(payload))
	room, err := trust.New(trust.Needs{
		DB: d, Types: grantTypes(), Signer: seal.NewSigner("self.test", keyFor("self.test")), Self: reachedAt("self.test"), Book: b, Caller: b,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.room = trustRoom{room}
	b.electors = elector.New(elector.Needs{DB: d, Book: b, Collectives: func() (elector.Collectives, bool) { return trustCollectives{b.room}, true }})
	b.readers = [2]logbook.Reader{room.Readers()[0], b.electors.Readers()[0]}
	return b
}

// require is what a test and a rapid test have in common.
type require interface {
	Fatal(args ...any)
}

// say has a logbook say something, and both rooms read it.
func (b *bothRooms) say(t require, by core.MemberID, typ, body string) {
	b.said++
	e := logbook.Entry{Log: by, Index: b.size[by], Typ: typ, Iat: core.Moment(b.said), Body: []byte(body), Hash: sha256.Sum256([]byte(fmt.Sprint(b.said)))}
	if b.size[by] == 0 {
		if err := member.Put(context.Background(), b.db, member.Member{Address: reachedAt(by), Standing: member.Met}); err != nil {
			t.Fatal(err)
		}
	}
	b.size[by]++
	for _, r := range b.readers {
		if !slices.Contains(r.Types, typ) {
			continue
		}
		if err := r.Read(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// compare fails where the rooms disagree about who is admitted.
func (b *bothRooms) compare(t require) (admitted int) {
	drawn, err := b.electors.Draw(context.Background(), b.id, core.At(time.Now()))
	if core.CodeOf(err) == core.CodeNotFound {
		return 0 // nobody follows the charter
	}
	c, err2 := b.room.Collectives.Get(context.Background(), b.id)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	ours, theirs := []string{}, []string{}
	for _, one := range drawn.Candidates {
		if one.Why != elector.IsSuspended {
			ours = append(ours, fmt.Sprint(one.Member, one.Founder, one.Admitted, one.Vouchers))
		}
		if one.Admitted {
			admitted++
		}
	}
	for _, one := range c.Admissions() {
		theirs = append(theirs, fmt.Sprint(one.Member, one.Founder, one.Admitted, one.By))
	}
	if !slices.Equal(ours, theirs) {
		t.Fatal(fmt.Sprintf("assembly: %s\ntrust:    %s", strings.Join(ours, " "), strings.Join(theirs, " ")))
	}
	return admitted
}

func vouchFor(id core.MemberID) string {
	return fmt.Sprintf(`{"member":%q,"url":"https://x.test","root":%q}`, id, pinnedOf(id))
}

// Whatever logbooks say, and in whatever form: the rooms trust and assembly find the same members
// admitted.
func TestBothRoomsAdmitTheSame(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", assemblytables.Files)
	if err := db.Migrate(t.Context(), d, "trust", trusttables.Files); err != nil {
		t.Fatal(err)
	}
	most := 0
	rapid.Check(t, func(t *rapid.T) {
		b := newRooms(t, d, rapid.Int64Range(1, 3).Draw(t, "admit"))
		who := rapid.Map(rapid.SampledFrom(strings.Split("abcdefgh", "")), func(s string) core.MemberID { return core.MemberID(s + ".test") })
		for _, founder := range "abc" {
			b.say(t, core.MemberID(founder)+".test", collective.TypeCharter, fmt.Sprintf(`{"charter":%q,"admit_vouches":2,"grants":[]}`, b.id))
		}
		for range rapid.IntRange(0, 30).Draw(t, "entries") {
			by, of := who.Draw(t, "by"), who.Draw(t, "of")
			switch k := rapid.IntRange(0, 19).Draw(t, "kind"); {
			case k < 8:
				b.say(t, by, member.TypeVouch, vouchFor(of))
			case k < 12:
				b.say(t, by, collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
			case k < 14:
				b.say(t, by, member.TypeUnvouch, fmt.Sprintf(`{"member":%q}`, of))
			case k < 16:
				b.say(t, by, collective.TypeLeave, fmt.Sprintf(`{"charter":%q}`, b.id))
			case k == 16: // the key of somebody else
				b.say(t, by, member.TypeVouch, strings.Replace(vouchFor(of), pinnedOf(of).String(), pinnedOf(by).String(), 1))
			case k == 17: // an address that is none, or is one
				b.say(t, by, member.TypeVouch, strings.Replace(vouchFor(of), "https://x.test", odd.Draw(t, "address"), 1))
			case k == 18: // bodies that are none
				b.say(t, by, rapid.SampledFrom(b.readers[1].Types).Draw(t, "type"), rapid.SampledFrom([]string{
					`{}`, `[]`, `null`, ``, `{"charter":"` + b.id + `","x":1}`, `{"charter":"` + strings.ToUpper(b.id) + `"}`, `{"charter":"` + b.id + `","admit_vouches":1,"grants":null}`,
					`{"charter":"` + b.id + `","charter":"` + b.id + `"}`, `{"member":"` + string(of) + `","url":"https://x.test"}`,
				}).Draw(t, "body"))
			default:
				b.forked = of
			}
		}
		most = max(most, b.compare(t))
	})
	if most < 4 {
		t.Errorf("at most %d were admitted: this test looked at nothing", most)
	}
}

// odd are addresses, good and bad.
var odd = rapid.OneOf(rapid.SampledFrom([]string{
	"", "x", "ftp://x.test", "http://x.test", "https://x.test/a", "https://x.test/?", "https://x.test/?q", "https://x.test/#f", "https://u@x.test", "https://",
	" https://x.test", "https://x.test/ ", "https://x.test/\u202e", "https://x.test/" + strings.Repeat("a", 185), "https://x.test/" + strings.Repeat("a", 186), "HTTPS://x.test", "https://x.test:99999", "https://[::1]", "https://x.test/é",
}), rapid.StringMatching(`[a-z:/?#@\[\] ]{0,12}`))

// A logbook that vouches and follows more than counts is cut off at the same place by both.
func TestBothRoomsHaveTheSameBounds(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", assemblytables.Files)
	if err := db.Migrate(t.Context(), d, "trust", trusttables.Files); err != nil {
		t.Fatal(err)
	}
	b := newRooms(t, d, 1)
	for i := range 25 {
		b.say(t, "a.test", collective.TypeJoin, fmt.Sprintf(`{"charter":"%064d"}`, i))
	}
	b.say(t, "a.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
	b.say(t, "b.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
	b.say(t, "a.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id)) // a 21st
	if n := b.compare(t); n != 1 {
		t.Fatalf("%d admitted, one founder follows more than 20", n)
	}
	b.say(t, "a.test", collective.TypeLeave, fmt.Sprintf(`{"charter":"%064d"}`, 3))
	b.say(t, "a.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
	for i := range 60 {
		of := core.MemberID(fmt.Sprintf("n%02d.test", i))
		b.say(t, of, collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
		b.say(t, "a.test", member.TypeVouch, vouchFor(of))
	}
	if n := b.compare(t); n != 52 {
		t.Fatalf("%d admitted, of two founders and 60 vouches", n)
	}
	b.say(t, "a.test", member.TypeUnvouch, `{"member":"n07.test"}`)
	b.say(t, "a.test", member.TypeVouch, vouchFor("n58.test"))
	b.say(t, "a.test", member.TypeVouch, vouchFor("n59.test"))
	if n := b.compare(t); n != 52 {
		t.Fatalf("%d admitted", n)
	}
}

// What the assembly asks of trust: the charter by the beginning of its id, and those we follow.
func TestTheAssemblyAsksForCharters(t *testing.T) {
	d := dbtest.SQLite(t, "assembly", assemblytables.Files)
	if err := db.Migrate(t.Context(), d, "trust", trusttables.Files); err != nil {
		t.Fatal(err)
	}
	b, ctx := newRooms(t, d, 2), t.Context()
	if _, err := b.electors.Draw(ctx, "c0ffee", 1); core.CodeOf(err) != core.CodeNotFound {
		t.Fatalf("an unknown charter: %v", err)
	}
	b.say(t, "a.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
	drawn, err := b.electors.Draw(ctx, b.id[:8], core.At(time.Now()))
	if err != nil || drawn.Charter.ID != b.id || drawn.Charter.Name != "us" || drawn.Charter.Admit != 2 || len(drawn.Charter.Founders) != 3 || len(drawn.Electorate(nil)) != 1 {
		t.Fatalf("%+v, %v", drawn, err)
	}
	if all, err := b.electors.Followed(ctx); err != nil || len(all) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	b.say(t, "self.test", collective.TypeJoin, fmt.Sprintf(`{"charter":%q}`, b.id))
	if all, err := b.electors.Followed(ctx); err != nil || len(all) != 1 || all[0].ID != b.id {
		t.Fatalf("%+v, %v", all, err)
	}
}
