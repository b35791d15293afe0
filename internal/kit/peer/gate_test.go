package peer_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
)

// Sixteen strangers, four of them waiting, and forty members at once.
const crowd, strangers, waiters = 64, 16, 4

// newGate is a pair whose server stands behind a small gate, with pages beside the
// routes, as a node has them.
func newGate(t *testing.T, page http.HandlerFunc, routes ...peer.Route) *pair {
	t.Helper()
	p := newPair(t)
	gate := peer.NewGate(crowd, nil)
	needs := peer.Needs{Signer: newSigner(t, self), Keyring: p.keys, Gate: gate, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	mux := http.NewServeMux()
	mux.Handle("/ec/", peer.NewHandler(needs, routes))
	mux.Handle("/", gate.Pages(page, time.Now, func(w http.ResponseWriter, _ *http.Request, err error) { peer.WriteError(w, err) }))
	p.server = httptest.NewUnstartedServer(mux)
	p.server.Config = peer.NewServer("", mux)
	p.server.Listener = peer.Bounded(p.server.Listener, crowd)
	p.server.Start()
	t.Cleanup(p.server.Close)
	p.keys.url = p.server.URL
	p.needs.Keyring, p.needs.Now = p.keys, time.Now
	p.client = peer.NewClient(p.needs)
	return p
}

// begin sends the beginning of a request on a connection of its own.
func (p *pair) begin(t *testing.T, text string) net.Conn {
	t.Helper()
	conn := dial(t.Context(), t, p.server.Listener.Addr().String())
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// status is what a request is answered, and its headers.
func status(t *testing.T, conn net.Conn) (int, http.Header) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Close {
		res.Header.Set("Connection", "close") // the client took it away
	}
	return res.StatusCode, res.Header
}

func (p *pair) get(t *testing.T, path string) (int, http.Header) {
	t.Helper()
	return status(t, p.begin(t, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"))
}

// holding is a route whose requests last until the test lets go.
func holding(waits func(*http.Request) bool) (route peer.Route, held <-chan core.MemberID, release chan struct{}) {
	arrived, release := make(chan core.MemberID, 100), make(chan struct{})
	return peer.Route{Pattern: "GET /ec/hold", Public: true, Waits: waits, Handle: func(_ http.ResponseWriter, _ *http.Request, from core.MemberID) error {
		arrived <- from
		<-release
		return nil
	}}, arrived, release
}

func TestStrangersHaveTheirOwnPlaces(t *testing.T) {
	fine := func(http.ResponseWriter, *http.Request) {}
	for name, waits := range map[string]func(*http.Request) bool{"ordinary": nil, "waiting": func(*http.Request) bool { return true }} {
		t.Run(name, func(t *testing.T) {
			route, held, release := holding(waits)
			p := newGate(t, fine, route)
			places := map[bool]int{true: strangers, false: waiters}[waits == nil]
			for range places {
				p.begin(t, "GET /ec/hold HTTP/1.1\r\nHost: a\r\n\r\n")
			}
			for range places {
				<-held
			}
			code, head := p.get(t, "/ec/hold")
			if code != http.StatusServiceUnavailable || head.Get("Retry-After") == "" || head.Get("Connection") != "close" {
				t.Errorf("one stranger more: %d %v", code, head)
			}
			want := map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK}[waits == nil]
			if code, _ := p.get(t, "/"); code != want {
				t.Errorf("a visitor's page: %d, want %d", code, want)
			}
			done := make(chan error, 1)
			go func() { done <- p.call(t, peer.Request{Method: "GET", Path: "/ec/hold"}) }()
			select {
			case from := <-held:
				if from != other {
					t.Errorf("%q came in", from)
				}
			case err := <-done:
				t.Errorf("a member is kept out: %v", err)
			}
			close(release)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever sends next to nothing gives way to who comes after.
func TestTheSlowestGivesWay(t *testing.T) {
	begun := make(chan struct{}, 100)
	p := newGate(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	})
	var slow []net.Conn
	for range strangers {
		slow = append(slow, p.begin(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx"))
		<-begun
	}
	if code, _ := p.get(t, "/"); code != http.StatusOK {
		t.Fatalf("a visitor is answered %d", code)
	}
	// One is told to go, whenever that reaches us; the others hear nothing.
	ended := make(chan error, strangers)
	for _, conn := range slow {
		go func() {
			_, err := conn.Read(make([]byte, 1))
			ended <- err
		}()
	}
	t.Logf("one had to go: %v", <-ended)
	for _, conn := range slow {
		if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	for range strangers - 1 {
		var timeout net.Error
		if err := <-ended; !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("a second slow one had to go for one visitor: %v", err)
		}
	}
}

// A connection without a request, or with half of one, makes room for a new one; that
// of an admitted request stays.
func TestConnectionsAreBounded(t *testing.T) {
	route, held, release := holding(nil)
	p := newGate(t, func(http.ResponseWriter, *http.Request) {}, route)
	busy := p.begin(t, "GET /ec/hold HTTP/1.1\r\nHost: a\r\n\r\n")
	<-held
	first := p.begin(t, "GET / HTTP/1.1\r\nX-Slow: ")
	for range crowd + 10 {
		p.begin(t, "GET / HTTP/1.1\r\nX-Slow: ")
	}
	if code, _ := p.get(t, "/"); code != http.StatusOK {
		t.Errorf("the newest is answered %d", code)
	}
	if err := first.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := first.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the oldest is still connected")
	}
	close(release)
	if code, _ := status(t, busy); code != http.StatusOK {
		t.Errorf("an admitted request is answered %d", code)
	}
}

func TestRoomForFiles(t *testing.T) {
	for files, want := range map[uint64]peer.Room{0: {32, 8}, 200: {80, 25}, 1024: {409, 128}, 1 << 63: {1024, 256}} {
		if got := peer.RoomFor(files); got != want {
			t.Errorf("%d files: %+v, want %+v", files, got, want)
		}
	}
}

// What net/http has to tell of a connection names nobody's address.
func TestErrorLogNamesNobody(t *testing.T) {
	var out strings.Builder
	server := peer.NewServer("", nil)
	peer.LogTo(server, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, from := range []string{"192.0.2.7:4711", "[2001:db8::7]:4711"} {
		server.ErrorLog.Printf("http: TLS handshake error from %s: EOF", from)
		server.ErrorLog.Printf("http: panic serving %s: boom", from)
	}
	if text := out.String(); strings.Contains(text, "4711") || strings.Count(text, "EOF") != 2 || strings.Count(text, "boom") != 2 {
		t.Error(text)
	}
}

// One address has a part of the strangers' places, whatever it writes into the header
// that a proxy of ours fills; nobody counts as the proxy itself.
func TestOneAddressLeavesRoom(t *testing.T) {
	route, held, release := holding(nil)
	p := newGate(t, func(http.ResponseWriter, *http.Request) {}, route)
	send := func(i int, last string) net.Conn {
		return p.begin(t, fmt.Sprintf("GET /ec/hold HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.%d\r\nX-Forwarded-For: %s\r\n\r\n", i, last))
	}
	for i := range strangers / 4 {
		send(i, "198.51.100.7")
		<-held
	}
	if code, _ := status(t, send(99, "198.51.100.7")); code != http.StatusTooManyRequests {
		t.Errorf("one more from there is answered %d", code)
	}
	send(100, "198.51.100.8")
	<-held
	close(release)
}

// What strangers and visitors ask the database for is marked as theirs, what a member
// asks for is not.
func TestStrangersAreGuestsOfTheDatabase(t *testing.T) {
	marked := make(chan bool, 1)
	note := func(r *http.Request) { marked <- db.IsGuest(r.Context()) }
	p := newGate(t, func(_ http.ResponseWriter, r *http.Request) { note(r) }, peer.Route{
		Pattern: "GET /ec/who", Public: true,
		Handle: func(_ http.ResponseWriter, r *http.Request, _ core.MemberID) error {
			note(r)
			return nil
		},
	})
	for _, path := range []string{"/ec/who", "/"} {
		if p.get(t, path); !<-marked {
			t.Errorf("%s: a stranger is asked for like a member", path)
		}
	}
	if err := p.call(t, peer.Request{Method: "GET", Path: "/ec/who"}); err != nil || <-marked {
		t.Errorf("a member is taken for a guest, or refused: %v", err)
	}
}
