package home_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

func card(t testing.TB, issuer string, mail ...string) home.Card {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := jose.JSONWebKey{Key: private, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	other := k
	other.KeyID = "f1"
	return home.Card{
		Issuer: issuer, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}}, Federation: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{other}}, Domains: mail,
	}
}

func entry(t testing.TB, member core.MemberID, index int64, c home.Card) logbook.Entry {
	t.Helper()
	b, err := c.Body()
	if err != nil {
		t.Fatal(err)
	}
	text, err := wire.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return logbook.Entry{Log: member, Index: index, Typ: home.TypeCard, Iat: 1, Body: text}
}

func TestACardHasNoPrivateHalf(t *testing.T) {
	e := entry(t, "a.test", 0, card(t, "https://a.test"))
	if strings.Contains(string(e.Body), `"d"`) {
		t.Error(string(e.Body))
	}
	c, err := home.Parse(e, false)
	if err != nil || c.Issuer != "https://a.test" || len(c.Keys.Keys) != 1 || !c.Keys.Keys[0].IsPublic() || len(c.Federation.Keys) != 1 || !c.Federation.Keys[0].IsPublic() {
		t.Errorf("%+v, %v", c, err)
	}
	// As the version before wrote it.
	text := string(e.Body)
	e.Body = []byte(text[:strings.Index(text, `,"federation"`)] + "}")
	if c, err := home.Parse(e, false); err != nil || len(c.Keys.Keys) != 1 || len(c.Federation.Keys) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestCardsThatAreNone(t *testing.T) {
	good := string(entry(t, "a.test", 0, card(t, "https://a.test")).Body)
	x := good[strings.Index(good, `"x":"`)+5:][:43]
	for name, text := range map[string]string{
		"http":                             strings.Replace(good, "https://a.test", "http://a.test", 1),
		"a slash":                          strings.Replace(good, "https://a.test", "https://a.test/", 1),
		"a query":                          strings.Replace(good, "https://a.test", "https://a.test?x", 1),
		"a user":                           strings.Replace(good, "https://a.test", "https://b@a.test", 1),
		"a script":                         strings.Replace(good, "https://a.test", "javascript:alert(1)", 1),
		"no host":                          strings.Replace(good, "https://a.test", "https:///x", 1),
		"another curve":                    strings.Replace(good, "P-256", "P-384", 1),
		"a symmetric key":                  strings.Replace(good, `"kty":"EC"`, `"kty":"oct"`, 1),
		"not on the curve":                 strings.Replace(good, x, x[1:]+"A", 1),
		"no keys":                          `{"issuer":"https://a.test","keys":[]}`,
		"a key twice":                      strings.Replace(good, `"keys":[`, `"keys":[`+good[strings.Index(good, `{"kty"`):strings.Index(good, `]`)]+`,`, 1),
		"a domain":                         strings.TrimSuffix(good, "}") + `,"mail":["Ä.test"]}`,
		"a top-level name":                 strings.TrimSuffix(good, "}") + `,"mail":["test"]}`,
		"not JSON":                         "x",
		"a member twice":                   strings.Replace(good, `{"issuer"`, `{"issuer":"https://b.test","issuer"`, 1),
		"a thousand keys":                  strings.Replace(good, `"keys":[`, `"keys":[`+strings.Repeat(good[strings.Index(good, `{"kty"`):strings.Index(good, `]`)]+`,`, 999), 1),
		"many domains":                     strings.TrimSuffix(good, "}") + `,"mail":["a.test"` + strings.Repeat(`,"a.test"`, 20) + `]}`,
		"a federation key of another kind": strings.Replace(good, `"kid":"f1"`, `"kid":""`, 1),
		"a federation key twice":           strings.TrimSuffix(good, "]}") + `,` + good[strings.LastIndex(good, `{"kty"`):],
		"an issuer too far":                strings.Replace(good, "https://a.test", "https://a.test/"+strings.Repeat("a", 200), 1),
	} {
		if text == good {
			t.Errorf("%s: the test changes nothing", name)
		}
		if c, err := home.Parse(logbook.Entry{Body: []byte(text)}, false); err == nil {
			t.Errorf("%s is taken: %+v", name, c)
		}
	}
}

func FuzzCard(f *testing.F) {
	f.Add(entry(f, "a.test", 0, card(f, "https://a.test", "a.test")).Body)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := home.Parse(logbook.Entry{Body: text}, false)
		if err != nil {
			return
		}
		if !strings.HasPrefix(c.Issuer, "https://") || len(c.Keys.Keys) == 0 {
			t.Errorf("%+v", c)
		}
		for _, k := range slices.Concat(c.Keys.Keys, c.Federation.Keys) {
			if !k.IsPublic() || k.Algorithm != "ES256" {
				t.Errorf("%+v", k)
			}
		}
	})
}

