package federation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/federation"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
)

// homes are members as a test has them, and how often they were asked for.
type homes struct {
	mu           sync.Mutex
	below, above []home.Home
	err          error
	asked        int
}

func (h *homes) Letting(context.Context) ([]home.Home, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return slices.Clone(h.below), h.err
}

func (h *homes) LettingUs(context.Context) ([]home.Home, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.above), h.err
}

type world struct {
	t     testing.TB
	mu    sync.Mutex
	at    time.Time
	homes *homes
	keys  *key.Set
	mux   *http.ServeMux
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

const self = "https://chaton-a.test"

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), homes: &homes{}, mux: http.NewServeMux()}
	var err error
	if w.keys, err = key.Open(filepath.Join(t.TempDir(), "identity.keys"), w.now); err != nil {
		t.Fatal(err)
	}
	w.serve(w.homes)
	return w
}

// serve makes the federation of a world.
func (w *world) serve(homes federation.Homes) {
	f := federation.New(federation.Needs{
		Self: "chaton-a.test", Issuer: self, Keys: w.keys, Homes: homes, Now: w.now, Log: slog.New(slog.DiscardHandler),
		Metadata: func() any { return map[string]any{"issuer": self, "jwks_uri": self + "/oidc/jwks"} },
	})
	for _, r := range f.Routes() {
		w.mux.Handle(r.Pattern, r.Handler)
	}
}

// member is a home whose card has a federation key.
func member(t testing.TB, id core.MemberID, issuer string) home.Home {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := jose.JSONWebKey{Key: private.Public(), KeyID: rand.Text(), Algorithm: "ES256", Use: "sig"}
	return home.Home{Member: id, Card: home.Card{Issuer: issuer, Federation: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k}}}}
}

func (w *world) ask(method, path string, head ...string) *httptest.ResponseRecorder {
	return w.askIn(w.t.Context(), method, path, head...)
}

func (w *world) askIn(ctx context.Context, method, path string, head ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	answer := httptest.NewRecorder()
	w.mux.ServeHTTP(answer, r)
	return answer
}

func (w *world) fetch(sub string) *httptest.ResponseRecorder {
	return w.ask(http.MethodGet, "/federation/fetch?"+url.Values{"sub": {sub}}.Encode())
}

// opened verifies a statement with our published key, and gives what it says.
func (w *world) opened(a *httptest.ResponseRecorder) map[string]any {
	w.t.Helper()
	if a.Code != http.StatusOK || a.Header().Get("Content-Type") != "application/entity-statement+jwt" {
		w.t.Fatalf("%d %q %s", a.Code, a.Header().Get("Content-Type"), a.Body)
	}
	signed, err := jose.ParseSignedCompact(a.Body.String(), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		w.t.Fatal(err)
	}
	head := signed.Signatures[0].Protected
	set, err := w.keys.Public(key.Federation)
	if err != nil || head.ExtraHeaders["typ"] != "entity-statement+jwt" || len(set.Key(head.KeyID)) != 1 {
		w.t.Fatalf("%+v, %v", head, err)
	}
	text, err := signed.Verify(set.Key(head.KeyID)[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		w.t.Fatal(err)
	}
	walk(w.t, "", out)
	return out
}

// walk refuses a private half and a null anywhere in what is published.
func walk(t testing.TB, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case nil:
		t.Errorf("%s is null", at)
	case []any:
		for i, one := range v {
			walk(t, fmt.Sprintf("%s[%d]", at, i), one)
		}
	case map[string]any:
		for name, one := range v {
			if slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}, name) {
				t.Errorf("a private half is published: %s.%s", at, name)
			}
			walk(t, at+"."+name, one)
		}
	}
}

