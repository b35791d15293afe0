package rescue

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/whose"
)

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%.1500s", want, text)
		}
	}
}

// TestWhoMayOpen: refused before anything is fetched.
func TestWhoMayOpen(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.broken = core.Unsure("test", os.ErrInvalid) // the vault is never reached
	try := func(change func(o *Opening), code core.Code, key string) {
		t.Helper()
		o := w.opening()
		change(&o)
		_, err := w.s.Open(t.Context(), o)
		if core.CodeOf(err) != code || !strings.Contains(err.Error(), key) && key != "" {
			t.Errorf("%v, not %s %s", err, code, key)
		}
	}
	try(func(o *Opening) { o.Service = "mail" }, core.CodeDenied, "")
	try(func(o *Opening) { o.Owner = "chaton-c.test" }, core.CodeDenied, "")
	w.silent = false
	try(func(*Opening) {}, core.CodeDenied, "")
	w.silent = true
	since := w.named[0].Since
	w.named[0].Since = core.At(w.at.Add(-29 * 24 * time.Hour))
	try(func(*Opening) {}, core.CodeDenied, "")
	w.named[0].Since = since
	try(func(o *Opening) { o.Pointers = nil }, core.CodeInvalid, "")
	try(func(o *Opening) { o.Pointers = [][]byte{[]byte(`{"owner":"chaton-c.test","backup":"cloud"}`)} }, core.CodeInvalid, "")
	sealed := w.sealed
	w.sealed = ""
	try(func(*Opening) {}, core.CodeNotFound, "")
	w.sealed = sealed
	try(func(*Opening) {}, core.CodeUnsure, "") // all of it is well: the vault is asked
	if len(w.log) != 0 {
		t.Errorf("said in the logbook: %v", w.log)
	}
}

// TestTwoPeople: the owner is gone, the successor opens, two people fetch theirs and not the
// other's; nothing of the data changes.
func TestTwoPeople(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		o := w.open()
		if o.People != 3 || o.NoMail != 1 || o.Hidden != 2 || o.Removed != 1 || len(w.log) != 1 || w.log[0].Typ != TypeRescue {
			t.Errorf("%+v %v", o.Rescue, w.log)
		}
		if _, err := os.Stat(filepath.Join(w.s.Records.Folder(owner, "cloud"), "repo-cloud")); !os.IsNotExist(err) {
			t.Errorf("the repository is left: %v", err)
		}
		before := w.hash()
		alice, bob, nobody := w.browser(), w.browser(), w.browser()
		contains(t, nobody.get("/rescue"), "chaton-a.test", "read only, as of")
		front := nobody.get("/rescue/chaton-a.test/")
		contains(t, front, "read only, as of", "Wiki")
		wiki := nobody.href(front, "/of/")
		contains(t, nobody.get(wiki+"start.txt"), "====== Welcome ======", "&lt;b&gt;not bold&lt;/b&gt;")

		mine := alice.in("alice@x.test")
		contains(t, mine, "Files", "Mail", "Calendar", "Git")
		w.reads(alice, mine)
		theirs := bob.in("bob@x.test")
		contains(t, bob.get(bob.href(theirs, "/of/")), "secret.txt")
		// What is alice's is not there for bob, nor for nobody, whatever they ask.
		for _, part := range regexp.MustCompile(`href="(/rescue/[^"]+)"`).FindAllStringSubmatch(mine, -1) {
			path := strings.ReplaceAll(part[1], "&amp;", "&")
			if !regexp.MustCompile(`/(of|zip|one|mail)/`).MatchString(path) || strings.HasPrefix(path, wiki) || strings.Contains(path, strings.Split(wiki, "/")[4]) {
				continue
			}
			for name, b := range map[string]browser{"bob": bob, "nobody": nobody} {
				if status, text, _ := b.do(http.MethodGet, path, nil); status != http.StatusNotFound || strings.Contains(text, "alice writes") {
					t.Errorf("%s gets %s: %d", name, path, status)
				}
			}
		}
		if after := w.hash(); after != before {
			t.Error("the data changed")
		}
		r, err := w.s.Close(t.Context(), owner, "cloud")
		w.must(err)
		if r.Visited != 2 || len(r.Counts) < 5 || r.State != record.Ended || w.log[len(w.log)-1].Typ != TypeEnd {
			t.Errorf("%+v", r)
		}
		if status, _, _ := alice.do(http.MethodGet, alice.href(mine, "/of/"), nil); status != http.StatusNotFound {
			t.Errorf("still readable: %d", status)
		}
		for _, e := range w.log {
			if strings.Contains(string(e.Body), "alice") || strings.Contains(string(e.Body), "bob") {
				t.Errorf("a person in the logbook: %s", e.Body)
			}
		}
		w.must(w.s.Erase(t.Context(), owner, "cloud"))
		if _, err := os.Stat(w.s.Records.Folder(owner, "cloud")); !os.IsNotExist(err) {
			t.Errorf("data are left: %v", err)
		}
	})
}

