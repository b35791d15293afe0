package recipe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
)

// Web is a program that is spoken to by its HTTP interface, as one person.
type Web struct {
	called string // "old", "new"
	base   *url.URL
	token  string
	client *http.Client
}

// Bounds of what a server may do to us.
const (
	maxAnswer = 16 << 20         // bytes of one answer
	answerIn  = time.Minute      // of one answer; of a file: without a single byte
	longWait  = 5 * time.Minute  // longer than this nobody waits for a server that says "later"
	firstWait = 10 * time.Second // where it does not say when
)

// CheckURL refuses what is no address of a server: https, or this machine. Returns CodeInvalid.
func CheckURL(key, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return Wrong(key + ": such as https://example.org")
	case u.Scheme == "https":
		return nil
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return Wrong(key + ": https, because a token goes there")
}

// CheckFile refuses what is no absolute path. Returns CodeInvalid.
func CheckFile(key, name string) error {
	if !filepath.IsAbs(name) || filepath.Clean(name) != name {
		return Wrong(key + ": an absolute path of a file of this machine")
	}
	return nil
}

// Secret reads a token or a password from a file of this machine that nobody else may read. Returns
// CodeInvalid "succession.recipe.settings".
func Secret(key, name string) (string, error) {
	info, err := os.Stat(name)
	if err == nil && (!info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > 64<<10) {
		err = errors.New("a small file of mode 0600: " + name)
	}
	if err != nil {
		return "", Wrong(key + ": " + err.Error())
	}
	text, err := os.ReadFile(name)
	if secret := strings.TrimSpace(string(text)); err == nil && secret != "" && !strings.ContainsAny(secret, "\r\n\x00") {
		return secret, nil
	}
	return "", Wrong(key + ": one line with the secret: " + name)
}

