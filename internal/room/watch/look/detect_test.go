//go:build linux

package look

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

// asks is a kind that is well where a path answers 200.
func asks(path string) Probe {
	return func(ctx context.Context, a *Attempt, t target.Target) error {
		address := strings.TrimSuffix(t.Address, "/") + path
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		w, err := a.Get(ctx, Ask{URL: address})
		if err != nil {
			return err
		}
		return w.OK()
	}
}

// says one line at a port.
func saysAt(ctx context.Context, a *Attempt, t target.Target) error {
	return line(ctx, a, target.Target{Address: t.Address, Expect: target.Expect{Text: string(t.Kind)}})
}

func shown(list []target.Target) string {
	var all []string
	for _, t := range list {
		s := fmt.Sprintf("%s %s", t.Kind, t.Address)
		if e := t.Expect; e.Text != "" || len(e.Status) > 0 || e.Pointer != "" {
			s += fmt.Sprintf(" %s%s%s=%s", e.Text, strings.Join(e.Status, ","), e.Pointer, e.Value)
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// TestDetect tells what is chosen for what answers, and what is said where nothing does.
func TestDetect(t *testing.T) {
	t.Parallel()
	turn := 0
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/pad/{$}", page("<html><head><title>\n Pad &amp; Co </title></head></html>"))
	mux.HandleFunc("/plain/{$}", page("hello"))
	mux.HandleFunc("/changes/{$}", func(w http.ResponseWriter, _ *http.Request) {
		turn++
		_, _ = fmt.Fprintf(w, "<title>Mail %c</title>", 'a'+turn)
	})
	mux.HandleFunc("/counts/{$}", page("<title>(3) Mail</title>"))
	mux.HandleFunc("/default/{$}", page("<title>Welcome to nginx!</title>"))
	mux.HandleFunc("/health", page(`{"status":"pass","checks":{}}`))
	mux.HandleFunc("/unwell", page(`{"status":"fail"}`))
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
	mux.HandleFunc("/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/sso", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://sso.example.org/", http.StatusFound)
	})
	mux.HandleFunc("/cloud/{$}", page("<title>Nuage</title>"))
	mux.HandleFunc("/cloud/status.php", page("{}"))
	mux.HandleFunc("/s3/{$}", page(`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	safe := httptest.NewUnstartedServer(mux)
	safe.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	safe.StartTLS()
	t.Cleanup(safe.Close)
	hangs := holds(t)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	must(t, err)
	l := looker(t, func(n *Needs) {
		n.Kinds = map[target.Kind]Probe{target.Nextcloud: asks("/status.php"), target.Forgejo: asks("/api/healthz")}
	})
	at := "http://127.0.0.1:" + port
	for address, want := range map[string]string{
		s.URL + "/pad/":                       "http " + at + "/pad/ Pad &amp; Co=",
		s.URL + "/plain/":                     "http " + at + "/plain/",
		s.URL + "/changes/":                   "http " + at + "/changes/",
		s.URL + "/counts/":                    "http " + at + "/counts/",
		s.URL + "/default/":                   "http " + at + "/default/",
		s.URL + "/health":                     "http " + at + "/health /status=pass",
		s.URL + "/unwell":                     "http " + at + "/unwell",
		s.URL + "/login":                      "http " + at + "/login 401=",
		s.URL + "/sso":                        "http " + at + "/sso",
		" " + s.URL + "/cloud/?a=b ":          "nextcloud " + at + "/cloud/",
		s.URL + "/s3/":                        "s3 " + at + "/s3/",
		"127.0.0.1:" + port:                   "tcp 127.0.0.1:" + port,
		s.URL + "/503":                        "! watch.look.bad_status",
		s.URL + "/none":                       "! watch.look.bad_status",
		safe.URL + "/pad/":                    "! watch.look.bad_cert",
		"https://127.0.0.1:" + port + "/pad/": "! watch.look.no_tls",
		"127.0.0.1:1":                         "! watch.look.refused",
		"ws://127.0.0.1:" + port + "/pad/":    "! watch.look.no_answer",
		hangs:                                 "tcp " + hangs,
		"ftp://a.test/":                       "! watch.look.bad_address",
		"http://a:b@a.test/":                  "! watch.look.bad_address",
		"a test":                              "! watch.look.bad_address",
		"":                                    "! watch.look.bad_address",
		"http://":                             "! watch.look.bad_address",
		"café.test":                           "! watch.look.bad_address",
		strings.Repeat("a", 600):              "! watch.look.bad_address",
		"a.test:99999":                        "! watch.look.no_answer",
	} {
		t.Run(address, func(t *testing.T) {
			all, err := l.Detect(t.Context(), address)
			got := shown(all)
			if e := new(core.Error); err != nil {
				if !asError(err, &e) {
					t.Fatal(err)
				}
				got = "! " + e.Key
			}
			if got != want {
				t.Errorf("%q, not %q (%v)", got, want, err)
			}
			for _, one := range all {
				one.ID, one.Owner = "00112233445566aa", "chaton-a.test"
				if err := one.Check(); err != nil {
					t.Errorf("%+v: %v", one, err)
				}
			}
		})
	}
}

func asError(err error, to **core.Error) bool {
	e, ok := err.(*core.Error) //nolint:errorlint // it is the outermost
	*to = e
	return ok
}

// detect finds what a whole domain has.
func (w *world) detect(t *testing.T) {
	w.names.set("chaton-c.test", "203.0.114.1")
	w.names.set("mx.chaton-c.test", "203.0.114.3")
	w.names.set("imap.chaton-c.test", "203.0.114.3")
	w.names.mail["chaton-c.test"] = "mx.chaton-c.test"
	w.names.set("router.chaton-c.test", "192.168.7.1")
	w.names.set("silent.chaton-c.test", "203.0.114.77")
	hello := func(text string) func(net.Conn) {
		return func(c net.Conn) { _, _ = c.Write([]byte(text + "\r\n")); c.Close() }
	}
	w.listen(t, "203.0.114.3:25", hello("smtp"))
	w.listen(t, "203.0.114.3:993", hello("imap"))
	w.listen(t, "203.0.114.3:22", hello("SSH-2.0-OpenSSH_9.2p1 Debian"))
	l := w.looker(false, func(n *Needs) {
		n.Kinds = map[target.Kind]Probe{
			target.SMTP: saysAt, target.IMAP: saysAt, target.Matrix: asks("/"), target.XMPPClient: asks(":81/"), target.XMPPServer: asks(":84/"), target.NodeInfo: asks("/"),
			target.DNS: func(ctx context.Context, a *Attempt, t target.Target) error { return nil },
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	all, err := l.Detect(ctx, "Chaton-C.test")
	want := "http http://chaton-c.test/; nodeinfo chaton-c.test; matrix chaton-c.test; xmpp_client chaton-c.test; smtp mx.chaton-c.test:25; imap imap.chaton-c.test:993; dns chaton-c.test"
	if err != nil || shown(all) != want || slices.ContainsFunc(all, func(t target.Target) bool { return t.Local }) {
		t.Errorf("%s, %v", shown(all), err)
	}
	if all, err = l.Detect(ctx, "mx.chaton-c.test:22"); err != nil || shown(all) != "tcp mx.chaton-c.test:22 SSH-2.0-=" {
		t.Errorf("%s, %v", shown(all), err)
	}
	if _, err = l.Detect(ctx, "silent.chaton-c.test"); core.CodeOf(err) != core.CodeUnsure {
		t.Error(err)
	}
	if _, err = l.Detect(ctx, "nobody.chaton-c.test"); core.CodeOf(err) != core.CodeUnsure {
		t.Error(err)
	}
	for host, want := range map[string]bool{"router.chaton-c.test": true, "192.168.7.1": true, "chaton-c.test": false, "nobody.chaton-c.test": false} {
		if l.inside(ctx, host) != want {
			t.Errorf("%s: inside is not %t", host, want)
		}
	}
}
