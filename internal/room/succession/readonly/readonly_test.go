package readonly_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entrechat/internal/room/succession/readonly"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newProxy(t testing.TB, upstream string, logins ...string) *readonly.Proxy {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	signIns := make([]readonly.SignIn, len(logins))
	for i, text := range logins {
		if signIns[i], err = readonly.ParseSignIn(text); err != nil {
			t.Fatal(err)
		}
	}
	return readonly.New(u, signIns, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) })
}

// What reads passes, and the named sign-ins, whatever else is tried.
func TestOnlyReadingAndSignInsPass(t *testing.T) {
	var seen string
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = r.Method + " " + r.URL.String() + " " + string(body)
		for name := range r.Header {
			if strings.Contains(name, "Method") {
				t.Errorf("%s came through", name)
			}
		}
		w.Header().Set("X-Host", r.Host)
	}))
	t.Cleanup(program.Close)
	front := httptest.NewServer(newProxy(t, program.URL, "/index.php?title=Special:UserLogin", "/doku.php#do=login"))
	t.Cleanup(front.Close)
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, path, kind, body string
		passes                   bool
	}{
		{"GET", "/a?b=c", "", "", true},
		{"HEAD", "/a", "", "", true},
		{"OPTIONS", "/a", "", "", true},
		{"PROPFIND", "/dav", "text/xml", "<x/>", true},
		{"REPORT", "/dav", "text/xml", "<x/>", true},
		{"PUT", "/dav/x", "", "x", false},
		{"DELETE", "/dav/x", "", "", false},
		{"PROPPATCH", "/dav", "", "", false},
		{"MKCOL", "/dav", "", "", false},
		{"TRACE", "/", "", "", false},
		{"get", "/", "", "", false},
		{"POST", "/a", form, "x=y", false},
		{"GET", "/a?_method=delete", "", "", false},
		{"POST", "/index.php?title=Special:UserLogin&x=y", form, "wpName=a", true},
		{"POST", "/index.php?title=Special:UserLogin", "multipart/form-data; boundary=x", "--x--", false},
		{"POST", "/index.php?title=Special:UserLogin&title=Main", form, "a=b", false},
		{"POST", "/index.php?title=Main&action=submit", form, "a=b", false},
		{"POST", "/index.php?title=Special:UserLogin", form, "title=Main&action=submit", false},
		{"POST", "/index.php?title=Special:UserLogin", form, "_method=put", false},
		{"POST", "/index.php/x?title=Special:UserLogin", form, "a=b", false},
		{"POST", "/doku.php", form, "do=login&u=a&p=b", true},
		{"POST", "/doku.php", form, "do=login&do[save]=1", false},
		{"POST", "/doku.php", form, "do=login&do=save", false},
		{"POST", "/doku.php?do=save", form, "do=login", false},
		{"POST", "/doku.php", form, "do=save", false},
		{"POST", "/doku.php", form, "do=login&x=" + strings.Repeat("y", 70<<10), false},
	} {
		seen = ""
		r, err := http.NewRequestWithContext(t.Context(), c.method, front.URL+c.path, strings.NewReader(c.body))
		ok(t, err)
		r.Header.Set("X-HTTP-Method-Override", "DELETE")
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			if c.passes {
				t.Errorf("%s %s: %v", c.method, c.path, err)
			}
			continue
		}
		ok(t, a.Body.Close())
		if (a.StatusCode == http.StatusOK) != c.passes || (seen != "") != c.passes {
			t.Errorf("%s %s %.40s: %s, the program saw %q", c.method, c.path, c.body, a.Status, seen)
		}
		if c.passes && (seen != c.method+" "+c.path+" "+c.body || a.Header.Get("X-Host") != strings.TrimPrefix(front.URL, "http://")) {
			t.Errorf("the program saw %q of %q", seen, a.Header.Get("X-Host"))
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL, nil)
	ok(t, err)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	a, err := http.DefaultClient.Do(r)
	ok(t, err)
	ok(t, a.Body.Close())
	if a.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("another protocol: %s", a.Status)
	}
	for _, bad := range []string{"", "x", "//host/x", "/a/../b", "/a?%zz"} {
		if _, err := readonly.ParseSignIn(bad); err == nil {
			t.Errorf("%q is a sign-in", bad)
		}
	}
}

// Whatever form is posted, the program sees what PHP would take for a sign-in and nothing else.
func FuzzForms(f *testing.F) {
	for _, s := range []string{"do=login", "do=login&do[save]=1", "do.x=1&do=login", " do=save&do=login", "do%00=save&do=login", "do;do=login"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		passed := false
		program := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
		defer program.Close()
		r := httptest.NewRequest(http.MethodPost, "/doku.php", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		newProxy(t, program.URL, "/doku.php#do=login").ServeHTTP(httptest.NewRecorder(), r)
		if !passed {
			return
		}
		for part := range strings.SplitSeq(body, "&") {
			name, value, _ := strings.Cut(part, "=")
			name, _ = url.QueryUnescape(name)
			value, _ = url.QueryUnescape(value)
			if name = strings.TrimLeft(name, " "); (name == "do" || strings.HasPrefix(name, "do[") || strings.HasPrefix(name, "do\x00")) && value != "login" {
				t.Fatalf("%q passed", body)
			}
		}
	})
}
