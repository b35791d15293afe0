package client_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

var start = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

func service(d *db.DB) *client.Service {
	return client.New(client.Needs{DB: d, Issuer: "https://chaton-a.test", Now: func() time.Time { return start }})
}

func app(id string) client.Client {
	return client.Client{ID: id, Template: "generic", URL: "https://" + id + ".chaton-a.test", Settings: client.Settings{
		Redirects: []string{"https://" + id + ".chaton-a.test/cb"}, Alg: "RS256", PKCE: true,
	}}
}

func TestServices(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		s := service(d)
		c, secret, err := s.Add(t.Context(), app("nuage"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Add(t.Context(), app("nuage")); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("a second of one name: %v", err)
		}
		got, err := s.Get(t.Context(), "nuage")
		if err != nil || !got.Holds(secret, core.At(start)) || got.Holds(secret+"x", core.At(start)) || got.Holds("", core.At(start)) || got.Redirects[0] != c.Redirects[0] {
			t.Fatalf("%+v, %v", got, err)
		}
		next, err := s.Secret(t.Context(), "nuage", false)
		if err != nil {
			t.Fatal(err)
		}
		got, _ = s.Get(t.Context(), "nuage")
		tomorrow := core.At(start.Add(client.OldSecret))
		if !got.Holds(secret, core.At(start)) || !got.Holds(next, tomorrow) || got.Holds(secret, tomorrow) {
			t.Error("the secret before is taken for a day, no longer")
		}
		if _, err := s.Secret(t.Context(), "nuage", true); err != nil {
			t.Fatal(err)
		}
		if got, _ = s.Get(t.Context(), "nuage"); got.Holds(next, core.At(start)) {
			t.Error("a secret that others know is still taken")
		}
		if err := s.Remove(t.Context(), "nuage", true); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(t.Context(), "nuage", true); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestWhatAClientWasToldStays(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		c := app("toot")
		c.Names = client.Word
		told := func(p person.ID, handle, mail string) client.Subject {
			t.Helper()
			s, err := client.Told(t.Context(), d, c, client.Account{ID: p, Handle: handle, Mail: mail}, core.At(start))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		alice, visitor, third := person.NewID(), person.NewID(), person.NewID()
		first := told(alice, "alice.b", "alice@chaton-a.test")
		if first.Username != "alice_b" || first.Sub != string(alice) || first.Mail != "alice@chaton-a.test" {
			t.Fatalf("%+v", first)
		}
		if again := told(alice, "renamed", "other@chaton-a.test"); again != first {
			t.Errorf("told otherwise later: %+v", again)
		}
		// Another person whose handle comes to the same, with the same address.
		if s := told(visitor, "alice-b", "alice@chaton-a.test"); s.Username != "alice_b_2" || s.Mail != "" {
			t.Errorf("%+v", s)
		}
		if s := told(third, "carol", ""); s.Mail != "" {
			t.Errorf("%+v", s)
		}
		if s := told(third, "carol", "carol@chaton-a.test"); s.Mail != "carol@chaton-a.test" || s.Username != "carol" {
			t.Errorf("an address that came later: %+v", s)
		}
		if s := told(third, "carol", "new@chaton-a.test"); s.Mail != "carol@chaton-a.test" {
			t.Errorf("an address changed: %+v", s)
		}
		list, err := client.SubjectsOf(t.Context(), d, alice)
		if err != nil || len(list) != 1 || list[0] != first {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// A service with aliases is told an address of its own for each person; the mail server is
// told where each leads now, and who has left gets nothing.
func TestAliases(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		c := app("toot")
		told := func(p person.Person) client.Subject {
			t.Helper()
			s, err := client.Told(t.Context(), d, c, client.Account{ID: p.ID, Handle: p.Handle, Mail: p.Mail}, core.At(start))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		made := func(handle string) person.Person {
			t.Helper()
			var p person.Person
			err := d.Tx(t.Context(), func(ctx context.Context, q db.Querier) (err error) {
				p, err = person.Create(ctx, q, person.New{Handle: handle, Mail: handle + "@chaton-a.test"}, core.At(start))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		before, alice, bob := made("before"), made("alice"), made("bob")
		if s := told(before); s.Mail != before.Mail || s.Alias {
			t.Errorf("%+v", s)
		}
		c.Aliases = "alias.chaton-a.test"
		if s := told(alice); s.Mail != "alice.toot@alias.chaton-a.test" || !s.Alias || told(alice) != s {
			t.Errorf("%+v", s)
		}
		if s := told(before); s.Mail != before.Mail {
			t.Errorf("told otherwise later: %+v", s)
		}
		if nobody := told(person.Person{ID: person.NewID(), Handle: "nobody"}); nobody.Mail != "" {
			t.Errorf("an address that leads nowhere: %+v", nobody)
		}
		told(bob)
		if err := d.Tx(t.Context(), func(ctx context.Context, q db.Querier) error {
			_, err := person.Close(ctx, q, bob.ID, core.At(start))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		all, err := client.AliasesOf(t.Context(), d)
		if err != nil || len(all) != 1 || all[0] != (client.Alias{Alias: "alice.toot@alias.chaton-a.test", Mail: alice.Mail}) {
			t.Errorf("%+v, %v", all, err)
		}
	})
	s := service(dbtest.SQLite(t, "identity", migrations.Files))
	for _, domain := range []string{"nodot", "Upper.test", "a b.test", "é.test", "x@y.test"} {
		c := app("toot")
		c.Aliases = domain
		if _, _, err := s.Add(t.Context(), c); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q is taken: %v", domain, err)
		}
	}
}

func TestManyAtOnceGetDifferentNames(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		c := app("toot")
		var crew sync.WaitGroup
		names := make([]string, 8)
		for i := range names {
			crew.Go(func() {
				s, err := client.Told(t.Context(), d, c, client.Account{ID: person.NewID(), Handle: "alice", Mail: "a@chaton-a.test"}, core.At(start))
				if err != nil {
					t.Error(err)
				}
				names[i] = s.Username + " " + s.Mail
			})
		}
		crew.Wait()
		seen, mails := map[string]bool{}, 0
		for _, n := range names {
			name, mail, _ := strings.Cut(n, " ")
			if seen[name] {
				t.Errorf("two people are %q", name)
			}
			if seen[name] = true; mail != "" {
				mails++
			}
		}
		if mails != 1 {
			t.Errorf("%d people were told with one address", mails)
		}
	})
}

func TestSharedNames(t *testing.T) {
	d := dbtest.SQLite(t, "identity", migrations.Files)
	s := service(d)
	if _, _, err := s.Add(t.Context(), app("webmail")); err != nil {
		t.Fatal(err)
	}
	mail := app("imap")
	mail.Reads = []string{"webmail"}
	if _, _, err := s.Add(t.Context(), mail); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Get(t.Context(), "webmail"); err != nil || c.Scope() != "imap" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := s.Remove(t.Context(), "imap", false); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("names that others share are gone: %v", err)
	}
	late := app("late")
	if _, _, err := s.Add(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Told(t.Context(), d, late, client.Account{ID: person.NewID(), Handle: "alice"}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Change(t.Context(), "imap", func(c *client.Client) { c.Reads = append(c.Reads, "late") }); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("names that were told changed: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for text, good := range map[string]bool{
		"https://x.test": true, "https://x.test/a?b=c": true, "http://127.0.0.1:8000/cb": true, "http://localhost/": true, "http://[::1]:9/cb": true,
		"": false, "x.test": false, "http://x.test": false, "https://u@x.test": false, "https://x.test/#": false, "https://x.test#a": false, "javascript:alert(1)": false,
		"https://x.test/a b": false, "HTTPS://x.test": false, "https:/x.test": false, "https://x.test/\\evil": false, "data:text/html,x": false, "https:x.test": false,
		"https://" + strings.Repeat("x", 600): false,
	} {
		if _, err := client.ParseURL(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUsernamesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]client.Names{client.Plain, client.Dotted, client.Word}).Draw(t, "form")
		handle := rapid.StringMatching(`[a-z][a-z0-9._-]{1,90}`).Draw(t, "handle")
		try := rapid.IntRange(1, 100).Draw(t, "try")
		name := form.Username(handle, try)
		allowed := map[client.Names]string{client.Plain: "._-", client.Dotted: "._", client.Word: "_"}[form]
		for _, r := range name {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(allowed, r) {
				t.Fatalf("%q holds %q", name, r)
			}
		}
		if longest := map[client.Names]int{client.Plain: 60, client.Dotted: 50, client.Word: 30}[form]; len(name) > longest {
			t.Fatalf("%q is too long", name)
		}
		if other := form.Username(handle, try+1); other == name {
			t.Fatalf("%q twice", name)
		}
	})
}
