package look

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"entrechat/internal/room/watch/target"
)

// socket looks at a web address that upgrades to WebSocket. When a text is expected, the
// first message must hold it.
func socket(ctx context.Context, a *Attempt, t target.Target) error {
	client := &http.Client{
		Transport:     upgrade{a},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	address := strings.Replace(strings.Replace(t.Address, "wss:", "https:", 1), "ws:", "http:", 1)
	c, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"User-Agent": {a.Agent()}},
	})
	if resp != nil && resp.Body != nil {
		defer func() { _ = resp.Body.Close() }() // read whole by the library
	}
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return Fail(statusClass(resp.StatusCode), "status %d instead of a WebSocket", resp.StatusCode)
		}
		return err
	}
	defer func() { _ = c.CloseNow() }() // the look ends with what came
	if t.Expect.Text == "" && t.Expect.Absent == "" {
		return nil
	}
	c.SetReadLimit(MaxRead)
	_, text, err := c.Read(ctx)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(t.Expect.Text)) {
		return Fail(Content, "the expected text is not in the first message")
	}
	if t.Expect.Absent != "" && bytes.Contains(text, []byte(t.Expect.Absent)) {
		return Fail(Content, "in the first message stands what must not be there")
	}
	return nil
}

// upgrade is an http.RoundTripper over an attempt's connections, for one request.
type upgrade struct{ a *Attempt }

// RoundTrip implements http.RoundTripper.
func (u upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := u.a.openWeb(req.Context(), req.URL)
	if err != nil {
		return nil, err
	}
	limit := &io.LimitedReader{R: c, N: MaxRead}
	in := bufio.NewReader(limit)
	resp, err := u.a.exchange(c, req, in, limit)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = talk{in, c}
	}
	return resp, nil
}

// talk is a connection whose first bytes were read already.
type talk struct {
	io.Reader
	net.Conn
}

// Read reads what was buffered first.
func (t talk) Read(p []byte) (int, error) { return t.Reader.Read(p) }
