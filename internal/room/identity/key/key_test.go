package key_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/key"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func open(t *testing.T) (*key.Set, *clock, string) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "identity.keys")
	s, err := key.Open(path, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return s, c, path
}

func signs(t *testing.T, s *key.Set, alg string) string {
	t.Helper()
	k, err := s.Signing(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k.KeyID
}

func published(t *testing.T, s *key.Set, alg string) map[string]bool {
	t.Helper()
	set, err := s.Public(alg)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, k := range set.Keys {
		if !k.IsPublic() {
			t.Errorf("a private half is published: %s", k.KeyID)
		}
		out[k.KeyID] = true
	}
	return out
}

func TestRotationOverlaps(t *testing.T) {
	s, c, _ := open(t)
	for _, alg := range []string{key.RS256, key.ES256} {
		if first := published(t, s, alg); len(first) != 1 || !first[signs(t, s, alg)] {
			t.Fatalf("%s: a new node publishes %v", alg, first)
		}
	}
	before := signs(t, s, key.ES256)
	if err := s.Rotate(false); err != nil {
		t.Fatal(err)
	}
	if got := signs(t, s, key.ES256); got != before || len(published(t, s, key.ES256)) != 2 {
		t.Fatal("the next key signs before anybody could fetch it, or is not published")
	}
	c.pass(key.Lead + time.Second)
	after := signs(t, s, key.ES256)
	if after == before || !published(t, s, key.ES256)[before] {
		t.Fatal("the next key does not sign, or what the last one signed can no longer be checked")
	}
	c.pass(key.Tail)
	if keys := published(t, s, key.ES256); keys[before] || !keys[after] {
		t.Fatalf("published after the end: %v", keys)
	}
}

// However often it is rotated, whatever the time, something signs and is published.
func TestThereIsAlwaysAKey(t *testing.T) {
	s, c, path := open(t)
	for i := range 40 {
		switch i % 4 {
		case 0, 1:
			if err := s.Rotate(false); err != nil {
				t.Fatal(err)
			}
		case 2:
			if err := s.Keep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c.pass(time.Duration(i) * 7 * time.Hour)
		for _, alg := range []string{key.RS256, key.ES256} {
			if id := signs(t, s, alg); !published(t, s, alg)[id] {
				t.Fatalf("step %d: what signs is not published", i)
			}
		}
	}
	again, err := key.Open(path, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if signs(t, again, key.RS256) != signs(t, s, key.RS256) {
		t.Error("another process signs with another key")
	}
}

// However often somebody rotates, members can read the card, and we the file.
func TestRotationsInARow(t *testing.T) {
	s, c, path := open(t)
	refused := 0
	for range 10 {
		switch err := s.Rotate(false); core.CodeOf(err) {
		case "":
		case core.CodeConflict:
			refused++
		default:
			t.Fatal(err)
		}
		if n := len(published(t, s, key.ES256)); n > 8 {
			t.Fatalf("%d keys are published; members read 8", n)
		}
	}
	if refused == 0 {
		t.Error("no end of keys")
	}
	if err := s.Rotate(true); err != nil {
		t.Errorf("a stolen key stays: %v", err)
	}
	if _, err := key.Open(path, c.now); err != nil {
		t.Error(err)
	}
	if err := s.Rotate(false); err != nil {
		t.Error(err)
	}
}

func TestOldKeysAreReplaced(t *testing.T) {
	s, c, _ := open(t)
	first := signs(t, s, key.RS256)
	c.pass(key.Age + time.Hour)
	for range 3 {
		if err := s.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(published(t, s, key.RS256)); n != 2 {
		t.Fatalf("%d keys after three looks, want the old and the next", n)
	}
	c.pass(key.Lead)
	if signs(t, s, key.RS256) == first {
		t.Error("an old key signs for ever")
	}
}

func TestAStolenKeyGoesAtOnce(t *testing.T) {
	s, _, path := open(t)
	stolen := signs(t, s, key.ES256)
	other, err := key.Open(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Rotate(true); err != nil {
		t.Fatal(err)
	}
	if err := s.Rotate(true); err != nil {
		t.Fatal(err)
	}
	if keys := published(t, s, key.ES256); keys[stolen] || len(keys) != 1 {
		t.Errorf("still published: %v", keys)
	}
}

func TestWhatIsPublishedIsPublic(t *testing.T) {
	s, _, path := open(t)
	set, err := s.Public("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"k"`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is published", secret)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
}

func TestABrokenFileIsNotReplaced(t *testing.T) {
	_, c, path := open(t)
	for _, text := range []string{"", "{", `{"keys":[]}`, `{"keys":[{"jwk":{"kty":"oct","k":"YQ","alg":"HS256","kid":"x"},"from_us":1}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := key.Open(path, c.now); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%q was written over", text)
		}
	}
}

func TestTheFederationKeyIsForNothingElse(t *testing.T) {
	s, c, path := open(t)
	id := signs(t, s, key.Federation)
	if id == signs(t, s, key.ES256) || published(t, s, "")[id] || published(t, s, key.ES256)[id] || len(published(t, s, key.Federation)) != 1 {
		t.Error("it is among the keys of sign-ins")
	}
	// It does not grow old.
	c.pass(2 * key.Age)
	if err := s.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.pass(2 * key.Lead)
	if signs(t, s, key.Federation) != id || len(published(t, s, key.Federation)) != 1 {
		t.Error("it was replaced by itself")
	}
	// By hand it is replaced as the others are.
	if err := s.Rotate(false); err != nil {
		t.Fatal(err)
	}
	if signs(t, s, key.Federation) != id || len(published(t, s, key.Federation)) != 2 {
		t.Error("the next one is not published ahead")
	}
	c.pass(key.Lead)
	if signs(t, s, key.Federation) == id {
		t.Error("the next one does not sign")
	}
	if err := s.Rotate(true); err != nil || published(t, s, key.Federation)[id] || len(published(t, s, key.Federation)) != 1 {
		t.Errorf("a stolen one is still published: %v", err)
	}
	// A file of the version before has none; it is made, and the others stay.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	f.Keys = slices.DeleteFunc(f.Keys, func(k map[string]any) bool { return k["for"] == key.Federation })
	if text, err = json.Marshal(f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	was := signs(t, s, key.RS256)
	again, err := key.Open(path, c.now)
	if err != nil || signs(t, again, key.RS256) != was || signs(t, again, key.Federation) == "" {
		t.Errorf("%v", err)
	}
}
