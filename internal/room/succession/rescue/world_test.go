package rescue

import (
	"archive/tar"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/site"
	"entrechat/internal/room/succession/rescue/snapshot"
)

const owner, self core.MemberID = "chaton-a.test", "chaton-b.test"

// world is a successor, the backup of a member that died, and browsers.
type world struct {
	*testing.T
	s        *Service
	db       *db.DB
	dir      string
	server   *httptest.Server
	identity *age.X25519Identity
	named    []promise.Successor
	silent   bool
	heard    core.Moment
	sealed   string
	restored []pack.Restored
	broken   error // what the vault fails with

	mu    sync.Mutex
	at    time.Time
	mails []letin.Letter
	log   []logbook.Entry
	who   string // of the account that is signed in
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	e := logbook.Entry{Log: self, Typ: typ, Body: text}
	w.log = append(w.log, e)
	return e, err
}

func (w *world) Member(context.Context, core.MemberID) (logbook.Member, error) {
	return logbook.Member{ID: owner, Heard: w.heard}, nil
}

func (w *world) Ours(context.Context) ([]promise.Successor, error) { return w.named, nil }

func (w *world) Held(_ context.Context, _ core.MemberID, service string) (pack.Pack, string, error) {
	if w.sealed == "" {
		return pack.Pack{}, "", core.NotFound("succession.pack.none", errors.New("none"))
	}
	return pack.Pack{Owner: owner, Service: service, ID: strings.Repeat("a", 64)}, w.sealed, nil
}

func (w *world) Restored(_ context.Context, r pack.Restored) (pack.Restored, error) {
	w.restored = append(w.restored, r)
	return r, nil
}

func (w *world) Inherit(_ context.Context, _ []byte, dir string, say func(files, bytes int64)) (string, error) {
	if w.broken != nil {
		return "", w.broken
	}
	out, err := exec.CommandContext(w.Context(), "cp", "-a", "-T", filepath.Join(w.dir, "repo"), dir).CombinedOutput()
	if err != nil {
		w.Log(string(out))
	}
	say(10, 1000)
	return "secret", err
}

func (w *world) CanMail() bool { return true }

func (w *world) Mail(_ context.Context, to, title, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails = append(w.mails, letin.Letter{To: to, Title: title, Text: text})
	return nil
}

func (w *world) SignedIn(*http.Request) (string, bool, error) { return w.who, w.who != "", nil }

func (w *world) ProvedMail(_ context.Context, id string) (string, error) { return id + "@x.test", nil }

// files is what the service held.
var files = map[string]string{
	"home/alice/files/notes.txt":      "alice writes\n",
	"home/alice/files/page.html":      "<script>alert('x')</script>",
	"home/bob/files/secret.txt":       "bob alone\n",
	"mail/x.test/alice/cur/1.a:2,S":   "From: c@x.test\r\nSubject: For Alice\r\n\r\nFrom here on\r\n",
	"mail/x.test/alice/new/2.b":       "From: d@x.test\nSubject: New\n\nunread\n",
	"mail/x.test/bob/cur/3.c:2,":      "From: c@x.test\nSubject: For Bob\n\nx\n",
	"cal/alice/one.ics":               "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
	"cal/alice/two.ics":               "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
	"wiki/pages/start.txt":            "====== Welcome ======\n<b>not bold</b>\n",
	"wiki/conf/users.auth.php":        "alice:$2y$10$hash",
	"other/nobody.txt":                "of nobody",
	"home/alice/files/deep/more/x.md": "deep\n",
}

var shares = []pack.Share{
	{Kind: pack.KindFiles, Path: "home/{user}/files"},
	{Kind: pack.KindMaildir, Path: "mail/{domain}/{user}"},
	{Kind: pack.KindCalendar, Path: "cal/{user}"},
	{Kind: pack.KindWiki, Path: "wiki/pages", Public: true},
	{Kind: pack.KindGit, Path: "git/{user}"},
	{Kind: pack.KindFiles, Path: "other"},
}

