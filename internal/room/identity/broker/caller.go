package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/provider"
)

const (
	callTimeout = 8 * time.Second
	maxAnswer   = 64 << 10 // bytes
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