func TestWhatWeSayOfOurselves(t *testing.T) {
	w := newWorld(t)
	says := w.opened(w.ask(http.MethodGet, "/.well-known/openid-federation"))
	if says["iss"] != self || says["sub"] != self || says["exp"].(float64)-says["iat"].(float64) != 24*60*60 {
		t.Errorf("%v", says)
	}
	if says["authority_hints"] != nil || says["constraints"] != nil || says["source_endpoint"] != nil {
		t.Errorf("alone, it names %v", says)
	}
	metadata := says["metadata"].(map[string]any)
	provider, entity := metadata["openid_provider"].(map[string]any), metadata["federation_entity"].(map[string]any)
	if provider["issuer"] != self || len(provider["jwks"].(map[string]any)["keys"].([]any)) != 2 || entity["federation_fetch_endpoint"] != nil {
		t.Errorf("%v", metadata)
	}
	// The keys of sign-ins and the key of statements are never the same.
	kids := fmt.Sprint(provider["jwks"])
	for _, k := range says["jwks"].(map[string]any)["keys"].([]any) {
		if id, _ := k.(map[string]any)["kid"].(string); id == "" || strings.Contains(kids, id) {
			t.Errorf("%q is among %s", id, kids)
		}
	}
	w.homes.below = []home.Home{member(t, "chaton-b.test", "https://chaton-b.test")}
	w.homes.above = []home.Home{member(t, "chaton-c.test", "https://sso.chaton-c.test"), member(t, "chaton-b.test", "https://chaton-b.test")}
	w.pass(time.Hour)
	says = w.opened(w.ask(http.MethodGet, "/.well-known/openid-federation"))
	entity = says["metadata"].(map[string]any)["federation_entity"].(map[string]any)
	if fmt.Sprint(says["authority_hints"]) != "[https://chaton-b.test https://sso.chaton-c.test]" || entity["federation_fetch_endpoint"] != self+"/federation/fetch" || entity["federation_list_endpoint"] != self+"/federation/list" {
		t.Errorf("%v", says)
	}
}

func TestWhatWeSayOfMembers(t *testing.T) {
	w := newWorld(t)
	b := member(t, "chaton-b.test", "https://chaton-b.test")
	w.homes.below = []home.Home{b}
	says := w.opened(w.fetch("https://chaton-b.test"))
	var want any
	text, err := json.Marshal(b.Federation)
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	if says["iss"] != self || says["sub"] != b.Issuer || fmt.Sprint(says["jwks"]) != fmt.Sprint(want) || says["metadata"] != nil || says["authority_hints"] != nil {
		t.Errorf("%v", says)
	}
	if fmt.Sprint(says["constraints"]) != "map[allowed_entity_types:[openid_provider] max_path_length:0]" || says["exp"].(float64)-says["iat"].(float64) != 6*60*60 {
		t.Errorf("%v", says)
	}
	// Expelled: nothing is said within seconds, whatever was signed before.
	w.homes.below = nil
	w.pass(6 * time.Second)
	if a := w.fetch("https://chaton-b.test"); a.Code != http.StatusNotFound || !strings.Contains(a.Body.String(), `"not_found"`) {
		t.Errorf("%d %s", a.Code, a.Body)
	}
}

func TestNobodyTakesAnothersName(t *testing.T) {
	w := newWorld(t)
	b := member(t, "chaton-b.test", "https://chaton-b.test")
	old := member(t, "chaton-o.test", "https://chaton-o.test")
	old.Federation = jose.JSONWebKeySet{}
	w.homes.below = []home.Home{
		old, b,
		member(t, "test", "https://chaton-b.test"),
		member(t, "chaton-c.test", "https://chaton-b.test"),
		member(t, "chaton-d.test", "https://bank.test"),
		member(t, "chaton-e.test", "https://evil-chaton-e.test"),
		member(t, "chaton-f.test", "https://chaton-f.test:8443"),
		member(t, "chaton-g.test", self),
		member(t, "chaton-h.test", "https://sso.chaton-h.test/id"),
	}
	a := w.ask(http.MethodGet, "/federation/list")
	if got := strings.TrimSpace(a.Body.String()); a.Code != http.StatusOK || got != `["https://chaton-b.test","https://sso.chaton-h.test/id"]` {
		t.Errorf("%d %s", a.Code, got)
	}
	says := w.opened(w.fetch("https://chaton-b.test"))
	if got := fmt.Sprint(says["jwks"]); !strings.Contains(got, b.Federation.Keys[0].KeyID) {
		t.Errorf("another's key: %s", got)
	}
	slices.Reverse(w.homes.below)
	w.pass(2 * time.Hour)
	if got := fmt.Sprint(w.opened(w.fetch("https://chaton-b.test"))["jwks"]); !strings.Contains(got, b.Federation.Keys[0].KeyID) {
		t.Errorf("in another order, another's key: %s", got)
	}
}