// trust is what was promised: to whom we opened which services, and who did to us.
type trust struct {
	may     map[core.MemberID][]string
	lenders []core.Lender
}

func (w *trust) May(_ context.Context, who core.MemberID, _ core.GrantKind) (core.Allowance, error) {
	services, ok := w.may[who]
	if !ok {
		return core.Allowance{}, core.Denied("trust.no_grant", nil)
	}
	return core.Allowance{Grant: core.Grant{Kind: home.KindLogin, Names: map[string][]string{home.FieldServices: services}}}, nil
}

func (w *trust) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all := map[core.MemberID]core.Allowance{}
	for _, id := range ids {
		if a, err := w.May(ctx, id, kind); err == nil {
			all[id] = a
		}
	}
	return all, nil
}

func (w *trust) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return w.lenders, nil
}

type world struct {
	*home.Homes
	trust *trust
	at    time.Time
	dns   map[string][]string // nil value = no answer
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := &world{trust: &trust{may: map[core.MemberID][]string{}}, at: time.Unix(1_800_000_000, 0), dns: map[string][]string{}}
		w.Homes = &home.Homes{
			DB: d, Self: "me.test", Trust: w.trust, Now: func() time.Time { return w.at },
			Root: func(context.Context, core.MemberID) (core.RootKey, error) { return core.RootKey{7}, nil },
			LookupTXT: func(_ context.Context, name string) ([]string, error) {
				lines, ok := w.dns[name]
				if !ok {
					return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
				}
				if lines == nil {
					return nil, &net.DNSError{Err: "timeout", IsTimeout: true}
				}
				return lines, nil
			},
		}
		fn(t, w)
	})
}

func (w *world) read(t *testing.T, e logbook.Entry) {
	t.Helper()
	if err := w.Readers()[0].Read(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestWhoComesInAndWhereOursMay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.read(t, entry(t, "a.test", 5, card(t, "https://id.a.test")))
		w.read(t, entry(t, "a.test", 3, card(t, "https://old.a.test"))) // told again, out of order
		w.read(t, entry(t, "b.test", 0, card(t, "https://b.test")))
		w.read(t, entry(t, "me.test", 0, card(t, "https://me.test")))
		w.trust.may["a.test"], w.trust.may["b.test"], w.trust.may["silent.test"] = nil, []string{"pad"}, nil
		w.trust.lenders = []core.Lender{{ID: "b.test"}}
		for _, c := range []struct {
			id      core.MemberID
			service string
			want    string
		}{
			{"a.test", "", "<nil>"},
			{"a.test", "cloud", "<nil>"},
			{"b.test", "", "<nil>"},
			{"b.test", "pad", "<nil>"},
			{"b.test", "cloud", "identity.home.no_login"},
			{"silent.test", "", "identity.home.none"},
			{"stranger.test", "", "identity.home.none"},
		} {
			if _, err := w.Let(t.Context(), c.id, c.service); key(err) != c.want {
				t.Errorf("%s at %q: %v, want %s", c.id, c.service, err, c.want)
			}
		}
		if got, err := w.Get(t.Context(), "a.test"); err != nil || got.Issuer != "https://id.a.test" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := w.LetsUs(t.Context(), "b.test"); err != nil {
			t.Error(err)
		}
		if _, err := w.LetsUs(t.Context(), "a.test"); key(err) != "identity.home.lets_nobody" {
			t.Error(err)
		}
		in, err := w.Letting(t.Context())
		if err != nil || len(in) != 2 {
			t.Errorf("%+v, %v", in, err)
		}
		if err := w.Readers()[0].Truncated(t.Context(), "a.test", 5); err != nil { // its key was revoked from there
			t.Fatal(err)
		}
		if _, err := w.Let(t.Context(), "a.test", ""); key(err) != "identity.home.none" {
			t.Error("a card that was taken back still counts:", err)
		}
	})
}

