package peer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/base64"
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

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Keyring says where a member is and which keys it signs with now; the logbook is
// one. A member it does not know is CodeNotFound.
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
	// Reading, when not empty, is the document by which the root key lets Signer's key
	// read: it goes with every request, and no other request is sent.
	Reading []byte
	// Private allows plain http and addresses of this machine or its network:
	// for demos and tests.
	Private bool
	// DB, with Migrations applied, is where a Handler notes what must not be forgotten at
	// a start; nil = nowhere.
	DB *db.DB
	// Gate is that of the listener a Handler stands behind; nil = one of its own.
	Gate *Gate
	Now  func() time.Time
	Log  *slog.Logger
}

const (
	// defaultLimit bounds an answer, in bytes, when the request names no bound.
	defaultLimit = 1 << 20
	// defaultPatience is how long a member is waited for before its answer begins; a
	// long poll (50 s) must fit in.
	defaultPatience = 90 * time.Second
	// SmallCall bounds the whole of a call that moves little: a document, a list of
	// names, a proof. Bulk data has no such bound; see Request.
	SmallCall = 2 * time.Minute
	// large is the size in bytes from which a body asks first.
	large = 1 << 20
)

// Client sends requests to members. Safe for concurrent use.
type Client struct {
	n    Needs
	http *http.Client
}

// NewClient makes a client. It holds a few idle connections.
//
// It speaks HTTP/1.1: one shard per connection has all of the line, while HTTP/2
// would share one connection's flow control with whatever proxy stands in between.
func NewClient(n Needs) *Client { return newClient(n, tls.VersionTLS13, noRedirect) }

// NewVisitor makes a client for what strangers publish: it also speaks TLS 1.2 and
// follows a few redirects, each dial guarded, never from https to http. It signs
// nothing, so n needs no Signer and no Keyring.
func NewVisitor(n Needs) *Client { return newClient(n, tls.VersionTLS12, fewRedirects) }

func newClient(n Needs, oldest uint16, redirect func(*http.Request, []*http.Request) error) *Client {
	transport := &http.Transport{
		DialContext:         n.dialer(),
		TLSClientConfig:     &tls.Config{MinVersion: oldest},
		TLSHandshakeTimeout: 10 * time.Second,
		// A body that asks first ("Expect: 100-continue") is not sent to be refused.
		ExpectContinueTimeout:  5 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: 32 << 10,
		WriteBufferSize:        32 << 10,
		ReadBufferSize:         32 << 10,
	}
	return &Client{n: n, http: &http.Client{Transport: transport, CheckRedirect: redirect}}
}

// noRedirect: a member's address is signed; nobody sends us elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// maxRedirects is how often a stranger's server may send us on.
const maxRedirects = 3

func fewRedirects(to *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || via[len(via)-1].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

// Request is one call to a member.
type Request struct {
	Method string
	Path   string     // begins with a slash, escaped
	Query  url.Values // may be nil
	Header http.Header
	// Body is streamed and stays the caller's to close; Length is its size in
	// bytes, -1 when that is not known. net/http may read it for a moment after Do
	// came back. Covered is a small body that the signature covers; it excludes Body.
	Body    io.Reader
	Length  int64
	Covered []byte
	// Limit bounds the answer's body in bytes; 0 = 1 MiB.
	Limit int64
	// Patience bounds the wait for the member to connect, to take each 16 KiB of the
	// body, and to begin its answer; 0 = 90 s. Then each 16 KiB of the answer must come
	// within 30 s of waiting, or the rest of it.
	Patience time.Duration
	// Total bounds the whole call; 0 = none while the member gets on: a large body on a
	// slow line takes what it takes.
	Total time.Duration
}

// Do sends a signed request. The caller closes the answer's body, which fails past
// the limit; its errors have a code. An answer other than 2xx comes back as
// core.Error with the member in Args; a member that cannot be reached is CodeUnsure
// "peer.unreachable".
func (c *Client) Do(ctx context.Context, to core.MemberID, r Request) (*http.Response, error) {
	base, err := c.n.Keyring.URL(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", to, err)
	}
	target, err := c.target(base, r)
	if err != nil {
		return nil, core.Invalid("peer.bad_address", err).With("Member", to)
	}
	if len(c.n.Reading) > 0 && r.Method != http.MethodGet {
		return nil, core.Denied("peer.rehearsal", fmt.Errorf("%s %s from a rehearsal", r.Method, r.Path))
	}
	ctx, stall := watch(ctx, cmp.Or(r.Patience, defaultPatience), r.Total)
	req, err := r.build(ctx, target, stall)
	if err != nil {
		stall.end()
		return nil, core.Invalid("peer.bad_address", err).With("Member", to)
	}
	if len(c.n.Reading) > 0 {
		req.Header.Set(headerReading, base64.StdEncoding.EncodeToString(c.n.Reading))
	}
	sign(req, c.n.Signer, to, r.Covered, c.n.Now())
	res, err := c.send(req, stall, to, cmp.Or(r.Limit, defaultLimit))
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 200 || res.StatusCode > 299 || isPage(res) {
		return nil, readMemberFailure(res, to)
	}
	return res, nil
}

// send exchanges one request for one answer whose body is bounded.
func (c *Client) send(req *http.Request, stall *stall, to core.MemberID, limit int64) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		err = because(req.Context(), plain(err))
		stall.end()
		return nil, unreachable(to, fmt.Errorf("%s %s at %s: %w", req.Method, req.URL.Path, to, err))
	}
	stall.answer()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		limit = max(limit, failureLimit) // who asked for ten bytes reads why there are none
	}
	res.Body = &download{body: res.Body, stall: stall, ctx: req.Context(), from: to, left: limit}
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
	if !strings.HasPrefix(r.Path, "/") {
		return "", fmt.Errorf("path %.120q", r.Path)
	}
	u, err := c.address(base)
	if err != nil {
		return "", err
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%.120q is more than a place", base)
	}
	target := strings.TrimSuffix(base, "/") + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	return target, nil
}

