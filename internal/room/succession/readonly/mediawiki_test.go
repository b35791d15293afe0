package readonly_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const mediawiki = "/usr/share/mediawiki"

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// wiki installs Debian's MediaWiki on SQLite in a folder, with a page and a person, makes it read-only as a
// rescue does, and has PHP serve it.
func wiki(t *testing.T) (dir, address string) {
	t.Helper()
	if _, err := os.Stat(mediawiki + "/index.php"); err != nil {
		t.Fatal("MediaWiki is missing, ./check needs installs it")
	}
	dir = t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	address = l.Addr().String()
	ok(t, l.Close())
	// Debian's folder may have settings of its own, with which nothing is installed.
	none := filepath.Join(dir, "none.php")
	ok(t, os.WriteFile(none, []byte("<?php define('MW_CONFIG_FILE', '"+dir+"/LocalSettings.php');"), 0o600))
	php := []string{"-d", "auto_prepend_file=" + none}
	run(t, "php", append(php, mediawiki+"/maintenance/install.php", "--confpath", dir, "--dbtype", "sqlite", "--dbpath", dir+"/data", "--dbname", "wiki", "--server", "http://"+address, "--scriptpath", "", "--pass", "correct horse battery", "Test", "Admin")...)
	page := exec.CommandContext(t.Context(), "php", append(php, mediawiki+"/maintenance/edit.php", "-u", "Admin", "Quintessence")...)
	page.Stdin = strings.NewReader("A page of [[Main Page|a wiki]] that is gone.")
	if out, err := page.CombinedOutput(); err != nil {
		t.Fatalf("edit: %v\n%s", err, out)
	}
	run(t, "php", append(php, mediawiki+"/maintenance/runJobs.php")...)
	settings := filepath.Join(dir, "LocalSettings.php")
	text, err := os.ReadFile(settings)
	ok(t, err)
	ok(t, os.WriteFile(settings, append(text, []byte("\n$wgReadOnly = 'The hoster is gone.';\n$wgMainCacheType = CACHE_NONE; $wgSessionCacheType = CACHE_DB; $wgJobRunRate = 0; $wgEnableEmail = false;\n")...), 0o600))
	c := exec.CommandContext(context.WithoutCancel(t.Context()), "php", append(php, "-S", address, "-t", mediawiki)...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ok(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()         // it is killed
	})
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			ok(t, conn.Close())
			return dir, address
		}
		<-time.After(20 * time.Millisecond)
	}
}

// reader is a person's browser.
type reader struct {
	t    *testing.T
	c    *http.Client
	base string
}

func (r reader) get(path string) string {
	r.t.Helper()
	a, err := r.c.Get(r.base + path)
	ok(r.t, err)
	return body(r.t, a)
}

func (r reader) post(path string, form url.Values) (int, string) {
	r.t.Helper()
	a, err := r.c.PostForm(r.base+path, form)
	ok(r.t, err)
	return a.StatusCode, body(r.t, a)
}

func body(t *testing.T, a *http.Response) string {
	t.Helper()
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	ok(t, err)
	return string(text)
}

var (
	hidden = regexp.MustCompile(`name="wpLoginToken"[^>]*value="([^"]*)"|value="([^"]*)"[^>]*name="wpLoginToken"`)
	href   = regexp.MustCompile(`href="(/index\.php[^"#]*)"`)
)

// sums are the contents of all databases of a wiki.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(dir + "/data/*.sqlite")
	ok(t, err)
	all := map[string]string{}
	for _, f := range files {
		all[filepath.Base(f)] = run(t, "sqlite3", f, ".sha3sum --schema")
	}
	return all
}

// A crawl, a sign-in and edits that are refused leave the wiki's database as it was, byte for byte in
// what it holds. What MediaWiki still writes is its cache, which is a database file of its own.
func TestMediaWikiIsOnlyRead(t *testing.T) {
	dir, address := wiki(t)
	front := httptest.NewUnstartedServer(newProxy(t, "http://"+address, "/index.php?title=Special:UserLogin"))
	front.Start()
	t.Cleanup(front.Close)
	before := sums(t, dir)
	if len(before) < 2 {
		t.Fatalf("%v", before)
	}
	jar, err := cookiejar.New(nil)
	ok(t, err)
	r := reader{t, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		r.URL.Host = strings.TrimPrefix(front.URL, "http://") // it redirects to its own address
		return nil
	}}, front.URL}
	seen, queue := map[string]bool{}, []string{"/index.php?title=Quintessence", "/index.php?title=Main_Page", "/index.php?title=Special:AllPages", "/index.php?title=Special:RecentChanges", "/index.php?search=wiki"}
	for len(queue) > 0 && len(seen) < 60 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		for _, m := range href.FindAllStringSubmatch(r.get(path), -1) {
			queue = append(queue, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d pages crawled", len(seen))
	}
	if text := r.get("/index.php?title=Quintessence"); !strings.Contains(text, "that is gone") {
		t.Error("the page is not shown")
	}
	form := r.get("/index.php?title=Special:UserLogin")
	m := hidden.FindStringSubmatch(form)
	if m == nil {
		t.Fatalf("no form to sign in: %.2000s", form)
	}
	status, text := r.post("/index.php?title=Special:UserLogin", url.Values{"wpName": {"Admin"}, "wpPassword": {"correct horse battery"}, "wploginattempt": {"Log in"}, "wpEditToken": {`+\`}, "authAction": {"login"}, "wpLoginToken": {strings.ReplaceAll(m[1]+m[2], "&#039;", "'")}})
	signedIn := strings.Contains(r.get("/index.php?title=Main_Page"), "Special:UserLogout")
	if status != http.StatusOK || !signedIn {
		t.Errorf("signed in: %v, %d %.3000s", signedIn, status, text)
	}
	if status, _ := r.post("/index.php?title=Quintessence&action=submit", url.Values{"wpTextbox1": {"written"}}); status != http.StatusMethodNotAllowed {
		t.Errorf("an edit: %d", status)
	}
	if status, _ := r.post("/api.php", url.Values{"action": {"edit"}, "title": {"Quintessence"}, "text": {"written"}, "token": {`+\`}}); status != http.StatusMethodNotAllowed {
		t.Errorf("an edit by the interface: %d", status)
	}
	after := sums(t, dir)
	var changed []string
	for name, sum := range before {
		if after[name] != sum {
			changed = append(changed, name)
		}
	}
	if before["wiki.sqlite"] == "" || before["wiki.sqlite"] != after["wiki.sqlite"] {
		t.Error("the wiki's database changed")
	}
	t.Logf("%d pages crawled; changed: %v of %d databases", len(seen), changed, len(before))
}
