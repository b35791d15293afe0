package dokuwiki_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/dokuwiki"
	"entrechat/internal/room/succession/recipe/recipetest"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// installed is Debian's program, which all wikis here share.
const installed = "/usr/share/dokuwiki"

// site is one wiki: its folders, and where PHP serves it.
type site struct {
	t         *testing.T
	dir, conf string
	prepend   string
	url       string
}

func newSite(t *testing.T, admin string) *site {
	t.Helper()
	if _, err := os.Stat(installed + "/doku.php"); err != nil {
		t.Fatal("DokuWiki is missing, ./check needs installs it")
	}
	s := &site{t: t, dir: t.TempDir()}
	s.conf = filepath.Join(s.dir, "conf")
	for _, name := range []string{"pages", "attic", "meta", "media", "media_attic", "media_meta", "index", "cache", "locks", "tmp", "log"} {
		ok(t, os.MkdirAll(filepath.Join(s.dir, "data", name), 0o750))
	}
	s.prepend = filepath.Join(s.dir, "prepend.php")
	ok(t, os.WriteFile(s.prepend, fmt.Appendf(nil, "<?php define('DOKU_CONF', '%s/'); define('DOKU_FARM', 'test');", s.conf), 0o600))
	s.put("conf/local.php", "<?php\n$conf['title'] = '"+admin+"'; $conf['useacl'] = 1; $conf['superuser'] = '@admin';\n")
	s.put("conf/local.protected.php", "<?php\n$conf['savedir'] = '"+s.dir+"/data';\n")
	s.put("conf/users.auth.php", "# <?php exit()?>\n"+user(t, admin, admin, "admin,user")+user(t, "bob", "bob", "user"))
	s.put("conf/acl.auth.php", "# <?php exit()?>\n*\t@ALL\t0\n*\t@user\t8\nopen:*\t@ALL\t2\n")
	s.page("wiki:welcome", "The page of a new installation.")
	return s
}

// user is a line of people with a password hashed as PHP does.
func user(t *testing.T, name, password, groups string) string {
	t.Helper()
	return name + ":" + strings.TrimSpace(run(t, nil, "php", "-r", "echo password_hash($argv[1], PASSWORD_BCRYPT, ['cost' => 5]);", password)) + ":" + name + ":" + name + "@example.test:" + groups + "\n"
}

func run(t *testing.T, in io.Reader, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdin = in
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (s *site) put(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	ok(s.t, os.MkdirAll(filepath.Dir(path), 0o750))
	ok(s.t, os.WriteFile(path, []byte(text), 0o600))
}

func (s *site) php() []string { return []string{"php", "-d", "auto_prepend_file=" + s.prepend} }

// page saves a page as DokuWiki does, with its history.
func (s *site) page(id, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "text")
	ok(s.t, os.WriteFile(file, []byte(text), 0o600))
	words := append(s.php(), installed+"/bin/dwpage.php", "commit", "-t", "-m", "saved", file, id)
	run(s.t, nil, words[0], words[1:]...)
	ok(s.t, os.Remove(file))
}

// serve has PHP answer for it until the test ends.
func (s *site) serve() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(s.t, err)
	address := l.Addr().String()
	ok(s.t, l.Close())
	words := append(s.php(), "-S", address, "-t", installed)
	c := exec.CommandContext(context.WithoutCancel(s.t.Context()), words[0], words[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ok(s.t, c.Start())
	s.t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()         // it is killed
	})
	for {
		conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", address)
		if err == nil {
			ok(s.t, conn.Close())
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	s.url = "http://" + address + "/"
}

// browser is a person signed in.
func (s *site) browser(name, password string) *http.Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	ok(s.t, err)
	c := &http.Client{Jar: jar}
	if text := s.post(c, url.Values{"id": {"start"}, "do": {"login"}, "u": {name}, "p": {password}}); !strings.Contains(text, "do=logout") {
		s.t.Fatalf("%s is not signed in", name)
	}
	return c
}

func (s *site) post(c *http.Client, form url.Values) string {
	s.t.Helper()
	a, err := c.PostForm(s.url+"doku.php", form)
	ok(s.t, err)
	return body(s.t, a)
}

func (s *site) get(c *http.Client, query string) string {
	s.t.Helper()
	a, err := c.Get(s.url + "doku.php?" + query)
	ok(s.t, err)
	return body(s.t, a)
}

func body(t *testing.T, a *http.Response) string {
	t.Helper()
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	ok(t, err)
	return string(text)
}

var token = regexp.MustCompile(`name="sectok" value="([0-9a-f]*)"`)