// address reads an address that came from elsewhere.
func (c *Client) address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	secure := u.Scheme == "https" || u.Scheme == "http" && c.n.Private
	if !secure || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil, fmt.Errorf("%.120q is not an https address", text)
	}
	return u, nil
}

func (r Request) build(ctx context.Context, target string, stall *stall) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "entrechat")
	switch {
	case r.Covered != nil:
		req.Header.Set("Content-Type", "application/json")
		req.ContentLength = int64(len(r.Covered))
		// A connection that the member closed meanwhile is tried once more.
		req.GetBody = func() (io.ReadCloser, error) {
			return &upload{Reader: bytes.NewReader(r.Covered), stall: stall}, nil
		}
		req.Body, err = req.GetBody()
	case r.Body != nil && r.Length != 0:
		req.Body, req.ContentLength = &upload{Reader: r.Body, stall: stall}, r.Length
		if r.Length < 0 || r.Length >= large {
			req.Header.Set("Expect", "100-continue")
		}
	}
	return req, err
}

// JSON sends in (nil: no body) and reads the answer into out (nil: ignored),
// passing over members it does not know. It is a SmallCall.
func (c *Client) JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error { //nolint:revive // one call says it all: to whom, what, with what, into what
	r := Request{Method: method, Path: path, Total: SmallCall}
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
	if err != nil || out == nil {
		return err
	}
	if err := wire.Peek(data, out); err != nil {
		return core.Unsure("peer.bad_answer", fmt.Errorf("answer of %s: %w", to, err)).With("Member", to)
	}
	return nil
}

// Fetch gets a public document of anybody, unsigned, at most limit bytes. It is a
// SmallCall. Returns CodeNotFound, CodeUnsure, or CodeInvalid for an address we do not call.
func (c *Client) Fetch(ctx context.Context, address string, limit int64) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, SmallCall)
	defer cancel()
	res, err := c.Get(ctx, address, "", limit)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, err
	}
	return data, res.Header, nil
}

// Get is Fetch with a condition: etag may be empty; an unchanged document answers
// with status 304 and no body. The caller closes the body.
func (c *Client) Get(ctx context.Context, address, etag string, limit int64) (*http.Response, error) {
	return c.Revisit(ctx, address, Seen{ETag: etag}, limit)
}

// Seen is by what a server knows whether the copy somebody keeps is its newest:
// the headers ETag and Last-Modified of when it was had. Empty ones are not sent.
type Seen struct{ ETag, Modified string }

// Revisit is Get for who keeps both marks of a document.
func (c *Client) Revisit(ctx context.Context, address string, seen Seen, limit int64) (*http.Response, error) {
	u, err := c.address(address)
	if err != nil {
		return nil, core.Invalid("peer.bad_address", err).With("Member", shown(address))
	}
	ctx, stall := watch(ctx, defaultPatience, 0)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		stall.end()
		return nil, core.Invalid("peer.bad_address", err).With("Member", u.Host)
	}
	req.Header.Set("User-Agent", "entrechat")
	if seen.ETag != "" {
		req.Header.Set("If-None-Match", seen.ETag)
	}
	if seen.Modified != "" {
		req.Header.Set("If-Modified-Since", seen.Modified)
	}
	from := core.MemberID(u.Host)
	res, err := c.send(req, stall, from, limit)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusNotModified || res.StatusCode >= 200 && res.StatusCode < 300 {
		return res, nil
	}
	return nil, readFailure(res, from)
}

// CloseIdle drops idle connections, so that a stopping node leaves none behind.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }
