package journey

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/app/lab/debian"
	"entrechat/internal/app/lab/relying"
)

// app adds a service to hoster B by its template: what is printed for its configuration.
func (w *world) app(words ...string) (printed string) {
	w.Helper()
	var added struct {
		Configuration string `json:"configuration"`
	}
	w.must(w.b.RunJSON(w.ctx, &added, append([]string{"identity", "app", "add"}, words...)...))
	return added.Configuration
}

// proxy is an oauth2-proxy in front of a page that says who is there; answers its address.
func (w *world) proxy() string {
	w.Helper()
	behind := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprint(rw, r.Header.Get("X-Forwarded-Preferred-Username"))
	}))
	w.Cleanup(behind.Close)
	at := debian.Port(w)
	conf := debian.Write(w, filepath.Join(w.TempDir(), "conf"), w.app("oauth2-proxy", "--url", "http://"+at)+fmt.Sprintf(
		"cookie_secret = \"un-cheval-debout-32-octets-longs\"\ncookie_secure = false\nhttp_address = %q\nupstreams = [ %q ]\n", at, behind.URL))
	debian.Daemon{Program: "../../.cache/bin/oauth2-proxy", Args: []string{"--config", conf}, Address: at}.Run(w)
	return "http://" + at
}

const letter = `From: Ana <ana@chaton-b.test>
To: alice.chaton-a-test@chaton-b.test
Subject: Bienvenue chez nous
Date: Mon, 30 Nov 2026 10:00:00 +0000
Message-ID: <1@chaton-b.test>

Bonjour Alice.
`

// TestRealServices is alice of hoster A at services of hoster B that are Debian's, configured
// with what `identity app add` prints: her inbox there in Roundcube, which Dovecot opens for
// the token alone, and pages behind Apache and oauth2-proxy. Nobody is told her mail address.
func TestRealServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(w.a, "alice")
	web, mail, page := debian.Port(t), debian.Port(t), debian.Port(t)
	roundcube := w.app("roundcube", "--url", "http://"+web)
	dir := debian.Dovecot(t, mail, w.app("dovecot", "--url", "http://"+mail, "--reads", "roundcube"))
	debian.Roundcube(t, web, mail, roundcube)
	debian.Letter(t, dir, "alice.chaton-a-test", letter)
	debian.Apache(t, page, w.app("mod_auth_openidc", "--url", "http://"+page))

	b := relying.NewBrowser()
	p := w.open(b, "http://"+web+"/index.php/login/oauth")
	w.want(p, w.b.URL()+"/sign-in", "")
	p = w.open(b, w.b.URL()+"/sign-in/elsewhere?"+p.URL.RawQuery)
	p = w.send(b, p, "/sign-in/elsewhere", "who", "alice@"+w.a.Name)
	p = w.send(b, p, "/sign-in", "who", "alice", "password", password)
	p = w.send(b, p, "/sign-in/consent", "mail", "")
	if p.URL.Host != web || p.URL.Query().Get("_task") != "mail" {
		t.Fatalf("not in her mail: %s %d %s", p.URL, p.Status, p.Text())
	}
	p = w.open(b, "http://"+web+"/?_task=mail&_mbox=INBOX&_uid=1&_action=show")
	if !strings.Contains(p.Text(), "Bienvenue chez nous") || !strings.Contains(p.Text(), "Bonjour Alice.") {
		t.Errorf("the letter is not there: %s", p.Text())
	}

	// The other services ask nothing any more.
	if p = w.open(b, w.proxy()+"/oauth2/start?rd=/"); p.Body != "alice.chaton-a-test" {
		t.Errorf("behind oauth2-proxy: %s %d %s", p.URL, p.Status, p.Text())
	}
	p = w.open(b, "http://"+page+"/")
	if p.Body != "inside" || p.Header.Get("X-User") != "alice.chaton-a-test" {
		t.Errorf("%s: %d, as %q: %s", p.URL, p.Status, p.Header.Get("X-User"), p.Text())
	}

	// Out at home is out behind Apache, which is told; and nobody gets in as her by another's token.
	w.send(b, w.open(b, w.a.URL()+"/sign-out"), "")
	w.eventually("signed out behind Apache", func() bool { return w.open(b, "http://"+page+"/").URL.Path == "/sign-in" })
	if got, err := debian.IMAP(w.ctx, mail, "alice.chaton-a-test", "nonsense"); err != nil || !strings.HasPrefix(got, "NO") {
		t.Errorf("Dovecot answers nonsense with %q, %v", got, err)
	}
}