func (w *world) admit(t *testing.T, from core.MemberID, told home.Told, most int64) (p person.Person, fresh bool, err error) {
	t.Helper()
	err = w.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
		p, fresh, err = home.Coming{Home: from, Most: most, Now: core.At(w.at)}.Admit(ctx, q, told)
		return err
	})
	return p, fresh, err
}

func TestVisitorsAreThePairOfHomeAndSub(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, fresh, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "alice", Name: "Alice", Lang: "en"}, 3)
		if err != nil || !fresh || alice.Handle != "alice.a-test" || alice.Name != "Alice" || alice.Lang != "en" || alice.Kind != person.Visitor {
			t.Fatalf("%+v, %v, %v", alice, fresh, err)
		}
		again, fresh, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "renamed", Name: "Mallory"}, 3)
		if err != nil || fresh || again.ID != alice.ID || again.Name != "Alice" || again.Handle != "alice.a-test" {
			t.Errorf("%+v, %v, %v", again, fresh, err)
		}
		other, _, err := w.admit(t, "b.test", home.Told{Sub: "s1", Handle: "alice"}, 3)
		if err != nil || other.ID == alice.ID {
			t.Errorf("another home's person with the same sub is the same here: %+v, %v", other, err)
		}
		for _, bad := range []home.Told{
			{Sub: "", Handle: "x1"},
			{Sub: "s 2", Handle: "x1"},
			{Sub: strings.Repeat("s", 65), Handle: "x1"},
			{Sub: "s2", Handle: ""},
			{Sub: "s2", Handle: "Ålice"},
			{Sub: "s2", Handle: "a\r\nb"},
			{Sub: "s1", Handle: "<script>"},
		} {
			if _, _, err := w.admit(t, "a.test", bad, 3); core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		for i := range 2 {
			if _, _, err := w.admit(t, "a.test", home.Told{Sub: fmt.Sprint("n", i), Handle: "bob", Name: "bad\u202ename"}, 3); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "n3", Handle: "bob"}, 3); key(err) != "identity.home.too_many" {
			t.Error(err)
		}
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "alice"}, 3); err != nil {
			t.Error("a full day keeps out who was here:", err)
		}
		w.at = w.at.Add(25 * time.Hour)
		// Who was here before and moved to this home takes nobody's place.
		old, _, err := w.admit(t, "b.test", home.Told{Sub: "m1", Handle: "carol"}, 3)
		if err != nil {
			t.Fatal(err)
		}
		w.at = w.at.Add(25 * time.Hour)
		err = w.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			return home.Repoint(ctx, q, home.Visitor{Home: "b.test", Sub: "m1", Person: old.ID}, home.Visitor{Home: "a.test", Sub: "m2", Handle: "carol"}, core.At(w.at))
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "n3", Handle: "bob"}, 1); err != nil {
			t.Error(err)
		}
	})
}

func TestAShutHomeEndsItsVisitors(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.read(t, entry(t, "a.test", 0, card(t, "https://a.test")))
		w.trust.may["a.test"] = nil
		alice, _, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "alice"}, 3)
		if err != nil {
			t.Fatal(err)
		}
		var ended []person.ID
		end := func(_ context.Context, _ db.Querier, v home.Visitor) error {
			ended = append(ended, v.Person)
			return nil
		}
		if err := w.Close(t.Context(), "a.test", "spam", end); err != nil {
			t.Fatal(err)
		}
		if len(ended) != 1 || ended[0] != alice.ID {
			t.Error(ended)
		}
		if _, err := w.Let(t.Context(), "a.test", ""); key(err) != "identity.home.shut" {
			t.Error(err)
		}
		w.read(t, entry(t, "a.test", 1, card(t, "https://a.test"))) // it says its card again
		if _, err := w.Let(t.Context(), "a.test", ""); key(err) != "identity.home.shut" {
			t.Error("a new card opens a shut home:", err)
		}
		if err := w.Open(t.Context(), "a.test"); err != nil {
			t.Error(err)
		}
		if err := w.Open(t.Context(), "a.test"); key(err) != "identity.home.not_shut" {
			t.Error(err)
		}
		if _, err := w.Let(t.Context(), "a.test", ""); err != nil {
			t.Error(err)
		}
	})
}

