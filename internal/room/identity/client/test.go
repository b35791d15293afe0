package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var errNoRedirect = errors.New("what the service needs is not there")

// Result is what one check of a service found.
type Result struct {
	Check string `json:"check"` // discovery, keys, clock, secret, redirect, logout
	Well  bool   `json:"well"`
	Found string `json:"found,omitempty"` // an address, a status, a difference of clocks
}

// The bounds of a check.
const (
	testTimeout = 10 * time.Second
	maxAnswer   = 256 << 10
	maxSkew     = 30 * time.Second
)

// Test asks, from here and over the network, whether a service can sign people in: our
// addresses as the service reaches them, its own, and both clocks. With the service's secret
// it also shows that.
func (s *Service) Test(ctx context.Context, c Client, secret string) []Result {
	t := newTester(s)
	doc, ok := t.discovery(ctx)
	if ok {
		t.keys(ctx, doc.JWKS, c.Alg)
		t.secret(ctx, c, secret, doc.Introspection)
	}
	for _, u := range c.Redirects {
		t.answers(ctx, "redirect", http.MethodGet, u)
	}
	if c.BackLogout != "" {
		t.answers(ctx, "logout", http.MethodPost, c.BackLogout)
	}
	return t.found
}

// Reachable says whether our address answers, from here and over the network, what services
// read first; found is the address, or what is wrong.
func (s *Service) Reachable(ctx context.Context) (found string, ok bool) {
	t := newTester(s)
	_, ok = t.discovery(ctx)
	return t.found[0].Found, ok
}

func newTester(s *Service) tester {
	return tester{s: s, http: &http.Client{Timeout: testTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type tester struct {
	s     *Service
	http  *http.Client
	found []Result
}

func (t *tester) add(check string, well bool, found string, of ...any) {
	t.found = append(t.found, Result{check, well, fmt.Sprintf(found, of...)})
}

type discovered struct {
	Issuer        string `json:"issuer"`
	JWKS          string `json:"jwks_uri"`
	Introspection string `json:"introspection_endpoint"`
}

// ask sends a request and reads a bounded answer.
func (t *tester) ask(ctx context.Context, method, address string, form url.Values) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, err
	}
	if len(form) > 0 {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := t.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return reply{answer.StatusCode, answer.Header.Get("Date"), text}, err
}

// reply is what came back.
type reply struct {
	status int
	date   string
	text   []byte
}

func (t *tester) discovery(ctx context.Context) (doc discovered, ok bool) {
	address := t.s.n.Issuer + "/.well-known/openid-configuration"
	answer, err := t.ask(ctx, http.MethodGet, address, nil)
	switch {
	case err != nil:
		t.add("discovery", false, "%s: %v", address, err)
		return doc, false
	case answer.status != http.StatusOK || json.Unmarshal(answer.text, &doc) != nil:
		t.add("discovery", false, "%s: %d", address, answer.status)
		return doc, false
	case doc.Issuer != t.s.n.Issuer:
		t.add("discovery", false, "%s: issuer %q", address, doc.Issuer)
		return doc, false
	}
	t.add("discovery", true, "%s", address)
	return doc, true
}

func (t *tester) keys(ctx context.Context, address, alg string) {
	var set struct {
		Keys []struct {
			Alg string `json:"alg"`
		} `json:"keys"`
	}
	answer, err := t.ask(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.add("keys", false, "%s: %v", address, err)
		return
	}
	if answer.status != http.StatusOK || json.Unmarshal(answer.text, &set) != nil {
		t.add("keys", false, "%s: %d", address, answer.status)
		return
	}
	there := slices.ContainsFunc(set.Keys, func(k struct {
		Alg string `json:"alg"`
	},
	) bool {
		return k.Alg == alg
	})
	t.add("keys", there, "%s: %s", address, alg)
}

// secret asks about a token that does not exist, as the service would.
func (t *tester) secret(ctx context.Context, c Client, secret, address string) {
	if secret == "" {
		return
	}
	answer, err := t.ask(ctx, http.MethodPost, address, url.Values{"client_id": {c.ID}, "client_secret": {secret}, "token": {"none"}})
	if err != nil {
		t.add("secret", false, "%s: %v", address, err)
		return
	}
	var said struct {
		Active *bool `json:"active"`
	}
	well := answer.status == http.StatusOK && json.Unmarshal(answer.text, &said) == nil && said.Active != nil && !*said.Active
	t.add("secret", well, "%s: %d", address, answer.status)
}

// answers says whether a page of the service is there: it may well refuse what it gets.
func (t *tester) answers(ctx context.Context, check, method, address string) {
	form := url.Values{}
	if method == http.MethodPost {
		form.Set("logout_token", "none")
	}
	answer, err := t.ask(ctx, method, address, form)
	if err != nil {
		t.add(check, false, "%s: %v", address, err)
		return
	}
	missing := answer.status == http.StatusNotFound || answer.status == http.StatusMethodNotAllowed || answer.status == http.StatusBadGateway
	t.add(check, !missing, "%s: %d", address, answer.status)
	at, err := http.ParseTime(answer.date)
	if err != nil || slices.ContainsFunc(t.found, func(r Result) bool { return r.Check == "clock" }) {
		return
	}
	skew := at.Sub(t.s.n.Now()).Round(time.Second)
	t.add("clock", skew.Abs() <= maxSkew, "%s", skew)
}
