package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// check is one thing that a provider must do.
type check struct {
	ID     string
	Source string // what asks for it
	run    func(p *probe)
}

// checks are all of them.
func checks() []check {
	return slices.Concat(discoveryChecks(), redirectChecks(), requestChecks(), pageChecks(), promptChecks(), answerChecks(),
		tokenChecks(), codeChecks(), refreshChecks(), idTokenChecks(), userinfoChecks(), inspectChecks(), pushChecks(), endChecks(), oddChecks())
}

// result is what a check found; Wrong is empty when all was well.
type result struct {
	ID     string
	Source string
	Wrong  []string
}

// battery runs all checks against a provider.
type battery struct {
	target

	meta metadata
	told chan string
}

// newBattery reads a provider's discovery and listens for its sign-outs.
func newBattery(t *testing.T, at target) *battery {
	t.Helper()
	b := &battery{target: at, told: make(chan string, 100)}
	if at.Listen != "" {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at.Listen)
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(b.hear)}
		go s.Serve(l) //nolint:errcheck // ends with the test
		t.Cleanup(func() { s.Close() })
	}
	p := &probe{target: at, ctx: t.Context()}
	a := p.do(program(), p.request(http.MethodGet, at.Issuer+"/.well-known/openid-configuration", nil))
	if b.meta = a.json(); b.meta == nil {
		t.Fatalf("no discovery: %d %s", a.status, a.body)
	}
	return b
}

func (b *battery) hear(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	b.told <- r.Method + " " + r.Header.Get("Content-Type") + " " + r.PostFormValue("logout_token")
}

func (b *battery) run(ctx context.Context, c check) (out result) {
	p := &probe{target: b.target, ctx: ctx, meta: b.meta, told: b.told}
	defer func() {
		out = result{c.ID, c.Source, p.wrong}
		if r := recover(); r != nil {
			if _, ok := r.(stop); !ok {
				panic(r)
			}
		}
	}()
	c.run(p)
	return out
}

// hold runs every check as a test of its own; all must hold.
func (b *battery) hold(t *testing.T) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.ID, func(t *testing.T) {
			for _, wrong := range b.run(t.Context(), c).Wrong {
				t.Errorf("%s (%s)", wrong, c.Source)
			}
		})
	}
}

// report runs every check and prints what did not hold; it gives the ids.
func (b *battery) report(t *testing.T) (failed []string) {
	t.Helper()
	all := checks()
	for _, c := range all {
		if r := b.run(t.Context(), c); len(r.Wrong) > 0 {
			failed = append(failed, c.ID)
			t.Logf("%s (%s): %s", c.ID, c.Source, strings.Join(r.Wrong, "; "))
		}
	}
	t.Logf("%d of %d hold", len(all)-len(failed), len(all))
	return failed
}

func TestChecksHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks() {
		if c.ID == "" || c.Source == "" || seen[c.ID] {
			t.Errorf("%q stands twice, or has no source", c.ID)
		}
		seen[c.ID] = true
	}
	if len(seen) < 80 {
		t.Errorf("%d checks", len(seen))
	}
}

// TestAny holds the checks against the provider that OIDC_TARGET describes.
func TestAny(t *testing.T) {
	name := os.Getenv("OIDC_TARGET")
	if name == "" {
		return
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var at target
	if err := json.Unmarshal(text, &at); err != nil {
		t.Fatal(err)
	}
	newBattery(t, at).hold(t)
}

// form makes parameters of pairs.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func quoted(list []string) string { return fmt.Sprintf("%q", list) }
