package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// target is a provider that is looked at.
type target struct {
	Issuer string `json:"issuer"`
	// People can sign in by forms; the browser fills in what looks like a name and a password.
	People [2]somebody `json:"people"`
	// A is a client by client_secret_basic, B by client_secret_post; both must send PKCE. C is
	// one by client_secret_post that need not.
	A client `json:"a"`
	B client `json:"b"`
	C client `json:"c"`
	// E is one like A whose ID tokens are signed by ES256, for what a sign-in costs; A's by RS256.
	E client `json:"e"`
	// Listen is host:port of the address that A is told of sign-outs at; empty = it is not.
	Listen string `json:"listen"`
}

type somebody struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

type client struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	// Redirects are two that it has registered, at a host that does not exist.
	Redirects  [2]string `json:"redirects"`
	PostLogout string    `json:"post_logout"`
	Basic      bool      `json:"basic"`
}

// metadata is what of a provider's discovery is used.
type metadata map[string]any

func (m metadata) text(name string) string {
	s, _ := m[name].(string)
	return s
}

func (m metadata) list(name string) []string {
	list, _ := m[name].([]any)
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// probe is one check at work: what it asks, and what it found wrong.
type probe struct {
	target

	ctx   context.Context
	meta  metadata
	wrong []string
	told  chan string // logout tokens that came
}

// stop ends a check that cannot go on.
type stop struct{}

func (p *probe) errorf(format string, a ...any) { p.wrong = append(p.wrong, fmt.Sprintf(format, a...)) }

func (p *probe) fatalf(format string, a ...any) {
	p.errorf(format, a...)
	panic(stop{})
}

// want notes what does not hold.
func (p *probe) want(holds bool, format string, a ...any) {
	if !holds {
		p.errorf(format, a...)
	}
}

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   string
	to     *url.URL // of Location; nil = none
}

func (a answer) json() map[string]any {
	var out map[string]any
	_ = json.Unmarshal([]byte(a.body), &out)
	return out
}

func (a answer) field(name string) string {
	s, _ := a.json()[name].(string)
	return s
}

// problem is the error that an answer names.
func (a answer) problem() string { return a.field("error") }

const maxAnswer = 4 << 20

func (p *probe) do(c *http.Client, r *http.Request) answer {
	resp, err := c.Do(r)
	if err != nil {
		p.fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		p.fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	if l := resp.Header.Get("Location"); l != "" {
		if a.to, err = r.URL.Parse(l); err != nil {
			p.errorf("Location cannot be read: %q", l)
		}
	}
	return a
}

// program is a client that is no browser: no cookies, no redirects.
func program() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (p *probe) request(method, address string, form url.Values) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(p.ctx, method, address, body)
	if err != nil {
		p.fatalf("%v", err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// at is the address of an endpoint by its name in the metadata.
func (p *probe) at(endpoint string) string {
	address := p.meta.text(endpoint)
	if address == "" {
		p.fatalf("no %s", endpoint)
	}
	return address
}

// call posts a form to an endpoint as a client; "" as c.ID is nobody.
func (p *probe) call(endpoint string, c client, form url.Values) answer {
	f := url.Values{}
	maps.Copy(f, form)
	if c.ID != "" && !c.Basic {
		f.Set("client_id", c.ID)
		f.Set("client_secret", c.Secret)
	}
	r := p.request(http.MethodPost, p.at(endpoint), f)
	if c.ID != "" && c.Basic {
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	}
	return p.do(program(), r)
}

func (p *probe) userinfo(token string) answer {
	r := p.request(http.MethodGet, p.at("userinfo_endpoint"), nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return p.do(program(), r)
}
