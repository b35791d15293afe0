package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Keyring says where a member is and which keys it signs with now; the logbook is
// one.
type Keyring interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	URL(ctx context.Context, id core.MemberID) (string, error)
}

// Needs is what both ends are made of.
type Needs struct {
	Signer  seal.Signer
	Keyring Keyring
	// Dial replaces the network; nil is the real one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Private allows plain http and addresses of this machine or its network:
	// for demos and tests.
	Private bool
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	// defaultLimit bounds an answer, in bytes, when the request names no bound.
	defaultLimit = 1 << 20
	// errorLimit bounds the body of an error answer.
	errorLimit = 8 << 10
)

// Client sends requests to members. Safe for concurrent use.
type Client struct {
	n    Needs
	http *http.Client
}

// NewClient makes a client. It holds a few idle connections per member.
func NewClient(n Needs) *Client {
	transport := &http.Transport{
		DialContext:         n.dialer(),
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS13},
		TLSHandshakeTimeout: 10 * time.Second,
		// A body that asks first ("Expect: 100-continue") is not sent to be refused.
		ExpectContinueTimeout:  5 * time.Second,
		ResponseHeaderTimeout:  90 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        32 << 10,
		ReadBufferSize:         32 << 10,
	}
	return &Client{n: n, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
}

// noRedirect: a member's address is signed; nobody sends us elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (n Needs) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	if n.Dial != nil {
		return n.Dial
	}
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !n.Private {
		// Addresses come from strangers' documents; the guard sees what the name
		// resolved to, so rebinding does not help.
		d.Control = ssrf.New(ssrf.WithPorts(80, 443, 7480)).Safe
	}
	return d.DialContext
}

// Request is one call to a member.
type Request struct {
	Method string
	Path   string     // begins with a slash, escaped
	Query  url.Values // may be nil
	Header http.Header
	// Body is streamed; Length is its size in bytes. Covered is a small body that
	// the signature covers; it excludes Body.
	Body    io.Reader
	Length  int64
	Covered []byte
	// Limit bounds the answer's body in bytes; 0 = 1 MiB.
	Limit int64
}

// Do sends a signed request. The caller closes the answer's body, which ends in
// an error past the limit. An answer other than 2xx comes back as core.Error with
// the member in Args; a member that cannot be reached is CodeUnsure.
func (c *Client) Do(ctx context.Context, to core.MemberID, r Request) (*http.Response, error) {
	base, err := c.n.Keyring.URL(ctx, to)
	if err != nil {
		return nil, err
	}
	target, err := c.target(base, r)
	if err != nil {
		return nil, core.Invalid("peer.bad_address", err).With("Member", to)
	}
	req, err := r.build(ctx, target)
	if err != nil {
		return nil, core.Invalid("peer.bad_address", err).With("Member", to)
	}
	if err := sign(req, c.n.Signer, to, r.Covered, c.n.Now()); err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, core.Unsure("peer.unreachable", fmt.Errorf("%s %s at %s: %w", r.Method, r.Path, to, plain(err))).With("Member", to)
	}
	limit := r.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, readError(res, to)
	}
	res.Body = &limited{Reader: io.LimitReader(res.Body, limit+1), Closer: res.Body, left: limit}
	return res, nil
}

// plain takes the address out of net/http's errors: it is in ours already.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (c *Client) target(base string, r Request) (string, error) {
	if !strings.HasPrefix(base, "https://") && !c.n.Private {
		return "", fmt.Errorf("%.120q is not https", base)
	}
	target := strings.TrimSuffix(base, "/") + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	return target, nil
}

func (r Request) build(ctx context.Context, target string) (*http.Request, error) {
	body := r.Body
	if r.Covered != nil {
		body = bytes.NewReader(r.Covered)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "entrechat")
	if r.Covered != nil {
		req.Header.Set("Content-Type", "application/json")
	} else if r.Body != nil {
		req.ContentLength = r.Length
	}
	return req, nil
}

// limited is a body that fails past its bound instead of ending short.
type limited struct {
	io.Reader
	io.Closer
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errors.New("answer is longer than allowed")
	}
	return n, err
}

// JSON sends in (nil: no body) and reads the answer into out (nil: ignored),
// passing over members it does not know.
func (c *Client) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error { //nolint:revive // a call is whom, what, in and out
	r := Request{Method: method, Path: path}
	if in != nil {
		body, err := wire.Encode(in)
		if err != nil {
			return err
		}
		r.Covered = body
	}
	res, err := c.Do(ctx, to, r)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return core.Unsure("peer.unreachable", fmt.Errorf("read answer of %s: %w", to, err)).With("Member", to)
	}
	if out == nil {
		return nil
	}
	return wire.Peek(data, out)
}

// failure is the body of every error answer.
type failure struct {
	Code core.Code `json:"code"`
	Key  string    `json:"key"`
	Text string    `json:"text,omitempty"`
}

// readError turns an answer other than 2xx into an error; the peer's text is only
// for the log.
func readError(res *http.Response, to core.MemberID) error {
	defer res.Body.Close() //nolint:errcheck // nothing to save
	data, _ := io.ReadAll(io.LimitReader(res.Body, errorLimit))
	var f failure
	if wire.Peek(data, &f) != nil || len(f.Key) > 80 {
		f = failure{}
	}
	key := f.Key
	if key == "" {
		key = "peer.refused"
	}
	return (&core.Error{
		Code: core.CodeFromHTTP(res.StatusCode), Key: key,
		Err: fmt.Errorf("%s answered %d %s %.200q", to, res.StatusCode, f.Key, f.Text),
	}).With("Member", to).With("Status", res.StatusCode)
}

// Fetch gets a public document of anybody, unsigned, at most limit bytes.
// Returns CodeNotFound, CodeUnsure, or CodeInvalid for an address we do not call.
func (c *Client) Fetch(ctx context.Context, address string, limit int64) ([]byte, http.Header, error) {
	res, err := c.Get(ctx, address, "", limit)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, core.Unsure("peer.unreachable", fmt.Errorf("read %s: %w", address, err)).With("Member", address)
	}
	return data, res.Header, nil
}

// Get is Fetch with a condition: etag may be empty; an unchanged document answers
// with status 304 and no body. The caller closes the body.
func (c *Client) Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || !c.n.Private)) {
		return nil, core.Invalid("peer.bad_address", fmt.Errorf("%.120q is not an https address", address)).With("Member", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, core.Invalid("peer.bad_address", err).With("Member", address)
	}
	req.Header.Set("User-Agent", "entrechat")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, core.Unsure("peer.unreachable", fmt.Errorf("get %s: %w", address, plain(err))).With("Member", u.Host)
	}
	if res.StatusCode == http.StatusNotModified || res.StatusCode >= 200 && res.StatusCode < 300 {
		res.Body = &limited{Reader: io.LimitReader(res.Body, limit+1), Closer: res.Body, left: limit}
		return res, nil
	}
	return nil, readError(res, core.MemberID(u.Host))
}

// CloseIdle drops idle connections, so that a stopping node leaves none behind.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }
