package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/provider"
)

const (
	callTimeout = 8 * time.Second
	maxAnswer   = 64 << 10 // bytes
	maxMeters   = 10_000   // networks that are remembered at a time
)

// caller asks members and strangers: no redirects, no private addresses, bounded answers.
type caller struct{ *http.Client }

// newCaller makes one that asks at the ports of https and http, unless an option says other.
func newCaller(private bool, dial provider.Dial, also ...ssrf.Option) caller {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		dialer.Control = ssrf.New(also...).Safe
	}
	if dial == nil {
		dial = dialer.DialContext
	}
	return caller{&http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dial, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 16 << 10, MaxIdleConns: 16, MaxConnsPerHost: 16,
			IdleConnTimeout: 30 * time.Second,
		},
	}}
}

// form sends a form to a member. Returns CodeUnsure "identity.broker.silent" where no answer
// comes, CodeDenied "identity.broker.refused" for a refusal.
func (c caller) form(ctx context.Context, to core.MemberID, address string, form url.Values) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, core.Unsure("identity.broker.silent", err).With("Member", string(to))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, text, err := c.ask(r)
	switch {
	case err != nil || status >= http.StatusInternalServerError || status == http.StatusTooManyRequests:
		return nil, core.Unsure("identity.broker.silent", errors.Join(err, fmt.Errorf("status %d", status))).With("Member", string(to))
	case status != http.StatusOK && status != http.StatusCreated:
		return nil, core.Denied("identity.broker.refused", fmt.Errorf("status %d: %.200q", status, text)).With("Member", string(to))
	}
	return text, nil
}

// ask sends a request and reads the answer.
func (c caller) ask(r *http.Request) (status int, text []byte, err error) {
	r.Header.Set("Accept", "application/json")
	answer, err := c.Do(r) //nolint:gosec // each dial is guarded
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if len(text) > maxAnswer {
		err = errors.New("longer than we read")
	}
	return answer.StatusCode, text, err
}

// Clock is what time it is at a home, by the Date of its answer: exact to a second. Returns
// CodeUnsure "identity.broker.silent".
func (b *Broker) Clock(ctx context.Context, h home.Home) (time.Time, error) {
	silent := func(err error) (time.Time, error) {
		return time.Time{}, core.Unsure("identity.broker.silent", err).With("Member", string(h.Member))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, h.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return silent(err)
	}
	answer, err := b.calls.Do(r)
	if err != nil {
		return silent(err)
	}
	_ = answer.Body.Close()
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return silent(err)
	}
	return at, nil
}

// meter bounds how often strangers make us ask others, by network and altogether.
type meter struct {
	burst, allBurst int
	every, allEvery time.Duration

	mu       sync.Mutex
	networks map[netip.Prefix]*rate.Limiter
	all      *rate.Limiter
}

// take says whether a network may once more. The zero prefix is who came by a proxy that
// says nothing: only the bound of all holds for it.
func (m *meter) take(from netip.Prefix, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil || len(m.networks) >= maxMeters {
		m.networks = map[netip.Prefix]*rate.Limiter{}
	}
	if m.all == nil {
		m.all = rate.NewLimiter(rate.Every(m.allEvery), m.allBurst)
	}
	if from.IsValid() {
		one := m.networks[from]
		if one == nil {
			one = rate.NewLimiter(rate.Every(m.every), m.burst)
			m.networks[from] = one
		}
		if !one.AllowN(now, 1) {
			return false
		}
	}
	return m.all.AllowN(now, 1)
}