// reads takes all away that one person has.
func (w *world) reads(alice browser, mine string) {
	w.Helper()
	folder := alice.get(alice.href(mine, "/of/"))
	contains(w.T, folder, "notes.txt", "deep", "page.html")
	if strings.Contains(folder, `/link"`) {
		w.Error("a link is listed")
	}
	at := alice.href(mine, "/of/")
	if text := alice.get(at + "notes.txt"); text != "alice writes\n" {
		w.Errorf("%q", text)
	}
	_, _, head := alice.do(http.MethodGet, at+"page.html", nil)
	if head.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") || !strings.Contains(head.Get("Content-Security-Policy"), "sandbox") {
		w.Errorf("%v", head)
	}
	whole := alice.get(alice.href(mine, "/zip/"))
	z, err := zip.NewReader(bytes.NewReader([]byte(whole)), int64(len(whole)))
	w.must(err)
	if len(z.File) != 3 {
		w.Errorf("%d files in the zip", len(z.File))
	}
	mail := alice.get(alice.href(mine, "/mail/"))
	contains(w.T, mail, "For Alice", "New")
	contains(w.T, alice.get(alice.href(mail, "/mbox/")), "Subject: For Alice\n\n>From here on\n", "Subject: New\n")
	contains(w.T, alice.get(alice.href(mail, "/message/")), "unread")
	if dates := alice.get(alice.href(mine, "/one/")); strings.Count(dates, "BEGIN:VCALENDAR") != 2 {
		w.Errorf("%q", dates)
	}
	w.programs(alice)
}

// programs reads by WebDAV and git, with a password for programs.
func (w *world) programs(alice browser) {
	w.Helper()
	_, page, _ := alice.do(http.MethodPost, "/rescue/chaton-a.test/password", nil)
	m := regexp.MustCompile(`class="token">([A-Z2-7]+)<`).FindStringSubmatch(page)
	if m == nil {
		w.Fatal(page)
	}
	base := strings.Replace(w.server.URL, "http://", "http://any:"+m[1]+"@", 1)
	got := w.shell(w.dir, "curl", "-sS", "-X", "PROPFIND", "-H", "Depth: 1", base+"/rescue/chaton-a.test/dav/cloud-files/")
	contains(w.T, got, "notes.txt", "<D:collection>")
	if text := w.shell(w.dir, "curl", "-sS", base+"/rescue/chaton-a.test/dav/cloud-files/notes.txt"); text != "alice writes\n" {
		w.Errorf("%q", text)
	}
	for _, words := range [][]string{{"-T", "/etc/hostname"}, {"-X", "DELETE"}, {"-X", "MKCOL"}, {"-X", "LOCK"}} {
		code := w.shell(w.dir, "curl", append(words, "-sS", "-o", "/dev/null", "-w", "%{http_code}", base+"/rescue/chaton-a.test/dav/cloud-files/notes.txt")...)
		if code != "405" {
			w.Errorf("%v: %s", words, code)
		}
	}
	if code := w.shell(w.dir, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", w.server.URL+"/rescue/chaton-a.test/dav/"); code != "401" {
		w.Errorf("without a password: %s", code)
	}
	items, err := w.s.Records.Mine(w.Context(), owner, w.s.Records.WhoMail(owner, "alice@x.test"))
	w.must(err)
	for _, it := range items {
		if it.Kind == "git" {
			w.shell(w.dir, "git", "clone", "-q", base+"/rescue/chaton-a.test/git/"+it.ID+"/tool.git", filepath.Join(w.dir, "cloned", strings.ReplaceAll(w.Name(), "/", "_")))
		}
	}
}