func TestMailIsVouchedForWithinProvedDomains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.read(t, entry(t, "id.a.test", 0, card(t, "https://id.a.test", "a.test", "b.test")))
		w.trust.may["id.a.test"] = nil
		ours := core.RootKey{7}.Proof()
		w.dns["_entrechat.a.test"] = []string{"v=spf1", " " + ours}
		w.dns["_entrechat.b.test"] = []string{core.RootKey{8}.Proof()}
		is := func(address string, want bool) {
			t.Helper()
			found, err := w.Get(t.Context(), "id.a.test")
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := w.Mail(t.Context(), found, address); err != nil || ok != want {
				t.Errorf("%s: %v, %v", address, ok, err)
			}
		}
		prove := func(later time.Duration) {
			t.Helper()
			w.at = w.at.Add(later)
			if err := w.Prove(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		is("x@a.test", false) // claimed, not proved yet
		is("x@id.a.test", true)
		prove(0)
		is("x@a.test", true)
		is("X@A.test", true)
		is("x@b.test", false)
		is("x@sub.a.test", false)
		is("x@evil.test", false)
		is("x@a.test\r\n@evil", false)
		w.dns["_entrechat.a.test"] = nil // no DNS answers
		prove(26 * time.Hour)
		is("x@a.test", true)
		prove(8 * 24 * time.Hour)
		is("x@a.test", false)
		w.dns["_entrechat.a.test"] = []string{ours}
		prove(2 * time.Hour)
		is("x@a.test", true)
		delete(w.dns, "_entrechat.a.test") // the domain ran out, and somebody else has it
		prove(25 * time.Hour)
		is("x@a.test", false)
	})
}

func TestAMoveKeepsThePerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, _, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "alice"}, 9)
		if err != nil {
			t.Fatal(err)
		}
		eve, _, err := w.admit(t, "c.test", home.Told{Sub: "e1", Handle: "eve"}, 9)
		if err != nil {
			t.Fatal(err)
		}
		repoint := func(from, to home.Visitor) error {
			return w.DB.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
				return home.Repoint(ctx, q, from, to, core.At(w.at))
			})
		}
		at := func(h core.MemberID, sub, handle string) home.Visitor {
			return home.Visitor{Home: h, Sub: sub, Handle: handle}
		}
		if err := repoint(at("a.test", "s1", ""), at("c.test", "e1", "eve")); key(err) != "identity.home.is_another" {
			t.Error("two people become one:", err)
		}
		if err := repoint(at("a.test", "s2", ""), at("c.test", "x1", "alice")); key(err) != "identity.home.no_visitor" {
			t.Error(err)
		}
		if err := repoint(at("a.test", "s1", ""), at("c.test", "n1", "alice")); err != nil {
			t.Fatal(err)
		}
		got, fresh, err := w.admit(t, "c.test", home.Told{Sub: "n1", Handle: "alice"}, 9)
		if err != nil || fresh || got.ID != alice.ID {
			t.Errorf("%+v, %v, %v", got, fresh, err)
		}
		if _, _, err := w.admit(t, "a.test", home.Told{Sub: "s1", Handle: "alice"}, 9); key(err) != "identity.home.moved" {
			t.Error("the old home still speaks for her:", err)
		}
		if err := repoint(at("c.test", "n1", ""), at("a.test", "s1", "alice")); err != nil { // and back
			t.Error(err)
		}
		if list, err := w.Of(t.Context(), alice.ID); err != nil || len(list) != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		if got, _, err := w.admit(t, "c.test", home.Told{Sub: "e1", Handle: "eve"}, 9); err != nil || got.ID != eve.ID {
			t.Error(got, err)
		}
	})
}

// Our own card is written when it changed, and not otherwise.
func TestTheCardIsSaidOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		said := 0
		c := card(t, "https://me.test")
		say := func(c home.Card) {
			t.Helper()
			err := w.Say(t.Context(), c, func(_ context.Context, typ string, b any) error {
				text, err := wire.Encode(b)
				if err != nil {
					return err
				}
				w.read(t, logbook.Entry{Log: "me.test", Index: int64(said), Typ: typ, Iat: 1, Body: text})
				said++
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		say(c)
		say(c)
		c.Domains = []string{"me.test"}
		say(c)
		say(c)
		if said != 2 {
			t.Error(said)
		}
	})
}
