package imports

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

func read(t *testing.T, name string) ([]Record, []Finding) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	records, findings, err := Read(name, text, "")
	if err != nil {
		t.Fatal(err)
	}
	return records, findings
}

func TestLDIF(t *testing.T) {
	records, findings := read(t, "openldap.ldif")
	want := []Record{
		{Line: 13, UID: "alice", Name: "Alice Martin", Mail: "Alice@Chaton-A.test", More: []string{"a.martin@chaton-a.test"}, Hash: "{SSHA}GbageVv+Tv4LIi/Nd+kk5fchSo1zYWx0", Lang: "fr", Groups: []string{"compta"}},
		{Line: 31, UID: "Élise.Noël", Name: "Élise Noël", Mail: "elise@chaton-a.test", Hash: "{CRYPT}!"},
		{Line: 38, UID: "root", Name: "The Root", Mail: "not an address", Hash: "{PLAIN}secret"},
		{Line: 48, UID: "carol"},
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Error(diff)
	}
	keys := map[string]int{}
	for _, f := range findings {
		keys[f.Key] = f.Line
	}
	if diff := cmp.Diff(map[string]int{"identity.imports.change_left": 45, "identity.imports.url_left": 53}, keys); diff != "" {
		t.Error(diff)
	}
}

func TestCSV(t *testing.T) {
	records, findings := read(t, "fr.csv")
	want := []Record{
		{Line: 2, UID: "alice", Name: "Alice Martin", Mail: "alice@chaton-a.test", Hash: "{SSHA}GbageVv+Tv4LIi/Nd+kk5fchSo1zYWx0", Groups: []string{"compta", "bureau"}},
		{Line: 3, UID: "jean-dupont", Name: `Jean Le "Grand" Dupont`, Mail: "jean@chaton-a.test"},
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Error(diff)
	}
	if len(findings) != 1 || findings[0].Key != "identity.imports.column_left" || findings[0].Args["Name"] != "Ville" {
		t.Error(findings)
	}
	for text, uid := range map[string]string{
		"Email,Full Name\nalice@chaton-a.test,Alice\n":               "alice",
		"\uFEFFusername\tmail\r\nbob\tbob@x.test\r\n":                "bob",
		"login;pr\xe9nom;nom\ndave;J\xe9r\xf4me;L\xe9vy\n":           "dave", // Windows-1252
		"Nom d’utilisateur;E-mail\n\"carol\"\"s\";carol@x.test\n":    `carol"s`,
		"uid,displayName,mail\nerin,\"Erin\nOf Two Lines\",e@x.test": "erin",
	} {
		records, _, err := Read("x.csv", []byte(text), "")
		if err != nil || len(records) != 1 || records[0].UID != uid || strings.ContainsAny(records[0].Name, "\n\x00") {
			t.Errorf("%q: %+v, %v", text, fmt.Sprintf("%+v", records), err)
		}
		if uid == "dave" && len(records) == 1 && records[0].Name != "Jérôme Lévy" {
			t.Errorf("%q", records[0].Name)
		}
	}
}

