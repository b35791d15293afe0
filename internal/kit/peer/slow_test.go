package peer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
)

// Time in these tests is synctest's: an hour of waiting takes none.

// pipes is a listener whose connections are in memory.
type pipes struct {
	arrived chan net.Conn
	closed  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arrived:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.arrived <- theirs
	return ours, nil
}

// slowly runs fn in a bubble with a server of one route and a client of it.
func slowly(t *testing.T, h http.Handler, fn func(t *testing.T, c *peer.Client)) {
	synctest.Test(t, func(t *testing.T) {
		line := pipes{make(chan net.Conn), make(chan struct{})}
		b := newSigner(t, other)
		keys := ring{keys: map[core.MemberID]ed25519.PublicKey{other: b.Public()}, url: "http://a.test"}
		quiet := slog.New(slog.DiscardHandler)
		if h == nil {
			route := peer.Route{Pattern: "POST /slow", MaxBody: 1 << 40, Handle: handle(slowRoute)}
			h = peer.NewHandler(peer.Needs{Signer: newSigner(t, self), Keyring: keys, Now: time.Now, Log: quiet}, []peer.Route{route})
		}
		server := peer.NewServer("", h)
		done := make(chan error, 1)
		go func() { done <- server.Serve(line) }()
		c := peer.NewClient(peer.Needs{Signer: b, Keyring: keys, Dial: line.dial, Private: true, Now: time.Now, Log: quiet})
		fn(t, c)
		c.CloseIdle()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute) // a drip that nobody waits for notices at its next drop
	})
}

// slowRoute reads all of a body, works for two minutes, and answers 200 kB.
func slowRoute(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Query().Has("unread") {
		return core.Full("vault.quota_full", errors.New("no"))
	}
	buffer := make([]byte, 16<<10)
	for {
		_, err := io.ReadFull(r.Body, buffer)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
		if r.URL.Query().Has("disk") {
			time.Sleep(45 * time.Second) // a disk that is busy with something else
		}
	}
	select {
	case <-r.Context().Done():
		return r.Context().Err()
	case <-time.After(2 * time.Minute):
	}
	_, err := w.Write(make([]byte, 200_000))
	return err
}

// drip gives parts of a body, one at each interval.
type drip struct {
	every time.Duration
	part  []byte
	parts int
}

func (d *drip) Read(p []byte) (int, error) {
	if d.parts == 0 {
		return 0, io.EOF
	}
	d.parts--
	time.Sleep(d.every)
	return copy(p, d.part), nil
}

func ask(t *testing.T, c *peer.Client, query string, body io.Reader, length int64) (*http.Response, error) {
	t.Helper()
	return c.Do(t.Context(), self, peer.Request{
		Method: "POST", Path: "/slow?" + query, Body: body, Length: length, Patience: 5 * time.Minute,
	})
}

func TestSlowButAlive(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		body  *drip
	}{
		"16 KiB in 25 s, for an hour":     {"", &drip{25 * time.Second, make([]byte, 16<<10), 144}},
		"a disk that takes 45 s for each": {"disk", &drip{0, make([]byte, 16<<10), 20}},
		"chunks of any size":              {"", &drip{time.Second, make([]byte, 1000), 600}},
	} {
		t.Run(name, func(t *testing.T) {
			slowly(t, nil, func(t *testing.T, client *peer.Client) {
				length := int64(len(c.body.part) * c.body.parts)
				res, err := ask(t, client, c.query, c.body, length)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if n, err := io.Copy(io.Discard, res.Body); n != 200_000 || err != nil {
					t.Errorf("%d bytes, %v", n, err)
				}
			})
		})
	}
}

func TestDrippingBodyIsCut(t *testing.T) {
	slowly(t, nil, func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		_, err := ask(t, c, "", &drip{time.Second, []byte("x"), 4 << 10}, 4<<10)
		if err == nil || time.Since(begun) > time.Minute {
			t.Errorf("a byte a second for %s: %v", time.Since(begun), err)
		}
	})
}