// save edits a page as a browser does, and says whether it was saved.
func (s *site) save(c *http.Client, id, text string) bool {
	s.t.Helper()
	form := url.Values{"id": {id}, "do[save]": {"1"}, "wikitext": {text}, "rev": {"0"}, "date": {"0"}, "prefix": {""}, "suffix": {""}, "summary": {"x"}, "changecheck": {""}}
	if m := token.FindStringSubmatch(s.get(c, "id="+id+"&do=edit")); m != nil {
		form.Set("sectok", m[1])
	}
	s.post(c, form)
	now, _ := os.ReadFile(filepath.Join(s.dir, "data/pages", strings.ReplaceAll(id, ":", "/")+".txt"))
	return strings.Contains(string(now), text)
}

// wikis are an old one with history and media, and a new installation.
func wikis(t *testing.T) (old, fresh *site) {
	t.Helper()
	old, fresh = newSite(t, "alice"), newSite(t, "carol")
	for n := range 3 {
		old.page("start", fmt.Sprintf("====== Start ======\nA text with the word quintessence, version %d.", n))
		old.page(fmt.Sprintf("club:room %d", n), "A room.")
	}
	old.put("data/media/club/map.png", "not really a picture")
	old.put("data/media_attic/club/map.1700000000.png", "an older one")
	old.put("data/media_meta/club/map.png.changes", "1700000000\t127.0.0.1\tC\tclub:map.png\talice\tcreated\t\n")
	old.put("data/meta/_htcookiesalt2", "a secret of the old wiki")
	old.put("conf/interwiki.local.conf", "club https://club.example.test/\n")
	ok(t, os.Chtimes(filepath.Join(old.dir, "data/pages/start.txt"), time.Unix(1_800_000_000, 0), time.Unix(1_800_000_000, 0)))
	return old, fresh
}

func settings(old, fresh *site, to recipe.Place) string {
	quoted := make([]string, 0, 8)
	for _, w := range append(fresh.php(), installed+"/bin/indexer.php", "-c", "-q") {
		quoted = append(quoted, fmt.Sprintf("%q", w))
	}
	text := "recipe = 'dokuwiki'\nindexer = [" + strings.Join(quoted, ", ") + "]\n"
	if to.Host != "" {
		text += fmt.Sprintf("[to]\nhost = %q\nport = %d\nkey = %q\noptions = [%q, %q, %q]\n", to.Host, to.Port, to.Key, to.Options[0], to.Options[1], to.Options[2])
	}
	for name, s := range map[string]*site{"old": old, "new": fresh} {
		text += fmt.Sprintf("[%s]\ndata = '%s/data'\nconf = %q\nurl = %q\n", name, s.dir, s.conf, s.url)
	}
	if fresh.url != "" {
		text += "[login]\nuser = 'alice'\npassword = 'alice'\npage = 'start'\nsearch = 'quintessence'\n"
	}
	return text
}

// state tells the files of a wiki but what comes and goes.
func (s *site) state(*testing.T) string {
	return run(s.t, nil, "sh", "-c", `cd "$1" && find . \( -path ./data/cache -o -path ./data/tmp -o -path ./data/locks -o -path ./data/index -o -path ./data/log \) -prune -o -type f ! -name '*.indexed' -printf '%p %m %T@ ' -exec sha256sum {} \; | sort`, "sh", s.dir)
}

func TestContract(t *testing.T) {
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		old, fresh := wikis(t)
		return recipetest.World{
			Recipe: dokuwiki.Recipe{}, Settings: []byte(settings(old, fresh, recipe.Place{})),
			Source: func(t *testing.T) string { return noTimes(old.state(t)) },
			Target: func(t *testing.T) string { return noTimes(fresh.state(t)) },
			Plant: func(t *testing.T) {
				t.Helper()
				run(t, nil, "find", fresh.dir+"/data/pages", "-type", "f", "-delete")
			},
		}
	})
}

var times = regexp.MustCompile(` [0-9]+\.[0-9]+ `)

// noTimes leaves out when settings and what is known of pages were written; pages keep theirs.
func noTimes(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "./conf") || strings.HasPrefix(line, "./data/meta") || strings.Contains(line, "/prepend") {
			lines[i] = times.ReplaceAllString(line, " ")
		}
	}
	return strings.Join(lines, "\n")
}

