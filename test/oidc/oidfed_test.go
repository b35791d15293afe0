//go:build long

package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/app/lab/debian"
	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/federation"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/provider"
)

const oidfedModule = "github.com/go-oidfed/lib@v0.10.5"

// oidfed builds a program of another federation's library, in a module of its own: it brings
// 50 others, which nothing of ours needs.
func oidfed(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "entrechat-peers", filepath.FromSlash(oidfedModule))
	text, err := os.ReadFile("testdata/oidfed.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	debian.Write(t, filepath.Join(dir, "main.go"), string(text))
	run := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "go.sum")); err != nil {
		debian.Write(t, filepath.Join(dir, "go.mod"), "module oidfed\n\ngo 1.26\n")
		run("get", oidfedModule)
	}
	program := filepath.Join(t.TempDir(), "oidfed")
	run("build", "-o", program, ".")
	return program
}

// promises are the members that let each other's people sign in.
type promises struct{ below, above []home.Home }

func (p *promises) Letting(context.Context) ([]home.Home, error)   { return p.below, nil }
func (p *promises) LettingUs(context.Context) ([]home.Home, error) { return p.above, nil }

// statements is a hoster as other federations see it.
type statements struct {
	promises

	card  home.Home
	asked *atomic.Int64
	ahead *atomic.Int64 // seconds that its clock is ahead
}

func newStatements(t *testing.T) *statements {
	t.Helper()
	s := &statements{asked: new(atomic.Int64), ahead: new(atomic.Int64)}
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	keys, err := key.Open(filepath.Join(t.TempDir(), "identity.keys"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	set, err := keys.Public(key.Federation)
	if err != nil {
		t.Fatal(err)
	}
	id := core.MemberID(strings.TrimPrefix(server.URL, "http://"))
	s.card = home.Home{Member: id, Card: home.Card{Issuer: server.URL, Federation: set}}
	log := slog.New(slog.DiscardHandler)
	p, err := provider.New(provider.Needs{DB: dbtest.SQLite(t, "identity", migrations.Files), Issuer: server.URL, Keys: keys, Private: true, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	f := federation.New(federation.Needs{Self: id, Issuer: server.URL, Keys: keys, Homes: &s.promises, Metadata: p.Metadata, Log: log, Now: func() time.Time {
		return time.Now().Add(time.Duration(s.ahead.Load()) * time.Second)
	}})
	for _, r := range slices.Concat(p.Routes(), f.Routes()) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return s
}

// resolved is what testdata/oidfed.go.txt prints of a member.
type resolved struct {
	Chains   int             `json:"chains"`
	Issuers  []string        `json:"issuers"`
	Provider json.RawMessage `json:"provider"`
}

func resolve(t *testing.T, program string, anchor, subject home.Home) (out resolved) {
	t.Helper()
	keys, err := json.Marshal(anchor.Federation)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c := exec.CommandContext(t.Context(), program, anchor.Issuer, string(keys), subject.Issuer)
	c.Stderr = &said
	text, err := c.Output()
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, text, &said)
	}
	t.Log(said.String())
	return out
}

// TestOidfed holds that another federation's library verifies what we say of each other: a
// member as a provider, by the keys of a member that vouches for it.
func TestOidfed(t *testing.T) {
	program := oidfed(t)
	a, b, c := newStatements(t), newStatements(t), newStatements(t)
	// All three let each other's people in.
	for _, s := range []*statements{a, b, c} {
		for _, other := range []*statements{a, b, c} {
			if other != s {
				s.below, s.above = append(s.below, other.card), append(s.above, other.card)
			}
		}
	}
	got := resolve(t, program, b.card, a.card)
	var said struct {
		Issuer string `json:"issuer"`
		Token  string `json:"token_endpoint"`
		JWKS   struct {
			Keys []map[string]any `json:"keys"`
		} `json:"jwks"`
	}
	if err := json.Unmarshal(got.Provider, &said); err != nil {
		t.Fatal(err)
	}
	at := a.card.Issuer
	if got.Chains < 1 || said.Issuer != at || said.Token != at+"/oidc/token" || len(said.JWKS.Keys) != 2 {
		t.Errorf("%d chains by %q: %s", got.Chains, got.Issuers, got.Provider)
	}
	if n := a.asked.Load() + b.asked.Load() + c.asked.Load(); n > 24 {
		t.Errorf("%d requests for one member", n)
	}
	// By another's keys under the anchor's name, nothing is verified.
	stranger := b.card
	stranger.Federation = c.card.Federation
	if got := resolve(t, program, stranger, a.card); got.Chains != 0 {
		t.Errorf("by another's keys: %q", got.Issuers)
	}
	// Expelled by the anchor: what another member still says of it does not help, as nobody
	// may speak between.
	b.below = []home.Home{c.card}
	b.ahead.Store(6)
	if got := resolve(t, program, b.card, a.card); got.Chains != 0 {
		t.Errorf("expelled, by %q", got.Issuers)
	}
	if got := resolve(t, program, c.card, a.card); got.Chains < 1 {
		t.Error("another member does not vouch any more")
	}
}