func TestHtpasswd(t *testing.T) {
	records, _ := read(t, "htpasswd")
	if len(records) != 4 || records[1].UID != "bob" || records[1].Hash != "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=" || records[3].Line != 5 {
		t.Errorf("%d", len(records))
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for name, v := range map[string]struct {
		file, text string
		format     Format
		key        string
	}{
		"empty": {"x", "", "", "unknown"}, "binary": {"x", "\x00\x01\x02", "", "unknown"}, "prose": {"x", "hello world", "", "unknown"},
		"nobody": {"x.ldif", "dn: dc=test\nobjectClass: domain\n", "", "nobody"}, "no colon": {"x.ldif", "dn: dc=test\nhello\n", "", "bad_line"},
		"bad base64": {"x.ldif", "dn: dc=test\nuid:: !!!\n", "", "bad_line"}, "two dn": {"x.ldif", "dn: dc=test\ndn: dc=test\n", "", "bad_line"},
		"no column": {"x.csv", "a,b\nc,d\n", "", "no_column"}, "quote": {"x.csv", "uid,mail\n\"a,b\n", "", "bad_line"},
		"htpasswd": {"x", "alice\nbob\n", Htpasswd, "bad_line"}, "only comments": {".htpasswd", "# nothing\n", "", "nobody"},
		"large": {"x", strings.Repeat("a", MaxBytes+1), "", "too_big"},
		"many":  {"x", strings.Repeat("a:x\n", MaxRecords+1), Htpasswd, "too_many"},
	} {
		_, _, err := Read(v.file, []byte(v.text), v.format)
		var e *core.Error
		if core.CodeOf(err) != core.CodeInvalid || !errors.As(err, &e) || e.Key != "identity.imports."+v.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseFormat("xlsx"); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
}

func TestProposedHandles(t *testing.T) {
	taken := map[string]bool{"alice": true, "alice2": true}
	for uid, want := range map[string]string{
		"bob": "bob", "Bob": "bob", "alice": "alice3", "Élise Noël": "elise.noel", "root": "root2", "jean_dupont": "jean_dupont", "j.-p. dupont": "j.p.dupont",
		"12345": "", "123abc": "abc", "alice@chaton-a.test": "alice3", "Ω": "", "a": "", "": "", "-": "", "x..y__z": "x.y_z", "œuf": "oeuf",
		"abcdefghijklmnopqrstuvwxyzabcdefgh": "abcdefghijklmnopqrstuvwxyzabcd", "alice.a-example": "alice.a_example", "../../etc": "etc", "bob\x00": "bob",
	} {
		got, err := propose(uid, func(handle string) (bool, error) { return !taken[handle], nil })
		if got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", uid, got, err, want)
		}
		if _, err := person.ParseHandle(got); got != "" && err != nil {
			t.Errorf("%q: %v", got, err)
		}
	}
}

type world struct {
	*Service
	credentials *credential.Service
	people      *person.Service
}

func newWorld(t *testing.T, d *db.DB) world {
	now := func() time.Time { return time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC) }
	c, err := credential.New(credential.Needs{
		DB: d, Box: seal.NewBox([32]byte{1}), URL: "https://chaton-a.test", Cost: credential.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, Floor: 1, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return world{&Service{DB: d, Now: now}, c, &person.Service{DB: d, Now: now}}
}

// fates are what happens to each uid, with the handle and the keys of the findings.
func fates(p Plan) map[string]string {
	all := map[string]string{}
	for _, s := range p.Steps {
		text := string(s.Fate) + " " + s.Handle
		for _, f := range s.Findings {
			text += " " + f.Key[strings.LastIndexByte(f.Key, '.')+1:]
		}
		all[s.UID] = strings.Join(strings.Fields(text), " ")
	}
	return all
}

func TestImport(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		// Somebody of the same name is here, and is somebody else.
		other, err := w.people.Create(ctx, person.New{Handle: "carol", Lang: "fr"})
		if err != nil {
			t.Fatal(err)
		}
		records, _ := read(t, "openldap.ldif")
		want := map[string]string{
			"alice": "new alice more_mail", "Élise.Noël": "renamed elise.noel renamed hash_locked", "root": "renamed root2 bad_mail renamed hash_plain",
			"carol": "renamed carol2 renamed no_password",
		}
		would, err := w.Plan(ctx, "", records)
		if err != nil || !would.DryRun || would.Source != DefaultSource {
			t.Fatal(would.Source, err)
		}
		if diff := cmp.Diff(want, fates(would)); diff != "" {
			t.Error(diff)
		}
		if _, err := w.people.Find(ctx, "alice"); core.CodeOf(err) != core.CodeNotFound {
			t.Error("a dry run made somebody:", err)
		}
		done, err := w.Apply(ctx, "", records)
		if err != nil || done.DryRun {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, fates(done)); diff != "" {
			t.Error(diff)
		}
		if done.Counts[New] != 1 || done.Counts[Renamed] != 3 || done.Invite != 2 {
			t.Error(done.Counts, done.Invite)
		}
		alice, err := w.people.Find(ctx, "alice@chaton-a.test")
		if err != nil || alice.Handle != "alice" || alice.Name != "Alice Martin" || alice.Lang != "fr" || len(alice.Roles) != 0 {
			t.Error(alice, err)
		}
		if ok, err := w.credentials.CheckPassword(ctx, alice.ID, "trois vélos verts"); !ok || err != nil {
			t.Error("her password does not go on working:", err)
		}
		if p, err := w.people.Find(ctx, "elise.noel"); err != nil || p.Status != person.Suspended {
			t.Error(p, err)
		}
		if p, err := w.people.Find(ctx, "root2"); err != nil || p.Mail != "" || p.Is(person.Admin) {
			t.Error(p, err)
		}
		if p, err := w.people.Get(ctx, other.ID); err != nil || p.Name != "" {
			t.Error("who was here was changed:", p, err)
		}
		// Again: nobody comes twice.
		for _, run := range []func() (Plan, error){func() (Plan, error) { return w.Plan(ctx, "", records) }, func() (Plan, error) { return w.Apply(ctx, "", records) }} {
			again, err := run()
			if err != nil || again.Counts[Present] != 4 || again.Counts[New]+again.Counts[Renamed]+again.Counts[Refused] != 0 {
				t.Error(again.Counts, err)
			}
		}
		// The same people by another file: known by address, or taken for others.
		rows, _ := read(t, "fr.csv")
		csv, err := w.Apply(ctx, "csv", rows)
		if diff := cmp.Diff(map[string]string{"alice": "present same_mail", "jean-dupont": "new jean-dupont no_password"}, fates(csv)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		lines, _ := read(t, "htpasswd")
		ht, err := w.Apply(ctx, "nginx", lines)
		if diff := cmp.Diff(map[string]string{"alice": "renamed alice2 renamed", "bob": "new bob", "carol": "renamed carol3 renamed", "dave": "new dave hash_unknown"}, fates(ht)); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if _, err := w.Plan(ctx, "../x", lines); core.CodeOf(err) != core.CodeInvalid {
			t.Error(err)
		}
	})
}

func TestTwiceInAFile(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	var records []Record
	for i := range 2*perTx + 10 {
		records = append(records, Record{Line: i + 1, UID: fmt.Sprintf("person%d", i%(2*perTx)), Mail: fmt.Sprintf("p%d@x.test", i%perTx)})
	}
	done, err := w.Apply(t.Context(), "", records)
	if err != nil || done.Counts[New] != 2*perTx-perTx || done.Counts[Refused] != 10 || done.Counts[Present] != perTx {
		t.Error(done.Counts, err)
	}
	if f := done.Steps[2*perTx].Findings[0]; f.Key != "identity.imports.twice" || f.Args["Line"] != 1 {
		t.Error(f)
	}
}

// A plan that is printed or logged by mistake gives no hash.
func TestNoHashIsPrinted(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "identity", migrations.Files))
	records, _ := read(t, "openldap.ldif")
	would, err := w.Plan(t.Context(), "", records)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %v %+v %#v", records, records, records, would, would, would)
	if strings.Contains(text, "Gbage") || strings.Contains(text, "secret") {
		t.Error(text)
	}
	if reflect.DeepEqual(records[0], Record{}) {
		t.Error("nothing read")
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"openldap.ldif", "fr.csv", "htpasswd"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, format := range []Format{"", LDIF, CSV, Htpasswd} {
			records, findings, err := Read(name, text, format)
			if err != nil && core.CodeOf(err) != core.CodeInvalid {
				t.Error(err)
			}
			if len(findings) > maxFindings {
				t.Error(len(findings))
			}
			for _, r := range records {
				if r.UID == "" || r.Line < 1 || r.Line > strings.Count(string(text), "\n")+1 {
					t.Errorf("line %d of %q", r.Line, text)
				}
				if strings.ContainsAny(r.UID+r.Name+r.Mail, "\n\r\x00\u202e") {
					t.Errorf("%q", r.UID+r.Name+r.Mail)
				}
				if h, err := propose(r.UID, func(string) (bool, error) { return true, nil }); err != nil || h != "" && !valid(h) {
					t.Error(h, err)
				}
			}
		}
	})
}

func valid(handle string) bool {
	_, err := person.ParseHandle(handle)
	return err == nil
}
