package mail

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"entrechat/internal/app/lab/debian"
	"entrechat/internal/room/succession/recipe"
)

var (
	formToken = regexp.MustCompile(`name="_token" value="([^"]+)"`)
	ajaxToken = regexp.MustCompile(`"request_token":"([^"]+)"`)
)

// webmail signs in at a Roundcube: the names in the address book, as it answers its own page.
func (w *world) webmail(address, user string) string {
	w.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	browser := &http.Client{Jar: jar}
	read := func(a *http.Response, err error) string {
		w.Helper()
		w.must(err)
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		w.must(err)
		return string(text)
	}
	base := "http://" + address + "/"
	token := formToken.FindStringSubmatch(read(browser.Get(base)))
	if token == nil {
		w.Fatal("no form to sign in")
	}
	inside := read(browser.PostForm(base+"?_task=login", url.Values{"_token": {token[1]}, "_task": {"login"}, "_action": {"login"}, "_user": {user}, "_pass": {"pw"}}))
	asked := ajaxToken.FindStringSubmatch(inside)
	if asked == nil || !strings.Contains(inside, "_task=logout") {
		w.Fatalf("not signed in: %.500s", inside)
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, base+"?_task=addressbook&_action=list&_source=0&_remote=1", nil)
	w.must(err)
	req.Header.Set("X-Roundcube-Request", asked[1])
	req.Header.Set("X-Requested-With", "XMLHttpRequest")
	return read(browser.Do(req))
}

// TestContactsLiveOn: a Roundcube that is told another IMAP server still has everybody's contacts; without the
// step it has not.
func TestContactsLiveOn(t *testing.T) {
	w := newWorld(t, "probe")
	user := w.people[0]
	w.fill(user, nil, 3)
	first := debian.Port(t)
	dir := debian.Roundcube(t, first, strings.Replace(w.old.IMAP, "127.0.0.1", "localhost", 1), "")
	database := filepath.Join(dir, "roundcube.sqlite")
	w.webmail(first, user)
	c := exec.CommandContext(t.Context(), "php", "-r", `$db = new PDO('sqlite:' . $argv[1]); $db->exec("INSERT INTO contacts (user_id, name, email) SELECT user_id, 'Zoe Vrai', 'zoe@else.test' FROM users");`, database)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	if got := w.webmail(first, user); !strings.Contains(got, "Zoe Vrai") {
		t.Fatalf("no contact at first: %.500s", got)
	}
	// The adopter has the database already, before the move.
	now := filepath.Join(dir, "now.sqlite")
	text, err := os.ReadFile(database)
	w.must(err)
	w.must(os.WriteFile(now, text, 0o600))
	m := w.move(w.settings("") + fmt.Sprintf("[roundcube]\ndatabase = %q\nold_host = \"localhost\"\nnew_host = \"127.0.0.1\"\n", now))
	w.until(t.Context(), m, recipe.Copy)
	second := debian.Port(t)
	debian.Roundcube(t, second, w.now.IMAP, fmt.Sprintf("$config['db_dsnw'] = 'sqlite:///%s?mode=0600';", now))
	if got := w.webmail(second, user); strings.Contains(got, "Zoe Vrai") {
		t.Fatalf("a contact before Roundcube was told: %.500s", got)
	}
	w.until(t.Context(), m, recipe.Deliver)
	if got := w.webmail(second, user); !strings.Contains(got, "Zoe Vrai") {
		t.Errorf("the contact is gone: %.500s", got)
	}
}