var people = []pack.Person{{User: "alice", Mail: "alice@x.test", Lang: "fr", Names: []string{}}, {User: "bob", Mail: "bob@x.test", Lang: "en", Names: []string{}}, {User: "carol", Names: []string{}}}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{T: t, db: d, dir: t.TempDir(), at: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), silent: true}
	w.heard = core.At(w.at.Add(-30 * 24 * time.Hour))
	w.named = []promise.Successor{{Owner: owner, Service: "cloud", Member: self, Rank: 1, Backups: []string{"cloud"}, Since: core.At(w.at.Add(-90 * 24 * time.Hour))}}
	w.backup()
	w.pack()
	_, key, err := ed25519.GenerateKey(nil)
	w.must(err)
	texts, err := words.New(words.Words, web.Words, Words)
	w.must(err)
	mux := http.NewServeMux()
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	w.s = New(Needs{
		DB: d, Dir: filepath.Join(w.dir, "rescue"), Box: seal.NewBox([32]byte{1}), Words: texts, Signer: seal.NewSigner(self, key), Book: w, Named: w, Packs: w,
		Silent: func(context.Context, core.MemberID) (core.Moment, bool, error) { return w.heard, w.silent, nil },
		URL:    w.server.URL, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Ask: Ask{
			Vault:  func() (Vault, bool) { return w, true },
			Mailer: func() (letin.Mailer, bool) { return w, true }, Accounts: func() (site.Accounts, bool) { return w, true },
		},
	})
	pages := web.New(web.Needs{
		DB: dbtest.SQLite(t, "web", web.Migrations()), Words: texts, Lang: "en", URL: w.server.URL, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "B", Origin: self} },
	})
	for _, r := range w.s.Programs() {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.Handle("/", pages.Handler([]web.Pages{w.s.Pages(pages)}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.s.Doors.Jobs()[0].Run(ctx) // it ends with ctx
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// backup makes the repository that the vault will give.
func (w *world) backup() {
	w.Helper()
	src := filepath.Join(w.dir, "src")
	for name, text := range files {
		path := filepath.Join(src, name)
		w.must(os.MkdirAll(filepath.Dir(path), 0o700))
		w.must(os.WriteFile(path, []byte(text), 0o600))
	}
	w.must(os.Symlink("../../bob/files", filepath.Join(src, "home/alice/files/link")))
	git := filepath.Join(src, "git", "alice", "tool.git")
	w.shell(w.dir, "git", "init", "-q", "-b", "main", "work")
	w.must(os.WriteFile(filepath.Join(w.dir, "work", "README"), []byte("a tool"), 0o600))
	w.shell(filepath.Join(w.dir, "work"), "git", "add", ".")
	w.shell(filepath.Join(w.dir, "work"), "git", "-c", "user.name=a", "-c", "user.email=a@x.test", "commit", "-qm", "one")
	w.shell(w.dir, "git", "clone", "-q", "--bare", "work", git)
	for _, words := range [][]string{{"init"}, {"backup", "."}} {
		w.shell(src, "restic", append([]string{"-q", "--no-cache", "-r", filepath.Join(w.dir, "repo")}, words...)...)
	}
}

func (w *world) shell(dir, program string, words ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), program, words...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD=secret", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%s %v: %v: %s", program, words, err, out)
	}
	return string(out)
}

// pack seals what the owner sent us.
func (w *world) pack() {
	w.Helper()
	var err error
	w.identity, err = age.GenerateX25519Identity()
	w.must(err)
	w.sealed = filepath.Join(w.dir, "sealed.age")
	f, err := os.Create(w.sealed)
	w.must(err)
	out, err := age.Encrypt(f, w.identity.Recipient())
	w.must(err)
	t := tar.NewWriter(out)
	for name, v := range map[string]any{"users/people.json": map[string]any{"people": people}, "data/layout.json": map[string]any{"shares": shares}} {
		text, err := json.Marshal(v)
		w.must(err)
		w.must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o600}))
		_, err = t.Write(text)
		w.must(err)
	}
	w.must(errors.Join(t.Close(), out.Close(), f.Close()))
}

func (w *world) pointer() []byte {
	text, err := json.Marshal(map[string]any{"v": 1, "owner": owner, "backup": "cloud", "password": "secret", "identity": w.identity.String()})
	w.must(err)
	return text
}

func (w *world) opening() Opening {
	return Opening{Owner: owner, Service: "cloud", Pointers: [][]byte{w.pointer()}, Say: func(Progress) {}}
}

func (w *world) open() Opened {
	w.Helper()
	o, err := w.s.Open(w.Context(), w.opening())
	w.must(err)
	return o
}

func (w *world) hash() string {
	w.Helper()
	sum, err := snapshot.Hash(w.s.Records.FilesOf(owner, "cloud"))
	w.must(err)
	return sum
}

// browser keeps cookies as a browser does.
type browser struct {
	*world
	*http.Client
}

func (w *world) browser() browser {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return browser{w, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (b browser) do(method, path string, typed url.Values) (status int, text string, head http.Header) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, strings.NewReader(typed.Encode()))
	b.must(err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(req)
	b.must(err)
	body, err := io.ReadAll(res.Body)
	b.must(errors.Join(err, res.Body.Close()))
	return res.StatusCode, string(body), res.Header
}

func (b browser) get(path string) string {
	b.Helper()
	status, text, _ := b.do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		b.Fatalf("%s: %d\n%.600s", path, status, text)
	}
	return text
}

// link types an address and answers the path of the link that came for it.
func (b browser) link(mail string) string {
	b.Helper()
	b.mu.Lock()
	before := len(b.mails)
	b.mu.Unlock()
	if status, text, _ := b.do(http.MethodPost, "/rescue/"+string(owner)+"/", url.Values{"mail": {mail}}); status != http.StatusOK || !strings.Contains(text, "If this address is known") {
		b.Fatalf("%d %s", status, text)
	}
	for range 500 {
		b.mu.Lock()
		all := b.mails[before:]
		b.mu.Unlock()
		if len(all) > 0 {
			_, rest, _ := strings.Cut(all[0].Text, b.server.URL)
			return strings.Fields(rest)[0]
		}
		select {
		case <-b.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	return ""
}

// in signs somebody in.
func (b browser) in(mail string) string {
	b.Helper()
	link := b.link(mail)
	if link == "" {
		b.Fatal("no mail for " + mail)
	}
	b.get(link)
	_, code, _ := strings.Cut(link, "code=")
	status, text, _ := b.do(http.MethodPost, "/rescue/in", url.Values{"code": {code}})
	if status != http.StatusOK {
		b.Fatalf("%d %s", status, text)
	}
	return text
}

// href is the path of the first link on a page that has all of some words in it.
func (b browser) href(page string, has ...string) string {
	b.Helper()
	for part := range strings.SplitSeq(page, `href="`) {
		at, _, _ := strings.Cut(part, `"`)
		found := strings.HasPrefix(at, "/rescue/")
		for _, h := range has {
			found = found && strings.Contains(at, h)
		}
		if found {
			return strings.ReplaceAll(at, "&amp;", "&")
		}
	}
	b.Fatalf("no link with %q in %s", has, page)
	return ""
}