func TestStrangersCostLittle(t *testing.T) {
	w := newWorld(t)
	w.homes.below = []home.Home{member(t, "chaton-b.test", "https://chaton-b.test")}
	seen := map[string]bool{}
	for range 60 {
		var wait sync.WaitGroup
		var mu sync.Mutex
		for range 5 {
			wait.Go(func() {
				for _, path := range []string{"/.well-known/openid-federation", "/federation/fetch?sub=https%3A%2F%2Fchaton-b.test"} {
					a := w.ask(http.MethodGet, path)
					mu.Lock()
					seen[a.Body.String()] = true
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		// A member's key changes all the time.
		w.homes.mu.Lock()
		w.homes.below = []home.Home{member(t, "chaton-b.test", "https://chaton-b.test")}
		w.homes.mu.Unlock()
		w.pass(time.Second)
	}
	if len(seen) > 2 {
		t.Errorf("%d signatures within a minute", len(seen))
	}
	if w.homes.asked > 13 {
		t.Errorf("read %d times within a minute", w.homes.asked)
	}
	// What says the same is signed once an hour.
	clear(seen)
	for range 60 {
		seen[w.ask(http.MethodGet, "/.well-known/openid-federation").Body.String()] = true
		w.pass(59 * time.Second)
	}
	if len(seen) > 2 {
		t.Errorf("%d signatures within an hour", len(seen))
	}
	a := w.ask(http.MethodGet, "/.well-known/openid-federation")
	again := w.ask(http.MethodGet, "/.well-known/openid-federation", "If-None-Match", `"x", W/`+a.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d %s", again.Code, again.Body)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	w.homes.below = []home.Home{member(t, "chaton-b.test", "https://chaton-b.test")}
	for path, want := range map[string]string{
		"/federation/fetch":                                         "400 invalid_request",
		"/federation/fetch?sub=":                                    "400 invalid_request",
		"/federation/fetch?sub=https%3A%2F%2Fchaton-a.test":         "400 invalid_request",
		"/federation/fetch?sub=https%3A%2F%2Fchaton-a.test%2F":      "400 invalid_request",
		"/federation/fetch?sub=a&sub=b":                             "400 invalid_request",
		"/federation/fetch?sub=%zz":                                 "400 invalid_request",
		"/federation/fetch?sub=" + strings.Repeat("a", 3000):        "400 invalid_request",
		"/federation/fetch?sub=https%3A%2F%2Fchaton-b.test%2F":      "404 not_found",
		"/federation/fetch?sub=http%3A%2F%2Fchaton-b.test":          "404 not_found",
		"/federation/fetch?sub=http%3A%2F%2F127.0.0.1%3A1%2F":       "404 not_found",
		"/federation/list?intermediate=true":                        "400 unsupported_parameter",
		"/federation/list?trust_marked=true":                        "400 unsupported_parameter",
		"/federation/list?trust_mark_type=x":                        "400 unsupported_parameter",
		"/federation/list?nonsense=1":                               `200 ["https://chaton-b.test"]`,
		"/federation/list?entity_type=openid_provider":              `200 ["https://chaton-b.test"]`,
		"/federation/list?entity_type=openid_relying_party":         `200 []`,
		"/federation/list?entity_type=openid_provider&entity_type=": `200 []`,
	} {
		a := w.ask(http.MethodGet, path)
		got := strings.TrimSpace(a.Body.String())
		var said struct{ Error, Error_description string }
		if json.Unmarshal(a.Body.Bytes(), &said) == nil && said.Error != "" {
			got = said.Error
			if said.Error_description == "" || a.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%.60s: %s", path, a.Body)
			}
		}
		if got = fmt.Sprint(a.Code, " ", got); got != want {
			t.Errorf("%.60s: %s", path, got)
		}
	}
	w.homes.err = errors.New("the disk is gone")
	w.pass(time.Hour)
	for _, path := range []string{"/.well-known/openid-federation", "/federation/list", "/federation/fetch?sub=https%3A%2F%2Fchaton-b.test"} {
		if a := w.ask(http.MethodGet, path); a.Code != http.StatusInternalServerError || strings.Contains(a.Body.String(), "disk") {
			t.Errorf("%s: %d %s", path, a.Code, a.Body)
		}
	}
}

func BenchmarkStrangers(b *testing.B) {
	w := newWorld(b)
	w.homes.below = []home.Home{member(b, "chaton-b.test", "https://chaton-b.test")}
	for name, path := range map[string]string{"itself": "/.well-known/openid-federation", "member": "/federation/fetch?sub=https%3A%2F%2Fchaton-b.test", "nobody": "/federation/fetch?sub=x"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.ask(http.MethodGet, path)
			}
		})
	}
}