// TestHostileVisitor tries what strangers try.
func TestHostileVisitor(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.open()
	before := w.hash()
	alice, thief := w.browser(), w.browser()
	link := alice.link("alice@x.test")
	_, code, _ := strings.Cut(link, "code=")
	for range 5 { // a scanner of mails opens the link, and signs nobody in
		contains(t, thief.get(link), "Show my data")
	}
	if status, _, _ := thief.do(http.MethodGet, "/rescue/chaton-a.test/mine", nil); status != http.StatusForbidden {
		t.Errorf("a GET signed somebody in: %d", status)
	}
	if status, _, _ := alice.do(http.MethodPost, "/rescue/in", url.Values{"code": {code}}); status != http.StatusOK {
		t.Errorf("the person came second: %d", status)
	}
	for _, bad := range []string{code, "", "A", strings.Repeat("A", 26), "' OR 1=1 --", strings.ToLower(code)} {
		if status, _, _ := thief.do(http.MethodPost, "/rescue/in", url.Values{"code": {bad}}); status != http.StatusForbidden {
			t.Errorf("code %q: %d", bad, status)
		}
	}
	// An address nobody has, and one that somebody has: the same answer, and no mail to what was typed.
	_, known, _ := thief.do(http.MethodPost, "/rescue/chaton-a.test/", url.Values{"mail": {"bob@x.test"}})
	_, unknown, _ := thief.do(http.MethodPost, "/rescue/chaton-a.test/", url.Values{"mail": {"nobody@x.test"}})
	if known != unknown {
		t.Error("the answers differ")
	}
	at := alice.href(alice.get("/rescue/chaton-a.test/mine"), "/of/")
	for _, path := range []string{
		"..%2f..%2fbob%2ffiles%2fsecret.txt", "../../bob/files/secret.txt", "%2e%2e/%2e%2e/bob/files/secret.txt", "link/secret.txt", "%00", "notes.txt%00.txt", "....//....//x",
		"deep/..%2f..%2f..%2fbob/files/secret.txt", "%2fetc%2fpasswd", "/etc/passwd", "?from=-1", "?from=999999999999999999999",
	} {
		status, text, _ := alice.do(http.MethodGet, at+path, nil)
		if strings.Contains(text, "bob alone") || strings.Contains(text, "root:") || status == http.StatusInternalServerError {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, query := range []string{"file=../bob/cur/3.c:2,", "file=cur/../../bob/cur/3.c:2,", "file=", "file=/etc/passwd", "file=new/../cur/1.a:2,S"} {
		path := strings.Replace(alice.href(alice.get("/rescue/chaton-a.test/mine"), "/mail/"), "/mail/", "/message/", 1) + "?" + query
		if status, text, _ := alice.do(http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d %.80s", query, status, text)
		}
	}
	// Headers that name another host, or another site.
	for name, value := range map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/rescue/chaton-a.test/erase", strings.NewReader("sure=erase"))
		w.must(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(name, value)
		res, err := alice.Do(req)
		w.must(err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: %d", name, value, res.StatusCode)
		}
	}
	link = thief.linkWithHost("evil.test", "bob@x.test")
	if strings.Contains(link, "evil.test") {
		t.Errorf("the link leads to %s", link)
	}
	if after := w.hash(); after != before {
		t.Error("the data changed")
	}
}

// linkWithHost asks under another name, and answers the text of the mail.
func (b browser) linkWithHost(host, mail string) string {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.server.URL+"/rescue/"+string(owner)+"/", strings.NewReader(url.Values{"mail": {mail}}.Encode()))
	b.must(err)
	req.Host = host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-Host", host)
	res, err := http.DefaultTransport.RoundTrip(req)
	b.must(err)
	b.must(res.Body.Close())
	b.mu.Lock()
	defer b.mu.Unlock()
	var all strings.Builder
	for _, m := range b.mails {
		all.WriteString(m.Text)
	}
	return all.String()
}

// TestOwnerReturns: any head of the owner lets nobody new in, and asks.
func TestOwnerReturns(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.open()
	w.pass(24 * time.Hour)
	alice, bob := w.browser(), w.browser()
	alice.in("alice@x.test")
	link := bob.link("bob@x.test")
	w.heard = core.At(w.now())
	contains(t, bob.get("/rescue/chaton-a.test/"), "is heard again")
	_, code, _ := strings.Cut(link, "code=")
	if status, _, _ := bob.do(http.MethodPost, "/rescue/in", url.Values{"code": {code}}); status != http.StatusConflict {
		t.Errorf("bob came in: %d", status)
	}
	if status, _, _ := bob.do(http.MethodPost, "/rescue/chaton-a.test/", url.Values{"mail": {"bob@x.test"}}); status != http.StatusConflict {
		t.Errorf("a link was sent: %d", status)
	}
	alice.get("/rescue/chaton-a.test/mine") // who is in takes away
	if _, err := w.s.check(t.Context()); err == nil {
		t.Error("doctor says nothing")
	}
	all, err := w.s.Rescues(t.Context(), owner)
	if err != nil || len(all) != 1 || !all[0].OwnerHeard || !all[0].Shown {
		t.Errorf("%+v %v", all, err)
	}
}

// TestErasure: one person's data go on their word, with a receipt, and no later restore brings
// them back.
func TestErasure(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.open()
	alice, bob := w.browser(), w.browser()
	alice.in("alice@x.test")
	if status, _, _ := alice.do(http.MethodPost, "/rescue/chaton-a.test/erase", url.Values{"sure": {"yes"}}); status != http.StatusBadRequest {
		t.Errorf("erased by a slip: %d", status)
	}
	status, text, _ := alice.do(http.MethodPost, "/rescue/chaton-a.test/erase", url.Values{"sure": {"erase"}})
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	contains(t, text, "rescue-erased", "signatures", "alice")
	gone := func() {
		t.Helper()
		_ = filepath.WalkDir(w.s.Records.Folder(owner, "cloud"), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.IsDir() && strings.Contains(path, "alice") {
				t.Errorf("%s is left: %v", path, err)
			}
			return nil
		})
	}
	gone()
	if status, _, _ := alice.do(http.MethodGet, "/rescue/chaton-a.test/mine", nil); status != http.StatusForbidden {
		t.Errorf("still signed in: %d", status)
	}
	contains(t, bob.in("bob@x.test"), "Files")
	_, err := w.s.Close(t.Context(), owner, "cloud")
	w.must(err)
	w.open()
	gone()
}