// A real move over ssh, with PHP serving both: history equal, edits refused while it is frozen and
// taken again when it is undone, and the new wiki signs in, shows and finds.
func TestARealWikiMoves(t *testing.T) {
	old, fresh := wikis(t)
	old.serve()
	fresh.serve()
	alice := old.browser("alice", "alice")
	if !old.save(alice, "before", "saved before the move") {
		t.Fatal("the old wiki does not save")
	}
	m, err := dokuwiki.Recipe{}.Read([]byte(settings(old, fresh, recipetest.NewSSHD(t).Place)))
	ok(t, err)
	w := recipe.Work{Dir: t.TempDir(), Say: func(int64, int64) {}}
	do := func(phase recipe.Phase) {
		t.Helper()
		for _, s := range m.Steps() {
			if s.Phase != phase {
				continue
			}
			if err := s.Do(t.Context(), w); err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
		}
	}
	do(recipe.Preflight)
	do(recipe.Copy)
	if !old.save(alice, "during", "saved during the copy") {
		t.Fatal("the old wiki does not save while it is copied")
	}
	do(recipe.Freeze)
	bob := old.browser("bob", "bob")
	for name, c := range map[string]*http.Client{"an admin": alice, "a person": bob, "nobody": {}} {
		if old.save(c, "open:frozen", "saved while frozen") {
			t.Errorf("%s saves while it is frozen", name)
		}
	}
	if text := old.get(bob, "id=start"); !strings.Contains(text, "quintessence") {
		t.Error("a person does not read while it is frozen")
	}
	if text := old.get(&http.Client{}, "id=start"); strings.Contains(text, "quintessence") {
		t.Error("a page that was closed is open while it is frozen")
	}
	do(recipe.Last)
	counts, err := m.Count(t.Context(), "")
	ok(t, err)
	for _, c := range counts {
		if !c.Equal() {
			t.Errorf("%+v", c)
		}
		if c.What == "pages" && c.From != 7 || c.What == "revisions" && c.From < 5 {
			t.Errorf("%+v", c)
		}
	}
	do(recipe.Login)
	there := fresh.browser("alice", "alice")
	if text := fresh.get(there, "id=start&do=revisions"); strings.Count(text, "rev=") < 3 {
		t.Error("the history is not there")
	}
	if !fresh.save(there, "after", "saved at the new wiki") {
		t.Error("the new wiki does not save")
	}
	if salt, err := os.ReadFile(fresh.dir + "/data/meta/_htcookiesalt2"); err != nil || string(salt) != "a secret of the old wiki" {
		t.Errorf("%q %v", salt, err)
	}
	for _, s := range slices.Backward(m.Steps()) {
		if s.Undo != nil {
			ok(t, s.Undo(t.Context(), w))
		}
	}
	if !old.save(old.browser("bob", "bob"), "again", "saved after the undoing") {
		t.Error("the old wiki does not save after the undoing")
	}
	carol := fresh.browser("carol", "carol")
	if text := fresh.get(carol, "id=wiki:welcome"); !strings.Contains(text, "new installation") {
		t.Error("the new installation's page is not back")
	}
}

// The same from a backup's folder, which is not written.
func TestFromASnapshot(t *testing.T) {
	old, fresh := wikis(t)
	fresh.serve()
	text := settings(old, fresh, recipe.Place{}) + "[from]\nsnapshot = '" + filepath.Dir(old.dir) + "'\n"
	base := filepath.Base(old.dir)
	text = strings.ReplaceAll(text, "'"+old.dir+"/data'", "'/"+base+"/data'")
	text = strings.ReplaceAll(text, fmt.Sprintf("%q", old.conf), fmt.Sprintf("%q", "/"+base+"/conf"))
	before := old.state(t)
	m, err := dokuwiki.Recipe{}.Read([]byte(text))
	ok(t, err)
	w := recipe.Work{Dir: t.TempDir(), Say: func(int64, int64) {}}
	for _, s := range m.Steps() {
		if s.Phase == recipe.Freeze {
			t.Error("a snapshot is frozen")
		}
		if err := s.Do(t.Context(), w); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if s.Phase != recipe.Last {
			continue
		}
		counts, err := m.Count(t.Context(), "")
		ok(t, err)
		for _, c := range counts {
			if !c.Equal() {
				t.Errorf("%+v", c)
			}
		}
	}
	if after := old.state(t); after != before {
		t.Errorf("the snapshot changed:\n%s\n%s", before, after)
	}
}

func TestSettings(t *testing.T) {
	if _, err := (dokuwiki.Recipe{}).Read([]byte(dokuwiki.Recipe{}.About().Settings)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "[old]\ndata = '/x/y'\n", strings.Replace(dokuwiki.Recipe{}.About().Settings, "page =", "pages =", 1)} {
		if _, err := (dokuwiki.Recipe{}).Read([]byte(bad)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