// OpenWeb speaks to the server at address with the token of a file; called is the side's name. A
// redirect is never followed: the token would go along.
func OpenWeb(called, address, tokenFile string) (*Web, error) {
	token, err := Secret(called+" token", tokenFile)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil {
		return nil, Wrong(called + ": " + err.Error())
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 20 * time.Second}).DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 20 * time.Second, ResponseHeaderTimeout: answerIn, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 10 * time.Second,
	}
	return &Web{called, base, token, &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Call is one request.
type Call struct {
	Method string // "" = GET
	Path   string // "/api/v1/..." with its query, or a whole address of the same server
	Form   url.Values
	JSON   any // instead of Form
	Body   []byte
	Header http.Header
	// Also are statuses that are no error, beside those from 200 to 299.
	Also []int
}

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do asks, and waits where the server says "later", at most five minutes. Returns CodeNotFound for 404
// and 410, CodeDenied for 401 and 403, CodeConflict for 409, else CodeUnsure, all
// "succession.recipe.web"; CodeUnsure "succession.recipe.later" where the server has us wait longer.
func (w *Web) Do(ctx context.Context, c Call) (Reply, error) {
	for {
		r, wait, err := w.once(ctx, c)
		if err != nil || wait == 0 {
			return r, err
		}
		if wait > longWait {
			return r, core.Unsure("succession.recipe.later", errors.New("429")).With("Side", w.called).With("Wait", wait.Round(time.Minute).String())
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return r, context.Cause(ctx)
		}
	}
}

// Ask is Do with an answer in JSON; into nil = not read.
func (w *Web) Ask(ctx context.Context, c Call, into any) (http.Header, error) {
	r, err := w.Do(ctx, c)
	if err != nil || into == nil {
		return r.Header, err
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return r.Header, w.fail(c, core.Unsure, fmt.Errorf("no JSON: %w", err))
	}
	return r.Header, nil
}

func (w *Web) fail(c Call, kind func(string, error) *core.Error, err error) error {
	where, _, _ := strings.Cut(c.Path, "?")
	return kind("succession.recipe.web", fmt.Errorf("%s: %w", where, err)).With("Side", w.called).With("Path", where).With("Said", harmless(err.Error()))
}

func harmless(text string) string {
	l := &lastLines{}
	l.keep([]byte(text))
	return l.String()
}

// request makes one; an address of another server is refused.
func (w *Web) request(ctx context.Context, c Call) (*http.Request, error) {
	u, err := w.base.Parse(c.Path)
	if err != nil || u.Scheme != w.base.Scheme || u.Host != w.base.Host || u.User != nil {
		return nil, w.fail(Call{}, core.Unsure, errors.New("an address of another server"))
	}
	body, kind := c.Body, "application/octet-stream"
	switch {
	case c.JSON != nil:
		if body, err = json.Marshal(c.JSON); err != nil {
			return nil, fmt.Errorf("make a request: %w", err)
		}
		kind = "application/json"
	case c.Form != nil:
		body, kind = []byte(c.Form.Encode()), "application/x-www-form-urlencoded"
	}
	method := c.Method
	if method == "" {
		method = http.MethodGet
	}
	where, _, _ := strings.Cut(c.Path, "?")
	tell(ctx, w.called, []string{method, where})
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, w.fail(c, core.Unsure, err)
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	maps.Copy(r.Header, c.Header)
	r.Header.Set("Authorization", "Bearer "+w.token)
	return r, nil
}

// once asks once; wait is how long the server has us wait.
func (w *Web) once(ctx context.Context, c Call) (reply Reply, wait time.Duration, err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	r, err := w.request(ctx, c)
	if err != nil {
		return reply, 0, err
	}
	answer, err := w.client.Do(r)
	if err != nil {
		return reply, 0, w.ended(asked, c, err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	reply = Reply{Status: answer.StatusCode, Header: answer.Header}
	reply.Body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return reply, 0, w.ended(asked, c, err)
	case len(reply.Body) > maxAnswer:
		return reply, 0, w.fail(c, core.Unsure, errTooMuch)
	case answer.StatusCode == http.StatusTooManyRequests:
		return reply, later(answer.Header), nil
	}
	return reply, 0, w.judge(c, answer.StatusCode, reply.Body)
}

// ended is the error of a request that broke off: the caller's own end, or the server's.
func (w *Web) ended(ctx context.Context, c Call, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // without the address: it may hold a secret of a link
	}
	return w.fail(c, core.Unsure, err)
}

func (w *Web) judge(c Call, status int, body []byte) error {
	kind := core.Unsure
	switch {
	case status >= 200 && status < 300 || slices.Contains(c.Also, status):
		return nil
	case status == http.StatusNotFound || status == http.StatusGone:
		kind = core.NotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = core.Denied
	case status == http.StatusConflict:
		kind = core.Conflict
	}
	return w.fail(c, kind, fmt.Errorf("%d %s %.300s", status, http.StatusText(status), body))
}

// later is how long a server has us wait: seconds, or a time after its own of now.
func later(h http.Header) time.Duration {
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n > 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	now, wrong := http.ParseTime(h.Get("Date"))
	if at, err := time.Parse(time.RFC3339, h.Get("X-Ratelimit-Reset")); err == nil && wrong == nil && at.After(now) {
		return at.Sub(now)
	}
	return firstWait
}

// Fetch writes a file of the server, at most max bytes, into to. A server that sends nothing for a
// minute is given up.
func (w *Web) Fetch(ctx context.Context, c Call, to io.Writer, limit int64) (err error) {
	asked := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := w.request(ctx, c)
	if err != nil {
		return err
	}
	answer, err := w.client.Do(r)
	if err != nil {
		return w.ended(asked, c, err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return w.judge(c, max(answer.StatusCode, http.StatusMultipleChoices), nil)
	}
	idle := time.AfterFunc(answerIn, cancel)
	defer idle.Stop()
	n, err := io.Copy(to, io.LimitReader(reading{answer.Body, idle}, limit+1))
	if err != nil {
		return w.ended(asked, c, err)
	}
	if n > limit {
		return w.fail(c, core.Unsure, errTooMuch)
	}
	return nil
}

// reading sets a clock anew whenever something came.
type reading struct {
	io.Reader

	idle *time.Timer
}

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.idle.Reset(answerIn)
	}
	return n, err
}
