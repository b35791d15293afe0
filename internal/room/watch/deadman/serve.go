package deadman

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/peer"
)

const (
	// MaxBody is how much of a ping's text is read, in bytes; the rest is left.
	MaxBody = 10_000
	maxLine = 200 // bytes of its first line that are stored

	// What one target, and one class of addresses (/24 or /48), may send: pings per
	// second, and in a burst.
	perTarget, targetBurst = 0.2, 10
	perClass, classBurst   = 10, 50
	// Strangers' addresses are counted for so long, and so many of them at most.
	limitsAge, maxLimits = 10 * time.Minute, 20_000
)

// Routes are where pings come to, on the public listener. They are those of Healthchecks:
// /ping/TOKEN, and behind it /start, /fail, /log or an exit code; GET, HEAD or POST.
// spec: docs/spec/watch.md#pings
func (p *Pings) Routes() []fit.Route {
	return []fit.Route{
		{Pattern: "/ping/{token}", Handler: http.HandlerFunc(p.serve)},
		{Pattern: "/ping/{token}/{what}", Handler: http.HandlerFunc(p.serve)},
	}
}

func (p *Pings) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Ping-Body-Limit", strconv.Itoa(MaxBody))
	switch status, text := p.take(r); status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "10")
		fallthrough
	default:
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, text+"\n") // the ping counts whether its sender reads or not
		}
	}
}

// take takes one ping and answers its status and text. The text is for programs, in
// English as theirs is.
func (p *Pings) take(r *http.Request) (status int, text string) {
	now := p.n.Now()
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "use GET, HEAD or POST"
	}
	// Who is behind a proxy that names nobody must not be locked out by its other visitors.
	if from := class(r); from != "" && !p.allow(from, perClass, classBurst, now) {
		return http.StatusTooManyRequests, "too many pings from this network"
	}
	token := r.PathValue("token")
	if len(token) != tokenLength {
		return http.StatusNotFound, "not found"
	}
	hash := Hash(token)
	p.mu.Lock()
	targets := p.byHash[hash]
	p.mu.Unlock()
	if len(targets) == 0 {
		return http.StatusNotFound, "not found"
	}
	kind, code, ok := parse(r.PathValue("what"))
	if !ok {
		return http.StatusNotFound, "not found"
	}
	if !p.allow(hash, perTarget, targetBurst, now) {
		return http.StatusTooManyRequests, "too many pings of this target"
	}
	length, line, err := body(r.Body)
	if err != nil {
		return http.StatusBadRequest, "the body broke off"
	}
	ping := Ping{Kind: kind, Code: code, At: core.At(now), Via: p.n.Self, Bytes: length, Line: line}
	if len(targets) > 1 {
		ping.Line = "" // whose it is nobody knows
	}
	for _, t := range targets {
		ping.Owner, ping.Target = t.Owner, t.ID
		if err := p.hear(r.Context(), t, ping); err != nil {
			p.n.Log.Warn("a ping could not be stored", "target", t.ID, "error", err)
			return http.StatusServiceUnavailable, "try again"
		}
	}
	return http.StatusOK, "OK"
}

// parse reads what stands behind the token.
func parse(what string) (kind Kind, code int, ok bool) {
	switch what {
	case "":
		return Success, 0, true
	case "start":
		return Start, 0, true
	case "fail":
		return Fail, 0, true
	case "log":
		return Log, 0, true
	}
	n, err := strconv.ParseUint(what, 10, 8)
	if err != nil || len(what) > 3 {
		return "", 0, false
	}
	if n == 0 {
		return Success, 0, true
	}
	return Fail, int(n), true
}

// body reads a text's length, as far as it is read, and its first line.
func body(r io.Reader) (length int, line string, err error) {
	if r == nil {
		return 0, "", nil
	}
	text, err := io.ReadAll(io.LimitReader(r, MaxBody))
	if err != nil && !errors.Is(err, http.ErrBodyReadAfterClose) {
		return 0, "", err
	}
	first, _, _ := strings.Cut(strings.TrimLeft(string(text), "\r\n\t "), "\n")
	return len(text), tidy(first), nil
}

// tidy makes one short line of printable characters.
func tidy(text string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		}
		return c
	}, text)
	for len(text) > maxLine {
		_, size := utf8.DecodeLastRuneInString(text[:maxLine+1])
		text = text[:maxLine+1-size]
	}
	return strings.TrimSpace(text)
}

// class is the network a request comes from: /24, or /48 of IPv6; empty = behind a proxy that
// does not name it.
func class(r *http.Request) string {
	if p := peer.ClientNetwork(r); p.IsValid() {
		return p.String()
	}
	return ""
}

// allow counts one ping of a target or of a class of addresses.
func (p *Pings) allow(of string, per rate.Limit, burst int, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.limited) > limitsAge || len(p.limits) >= maxLimits {
		clear(p.limits)
		p.limited = now
	}
	l := p.limits[of]
	if l == nil {
		l = rate.NewLimiter(per, burst)
		p.limits[of] = l
	}
	return l.AllowN(now, 1)
}