// A refusal does not wait for the body it refuses.
func TestRefusalDoesNotWait(t *testing.T) {
	slowly(t, nil, func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		_, err := ask(t, c, "unread", &drip{time.Minute, make([]byte, 1000), 100}, 100_000)
		if err == nil || time.Since(begun) > 2*time.Minute {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
	slowly(t, nil, func(t *testing.T, c *peer.Client) {
		body := &drip{0, make([]byte, 32<<10), 1000}
		_, err := ask(t, c, "unread", body, 32<<10*1000)
		wants(t, "large body", err, core.CodeFull, "vault.quota_full")
		if body.parts != 1000 {
			t.Errorf("%d parts were sent to be refused", 1000-body.parts)
		}
	})
}

// A member that says nothing is left; one whose answer we are slow to take is not.
func TestStalls(t *testing.T) {
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	slowly(t, silent, func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		_, err := c.Do(t.Context(), self, peer.Request{Method: "GET", Path: "/"})
		wants(t, "silence", err, core.CodeUnsure, "peer.unreachable")
		if took := time.Since(begun); took != 90*time.Second {
			t.Errorf("left after %s", took)
		}
	})
	slowly(t, nil, func(t *testing.T, c *peer.Client) {
		res, err := ask(t, c, "", bytes.NewReader(nil), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		for range 3 {
			time.Sleep(20 * time.Second) // we are busy; the server waits 30
			if _, err := io.CopyN(io.Discard, res.Body, 60_000); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// dripping answers parts of n bytes, one at each interval.
func dripping(every time.Duration, n, parts int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range parts {
			if _, err := w.Write(bytes.Repeat([]byte(" "), n)); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
		}
	})
}

// Progress decides how long an answer may take, not its length: a member that drips is
// left within a minute, a slow line that gets on is waited for as long as it takes.
func TestDrippingAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		every    time.Duration
		n, parts int
		whole    bool
	}{
		"a byte every 15 s":                  {15 * time.Second, 1, 10_000, false},
		"1 kB every 15 s":                    {15 * time.Second, 1000, 10_000, false},
		"16 KiB in 29 s, for eight hours":    {29 * time.Second, 16 << 10, 1000, true},
		"a small answer that takes its time": {5 * time.Second, 100, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			slowly(t, dripping(c.every, c.n, c.parts), func(t *testing.T, client *peer.Client) {
				begun := time.Now()
				res, err := client.Do(t.Context(), self, peer.Request{Method: "GET", Path: "/", Limit: 64 << 20})
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				n, err := io.Copy(io.Discard, res.Body)
				took := time.Since(begun)
				if c.whole && (err != nil || n != int64(c.n*c.parts)) {
					t.Errorf("%d bytes in %s, %v", n, took, err)
				}
				if !c.whole {
					wants(t, name, err, core.CodeUnsure, "peer.unreachable")
					if took > time.Minute {
						t.Errorf("left after %s", took)
					}
				}
			})
		})
	}
}

// A member that takes what we send a byte at a time is left too.
func TestDrippingTaker(t *testing.T) {
	sips := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		one := make([]byte, 1)
		for range 40 {
			if _, err := r.Body.Read(one); err != nil {
				return
			}
			time.Sleep(15 * time.Second)
		}
	})
	slowly(t, sips, func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		_, err := c.Do(t.Context(), self, peer.Request{Method: "POST", Path: "/", Body: bytes.NewReader(make([]byte, 4<<20)), Length: 4 << 20})
		wants(t, "sips", err, core.CodeUnsure, "peer.unreachable")
		if took := time.Since(begun); took > 3*time.Minute {
			t.Errorf("left after %s", took)
		}
		time.Sleep(10 * time.Minute) // until it has sipped enough
	})
}

// A call that moves little ends as a whole, however its answer gets on.
func TestSmallCallEnds(t *testing.T) {
	slowly(t, dripping(29*time.Second, 16<<10, 60), func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		err := c.JSON(t.Context(), self, "POST", "/", map[string]int{}, nil)
		wants(t, "a document at a drip", err, core.CodeUnsure, "peer.unreachable")
		if took := time.Since(begun); took != peer.SmallCall {
			t.Errorf("left after %s", took)
		}
	})
	slowly(t, dripping(29*time.Second, 16<<10, 60), func(t *testing.T, c *peer.Client) {
		begun := time.Now()
		_, _, err := c.Fetch(t.Context(), "http://a.test/", 2<<20)
		wants(t, "anybody's document at a drip", err, core.CodeUnsure, "peer.unreachable")
		if took := time.Since(begun); took != peer.SmallCall {
			t.Errorf("a stranger was left after %s", took)
		}
	})
}

// A reader that takes nothing of its answer does not hold the handler.
func TestAnswerNobodyTakes(t *testing.T) {
	slowly(t, nil, func(t *testing.T, c *peer.Client) {
		res, err := ask(t, c, "", bytes.NewReader(nil), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		time.Sleep(2 * time.Minute)
		if n, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Errorf("%d bytes after two minutes of nothing", n)
		}
	})
}