// TestManyErasures: people who erase theirs at one moment do not bring each other back, and who has
// another address in a later pack stays erased.
func TestManyErasures(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.open()
	records := w.s.Records
	var people []whose.Person
	for i := range 30 {
		people = append(people, whose.Person{User: fmt.Sprintf("u%d", i), Mail: fmt.Sprintf("u%d@x.test", i)})
	}
	shares := []whose.Share{{Kind: whose.Files, Path: "home/{user}"}}
	left := func(want int) {
		t.Helper()
		if all, _, _, _, err := records.Layout(owner, "cloud"); err != nil || len(all) != want {
			t.Errorf("%d people, not %d: %v", len(all), want, err)
		}
	}
	w.must(records.WriteLayout(owner, "cloud", people, shares))
	left(30)
	var g errgroup.Group
	for _, p := range people {
		g.Go(func() error {
			_, err := records.Erase(t.Context(), owner, records.WhoMail(owner, p.Mail))
			return err
		})
	}
	w.must(g.Wait())
	left(0)
	for i := range people {
		people[i].Mail = "new" + people[i].Mail
	}
	w.must(records.WriteLayout(owner, "cloud", people, shares))
	left(30)
	w.must(records.EraseAgain(t.Context(), owner, "cloud"))
	left(0)
}

// TestWhileItOpens: an owner who is heard before all is restored keeps it shut, and nobody erases
// what is being restored.
func TestWhileItOpens(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	o := w.opening()
	o.Say = func(p Progress) {
		if p.Stage != Settling {
			return
		}
		w.silent = false
		if err := w.s.Erase(t.Context(), owner, "cloud"); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("erased while it is restored: %v", err)
		}
	}
	if _, err := w.s.Open(t.Context(), o); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("opened while the owner is heard: %v", err)
	}
	if text := w.browser().get("/rescue"); len(w.log) != 0 || strings.Contains(text, "chaton-a.test") {
		t.Errorf("shown: %v", w.log)
	}
	w.must(w.s.Erase(t.Context(), owner, "cloud"))
}

// TestDrillAndDay: a drill is shown to nobody and says that it worked; a day ends what is open.
func TestDrillAndDay(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.silent = false
	o := w.opening()
	o.Drill = true
	out, err := w.s.Open(t.Context(), o)
	w.must(err)
	if len(w.log) != 0 || len(w.restored) != 1 || !w.restored[0].Equal() || w.restored[0].Files != out.Files || len(out.Items) != 12 {
		t.Errorf("%+v, %d items, %v", w.restored, len(out.Items), w.log)
	}
	if all, err := w.s.Records.List(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "rescue", ".drill", "*", "*", "*")); err != nil || len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	w.silent = true
	w.open()
	if _, err := w.s.Open(t.Context(), w.opening()); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("opened twice: %v", err)
	}
	w.pass(record.Longest - 29*24*time.Hour)
	if _, err := w.s.check(t.Context()); err == nil {
		t.Error("nobody is reminded")
	}
	w.pass(29 * 24 * time.Hour)
	w.must(w.s.EndDue(t.Context()))
	if one, err := w.s.Records.Get(t.Context(), owner, "cloud"); err != nil || one.State != record.Ended || one.Why != record.Until {
		t.Errorf("%+v %v", one, err)
	}
}

// TestAgainAfterItBroke: the vault fails, then the same command goes on.
func TestAgainAfterItBroke(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "succession", migrations.Files))
	w.broken = core.Unsure("test", os.ErrInvalid)
	if _, err := w.s.Open(t.Context(), w.opening()); core.CodeOf(err) != core.CodeUnsure {
		t.Fatalf("%v", err)
	}
	nobody := w.browser()
	if text := nobody.get("/rescue"); strings.Contains(text, "chaton-a.test") {
		t.Error("shown before it is whole")
	}
	if len(w.log) != 0 {
		t.Error("said before it is shown")
	}
	w.broken = nil
	w.open()
	contains(t, nobody.get("/rescue"), "chaton-a.test")
}
