package look

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxRedirects is how many are followed.
const maxRedirects = 3

// Ask is one GET.
type Ask struct {
	URL    string
	Accept string // the header; empty = anything
	// Final says that an answer of this status is the one that was asked for, also when it
	// leads elsewhere; nil = none that leads elsewhere is.
	Final func(status int) bool
}

// Answer is what came.
type Answer struct {
	URL    *url.URL // of the last request
	Status int
	Header http.Header
	Body   []byte // decompressed, at most MaxRead
	Cut    bool   // there is more of the body
}

// JSON reads the body into v, passing over members it does not know; numbers of a free
// form are json.Number. Returns a ClassError of class Content.
func (w *Answer) JSON(v any) error {
	d := json.NewDecoder(bytes.NewReader(w.Body))
	d.UseNumber()
	err := d.Decode(v)
	if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("something follows it")
	}
	if err != nil {
		if w.Cut {
			return Fail(Content, "the answer is longer than %d KiB", MaxRead>>10)
		}
		return Fail(Content, "no JSON as expected: %v", err)
	}
	return nil
}

// OK returns a ClassError for any status but 200 to 299.
func (w *Answer) OK() error {
	if w.Status >= 200 && w.Status < 300 {
		return nil
	}
	return Fail(statusClass(w.Status), "status %d", w.Status)
}

func statusClass(status int) Class {
	switch {
	case status >= 500:
		return HTTP5xx
	case status >= 400:
		return HTTP4xx
	}
	return Content
}

// Get asks for a web address and follows up to three redirects inside the same registrable
// domain, never from https to http. An answer that leads elsewhere is returned as it is;
// one that leads to a bare address or to no web address is a ClassError of class Blocked.
func (a *Attempt) Get(ctx context.Context, ask Ask) (*Answer, error) {
	u, err := url.Parse(ask.URL)
	if err != nil {
		return nil, Fail(Blocked, "%v", err)
	}
	for hops := 0; ; hops++ {
		w, err := a.hop(ctx, u, ask)
		if err != nil {
			return nil, err
		}
		if ask.Final != nil && ask.Final(w.Status) {
			return w, nil
		}
		next, err := follow(u, w)
		if next == nil || err != nil {
			return w, err
		}
		if hops == maxRedirects {
			return nil, Fail(Content, "more than %d redirects, the last to %s", maxRedirects, next.Redacted())
		}
		u = next
	}
}

// follow is where an answer leads, nil when that is not followed.
func follow(from *url.URL, w *Answer) (*url.URL, error) {
	switch w.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	to, err := from.Parse(w.Header.Get("Location"))
	if err != nil || w.Header.Get("Location") == "" {
		return nil, Fail(Content, "a redirect to no address")
	}
	if to.Scheme != "https" && to.Scheme != "http" {
		return nil, Fail(Blocked, "a redirect to %.60q", to.Redacted())
	}
	if to.Hostname() == "" {
		return nil, Fail(Content, "a redirect to no address")
	}
	if _, err := netip.ParseAddr(to.Hostname()); err == nil && to.Hostname() != from.Hostname() {
		return nil, Fail(Blocked, "a redirect to the bare address %s", to.Hostname())
	}
	if !sameDomain(from.Hostname(), to.Hostname()) || from.Scheme == "https" && to.Scheme == "http" {
		return nil, nil
	}
	return to, nil
}

// sameDomain says whether two hosts are below one registrable domain.
func sameDomain(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == b {
		return true
	}
	one, err := publicsuffix.EffectiveTLDPlusOne(a)
	if err != nil {
		return false
	}
	other, err := publicsuffix.EffectiveTLDPlusOne(b)
	return err == nil && one == other
}

// hop is one request over one fresh connection.
func (a *Attempt) hop(ctx context.Context, u *url.URL, ask Ask) (*Answer, error) {
	c, err := a.openWeb(ctx, u)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // everything of it was read
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Close: true, Header: http.Header{
		"User-Agent":      {a.l.n.Agent},
		"Accept":          {orAny(ask.Accept)},
		"Accept-Encoding": {"identity"},
	}}).WithContext(ctx)
	limit := &io.LimitedReader{R: c, N: MaxRead}
	resp, err := a.exchange(c, req, bufio.NewReader(limit), limit) //nolint:bodyclose // body closes it
	if err != nil {
		return nil, err
	}
	a.status(resp.StatusCode)
	w := &Answer{URL: u, Status: resp.StatusCode, Header: resp.Header}
	w.Body, w.Cut, err = body(resp, limit)
	return w, err
}

func orAny(accept string) string {
	if accept == "" {
		return "*/*"
	}
	return accept
}

// openWeb connects to the server of a web address.
func (a *Attempt) openWeb(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	switch {
	case u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return nil, Fail(Blocked, "%.80q is not the address of a web server", u.Redacted())
	case u.Scheme == "https" && port == "":
		port = "443"
	case u.Scheme == "http" && port == "":
		port = "80"
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, Fail(Blocked, "%.20q is not http or https", u.Scheme)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, Fail(Blocked, "%.20q is not a port", port)
	}
	if err := WebPort(uint16(number)); err != nil && !a.own {
		return nil, err
	}
	c, err := a.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme == "http" {
		return c, err
	}
	return a.Handshake(ctx, c, u.Hostname(), "http/1.1")
}

// exchange sends a request and reads the header of the answer within limit. Of an answer
// that was cut the error is why, not what the half of it would mean.
func (a *Attempt) exchange(to io.Writer, req *http.Request, from *bufio.Reader, limit *io.LimitedReader) (*http.Response, error) {
	begun := a.now()
	if err := req.Write(to); err != nil {
		return nil, err
	}
	if _, err := from.Peek(1); err != nil {
		return nil, err
	}
	a.First(a.since(begun))
	n := &noted{Reader: limit.R}
	limit.R = n
	resp, err := header(from, req)
	switch {
	case err == nil:
		return resp, nil
	case limit.N <= 0:
		return nil, Fail(Content, "a header of more than %d KiB", MaxRead>>10)
	case errors.Is(n.err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case n.err != nil:
		return nil, n.err
	}
	return nil, err
}

// noted is a reader that knows how it ended.
type noted struct {
	io.Reader

	err error
}

// Read implements io.Reader.
func (n *noted) Read(p []byte) (count int, err error) {
	count, err = n.Reader.Read(p)
	n.err = err
	return count, err
}

// header reads past what a server says before it is ready.
func header(in *bufio.Reader, req *http.Request) (*http.Response, error) {
	for range 5 {
		resp, err := http.ReadResponse(in, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, Fail(Content, "a server that is never ready")
}

// body reads what there is of a body within the bound.
func body(resp *http.Response, limit *io.LimitedReader) (text []byte, cut bool, err error) {
	defer func() { _ = resp.Body.Close() }() // the connection is closed anyway
	from := io.Reader(resp.Body)
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(from)
		if errors.Is(err, io.EOF) && limit.N > 0 {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, gzipError(err)
		}
		from = z
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(from, MaxRead))
	if n == MaxRead || limit.N <= 0 {
		return b.Bytes(), true, nil
	}
	return b.Bytes(), false, gzipError(err)
}

// gzipError makes damaged compression an unexpected answer.
func gzipError(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return Fail(Content, "%v", err)
	}
	return err
}
