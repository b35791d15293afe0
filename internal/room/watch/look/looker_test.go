package look

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
	l := New(n)
	l.pause = 20 * time.Millisecond
	return l
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
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	t.Cleanup(plain.Close)
	safe := httptest.NewUnstartedServer(mux)
	safe.Config.ErrorLog = quiet
	safe.StartTLS()
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
	hangs := serve(func(c net.Conn) { <-t.Context().Done(); c.Close() })
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

// TestAttempts tells, on fake time, when the second attempt begins and what counts.
func TestAttempts(t *testing.T) {
	t.Parallel()
	wait := func(d time.Duration, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			select {
			case <-time.After(d):
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	hangs := wait(time.Hour, nil)
	for name, c := range map[string]struct {
		first, second func(context.Context) error
		within        time.Duration // 0 = no bound of the caller's
		want          Class
		took, latency time.Duration
		times         int
	}{
		"well at once":              {wait(time.Second, nil), nil, 0, Fine, time.Second, time.Second, 1},
		"well, but late":            {wait(9*time.Second, nil), hangs, 0, Fine, 9 * time.Second, 9 * time.Second, 2},
		"well the second time":      {wait(time.Second, Fail(HTTP5xx, "")), wait(time.Second, nil), 0, Fine, 3 * time.Second, time.Second, 2},
		"twice the same":            {wait(time.Second, Fail(HTTP5xx, "")), wait(0, Fail(Content, "")), 0, Content, 2 * time.Second, 2 * time.Second, 2},
		"hangs, then well":          {hangs, wait(time.Second, nil), 0, Fine, 5500 * time.Millisecond, time.Second, 2},
		"hangs twice":               {hangs, hangs, 0, Timeout, Bound, Bound, 2},
		"hangs, then fails":         {hangs, wait(0, Fail(Reset, "")), 0, Timeout, Bound, Bound, 2},
		"we do not call it":         {wait(0, Fail(Blocked, "")), nil, 0, Blocked, 0, 0, 1},
		"a voter has four seconds":  {hangs, hangs, 4 * time.Second, Timeout, 4 * time.Second, 4 * time.Second, 2},
		"a voter's second attempt":  {hangs, wait(time.Second, nil), 4 * time.Second, Fine, 2800 * time.Millisecond, time.Second, 2},
		"no time for a second":      {wait(600*time.Millisecond, Fail(HTTP5xx, "")), nil, 1500 * time.Millisecond, HTTP5xx, 600 * time.Millisecond, 600 * time.Millisecond, 1},
		"a probe that does not end": {func(context.Context) error { <-time.After(time.Minute); return nil }, hangs, 0, Timeout, Bound, Bound, 2},
		"we are not fit":            {wait(0, Fail(Unfit, "")), nil, 0, Unfit, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var times atomic.Int64
				l := New(Needs{Now: time.Now, Kinds: map[target.Kind]Probe{"x": func(ctx context.Context, a *Attempt, _ target.Target) error {
					times.Add(1)
					if a.Again() {
						return c.second(ctx)
					}
					return c.first(ctx)
				}}})
				ctx, begun := t.Context(), time.Now()
				if c.within > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.within)
					defer cancel()
				}
				r := l.Look(ctx, target.Target{Kind: "x"})
				if took := time.Since(begun); r.Class != c.want || took < c.took || took > c.took+grace || r.Latency < c.latency || r.Latency > c.latency+grace || int(times.Load()) != c.times {
					t.Errorf("%d attempts in %s: %+v", times.Load(), took, r)
				}
				time.Sleep(2 * time.Minute) // until the last probe is gone
			})
		})
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(Needs{Now: time.Now, Kinds: map[target.Kind]Probe{"x": func(context.Context, *Attempt, target.Target) error {
			<-time.After(2 * time.Second)
			return nil
		}}})
		for slow, want := range map[int64]Class{0: Fine, 2000: Slow, 2001: Fine} {
			if r := l.Look(t.Context(), target.Target{Kind: "x", Expect: target.Expect{Slow: slow}}); r.Class != want {
				t.Errorf("%d ms: %+v", slow, r)
			}
		}
	})
}

// The bound of a network is asked before each connection to what is not ours.
func TestNetworkHasItsTurn(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	full := func(n *Needs) {
		n.Self = "chaton-a.test"
		n.Network = func(context.Context, netip.Addr) error {
			asked.Add(1)
			return errors.New("full")
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	l := looker(t, full)
	theirs := target.Target{Owner: "chaton-b.test", Kind: target.HTTP, Address: s.URL}
	if r := l.Look(t.Context(), theirs); r.Class != Unfit || asked.Load() == 0 {
		t.Errorf("%q %s, asked %d times", r.Class, r.Detail, asked.Load())
	}
	asked.Store(0)
	ours := theirs
	ours.Owner = "chaton-a.test"
	if r := l.Look(t.Context(), ours); r.Class != Fine || asked.Load() != 0 {
		t.Errorf("ours: %q %s, asked %d times", r.Class, r.Detail, asked.Load())
	}
}
