package journey

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/app/lab"
)

// statement is what of a signed statement about a member is looked at.
type statement struct {
	Issuer   string             `json:"iss"`
	Subject  string             `json:"sub"`
	Keys     jose.JSONWebKeySet `json:"jwks"`
	Above    []string           `json:"authority_hints"`
	Metadata struct {
		Provider struct {
			Token string `json:"token_endpoint"`
		} `json:"openid_provider"`
		Entity struct {
			Fetch string `json:"federation_fetch_endpoint"`
			List  string `json:"federation_list_endpoint"`
		} `json:"federation_entity"`
	} `json:"metadata"`
}

// TestOtherFederations holds that a stranger who has B's keys can verify A by what both say,
// over running nodes: the card is in A's logbook, the promise in a pact.
func TestOtherFederations(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(asProgram, "1")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	w := &world{T: t, ctx: ctx}
	nodes, err := lab.Found(t.TempDir(), program, 2)
	w.must(err)
	w.a, w.b = nodes[0], nodes[1]
	for _, n := range nodes {
		n.Name = n.Public // a member's issuer is at its own name
		t.Cleanup(n.Stop)
		t.Cleanup(func() { w.confess(n) })
		w.must(n.Init(w.ctx))
		w.must(n.Up(w.ctx))
	}
	w.must(lab.Introduce(w.ctx, w.a, w.b))
	w.must(lab.Promise(w.ctx, w.a, w.b, "--login", "all"))
	w.awaitHomes()

	const own = "/.well-known/openid-federation"
	w.eventually("each names the other", func() bool {
		return slices.Equal(w.listed(w.b.URL()+"/federation/list"), []string{w.a.URL()}) && slices.Equal(w.opened(w.a.URL()+own, nil).Above, []string{w.b.URL()})
	})
	anchor := w.opened(w.b.URL()+own, nil)
	if got := w.listed(anchor.Metadata.Entity.List); !slices.Equal(got, []string{w.a.URL()}) {
		t.Errorf("B lists %q", got)
	}
	said := w.opened(anchor.Metadata.Entity.Fetch+"?"+url.Values{"sub": {w.a.URL()}}.Encode(), &anchor.Keys)
	if said.Issuer != w.b.URL() || said.Subject != w.a.URL() {
		t.Errorf("B says %+v", said)
	}
	leaf := w.opened(w.a.URL()+own, &said.Keys)
	if leaf.Subject != w.a.URL() || leaf.Metadata.Provider.Token != w.a.URL()+"/oidc/token" {
		t.Errorf("A says %+v", leaf)
	}

	_, err = w.b.Run(w.ctx, "identity", "home", "shut", w.a.Name, "--reason", "a test")
	w.must(err)
	w.eventually("B says nothing of a home that it shut", func() bool { return len(w.listed(w.b.URL()+"/federation/list")) == 0 })
}

// fetched is what a program gets at an address.
func (w *world) fetched(address string) (kind string, text []byte) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, address, nil)
	w.must(err)
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	w.must(err)
	if answer.StatusCode != http.StatusOK {
		w.Fatalf("%s: %d %s", address, answer.StatusCode, text)
	}
	return answer.Header.Get("Content-Type"), text
}

func (w *world) listed(address string) (out []string) {
	w.Helper()
	_, text := w.fetched(address)
	w.must(json.Unmarshal(text, &out))
	return out
}

// opened verifies a statement by these keys; nil = by its own.
func (w *world) opened(address string, by *jose.JSONWebKeySet) (out statement) {
	w.Helper()
	kind, text := w.fetched(address)
	signed, err := jose.ParseSignedCompact(string(text), []jose.SignatureAlgorithm{jose.ES256})
	w.must(err)
	if by == nil {
		w.must(json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &out))
		by = &out.Keys
	}
	keys := by.Key(signed.Signatures[0].Header.KeyID)
	if len(keys) != 1 || kind != "application/entity-statement+jwt" {
		w.Fatalf("%s: %q, %d keys", address, kind, len(keys))
	}
	text, err = signed.Verify(keys[0])
	w.must(err)
	w.must(json.Unmarshal(text, &out))
	return out
}
