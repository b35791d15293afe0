package look

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/target"
)

// looker looks at this machine.
func looker(t testing.TB, change ...func(*Needs)) *Looker {
	t.Helper()
	n := Needs{Private: true, Agent: "entrechat-test", Now: time.Now}
	for _, c := range change {
		c(&n)
	}
	return New(n)
}

func TestLookHTTP(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "entrechat-test" {
			t.Errorf("User-Agent %q", r.UserAgent())
		}
		_, _ = w.Write([]byte(`{"state":"fine","n":12,"list":[{"a/b":true}]}`))
	})
	mux.HandleFunc("/503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	mux.HandleFunc("/to-ok", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	safe := httptest.NewTLSServer(mux)
	t.Cleanup(safe.Close)
	roots := x509.NewCertPool()
	roots.AddCert(safe.Certificate())
	l := looker(t, func(n *Needs) { n.Roots = roots })
	stranger := looker(t)
	for name, c := range map[string]struct {
		address string
		expect  target.Expect
		by      *Looker
		want    Class
	}{
		"a page":                      {plain.URL + "/ok", target.Expect{}, l, Fine},
		"a page over TLS":             {safe.URL + "/ok", target.Expect{}, l, Fine},
		"an authority we do not know": {safe.URL + "/ok", target.Expect{}, stranger, Cert},
		"its text":                    {plain.URL + "/ok", target.Expect{Text: "fine"}, l, Fine},
		"another text":                {plain.URL + "/ok", target.Expect{Text: "Pad"}, l, Content},
		"what must not be there":      {plain.URL + "/ok", target.Expect{Absent: "fine"}, l, Content},
		"a pointer":                   {plain.URL + "/ok", target.Expect{Pointer: "/list/0/a~1b", Value: "true"}, l, Fine},
		"a number":                    {plain.URL + "/ok", target.Expect{Pointer: "/n", Value: "12"}, l, Fine},
		"another number":              {plain.URL + "/ok", target.Expect{Pointer: "/n", Value: "13"}, l, Content},
		"no such pointer":             {plain.URL + "/ok", target.Expect{Pointer: "/list/1"}, l, Content},
		"a server's mistake":          {plain.URL + "/503", target.Expect{}, l, HTTP5xx},
		"a mistake that is expected":  {plain.URL + "/503", target.Expect{Status: []string{"5xx"}}, l, Fine},
		"not found":                   {plain.URL + "/404", target.Expect{}, l, HTTP4xx},
		"a redirect":                  {plain.URL + "/to-ok", target.Expect{Text: "fine"}, l, Fine},
		"a redirect for its own sake": {plain.URL + "/to-ok", target.Expect{Status: []string{"302"}}, l, Fine},
		"a redirect without end":      {plain.URL + "/loop", target.Expect{}, l, Content},
		"TLS where there is none":     {strings.Replace(plain.URL, "http:", "https:", 1), target.Expect{}, l, TLS},
		"a port for mail":             {"http://127.0.0.1:25/", target.Expect{}, l, Blocked},
		"a user in the address":       {"http://a:b@127.0.0.1/", target.Expect{}, l, Blocked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.by.Look(t.Context(), target.Target{Kind: target.HTTP, Address: c.address, Expect: c.expect})
			if r.Class != c.want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, c.want)
			}
			if safe := strings.HasPrefix(c.address, "https://"); safe && r.Class != TLS && (r.Leaf == [32]byte{} || r.Ends == 0) {
				t.Errorf("no certificate noted: %+v", r)
			}
		})
	}
}

func TestLookPorts(t *testing.T) {
	t.Parallel()
	serve := func(then func(net.Conn)) string {
		s, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		go func() {
			for {
				c, err := s.Accept()
				if err != nil {
					return
				}
				go then(c)
			}
		}()
		return s.Addr().String()
	}
	hangs := serve(func(net.Conn) {})
	cuts := serve(func(c net.Conn) { c.Close() })
	greets := serve(func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-x\r\n")) })
	resets := serve(func(c net.Conn) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
	})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	l := looker(t)
	for name, c := range map[string]struct {
		kind    target.Kind
		address string
		text    string
		want    Class
	}{
		"it waits for us":        {target.TCP, hangs, "", Fine},
		"it cuts what it took":   {target.TCP, cuts, "", Reset},
		"it resets what it took": {target.TCP, resets, "", Reset},
		"its greeting":           {target.TCP, greets, "SSH-2.0", Fine},
		"another greeting":       {target.TCP, greets, "220 ", Content},
		"no greeting":            {target.TCP, hangs, "220 ", Timeout},
		"nobody there":           {target.TCP, gone.Addr().String(), "", Refused},
		"no TLS, no answer":      {target.TLS, hangs, "", Timeout},
		"no TLS but a greeting":  {target.TLS, greets, "", TLS},
		"no TLS, cut":            {target.TLS, resets, "", Reset},
		"no such name":           {target.TCP, "nobody.invalid:80", "", DNS},
		"no address":             {target.TCP, "127.0.0.1", "", Blocked},
		"a kind nobody knows":    {"gopher", "127.0.0.1:70", "", Unfit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			r := l.Look(ctx, target.Target{Kind: c.kind, Address: c.address, Expect: target.Expect{Text: c.text}})
			if r.Class != c.want {
				t.Errorf("%q (%s), not %q", r.Class, r.Detail, c.want)
			}
		})
	}
}

func TestStopIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := looker(t, func(n *Needs) {
		n.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	if r := l.Look(ctx, target.Target{Kind: target.TCP, Address: "a.test:1"}); r.Class != Unfit {
		t.Errorf("%+v", r)
	}
}

func TestNoRoomForPanics(t *testing.T) {
	t.Parallel()
	l := looker(t, func(n *Needs) {
		n.Kinds = map[target.Kind]Probe{"x": func(context.Context, *Attempt, target.Target) error { panic("no") }}
	})
	if r := l.Look(t.Context(), target.Target{Kind: "x"}); r.Class != Unfit {
		t.Errorf("%+v", r)
	}
}
