package logbook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/torchwood"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

// impostor serves what a test says for some paths and an honest member's answers
// for the rest.
func impostor(t *testing.T, honest *hoster, lie func(w http.ResponseWriter, r *http.Request) bool) (string, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if !lie(w, r) {
			peer.NewHandler(honest.needs(), honest.book.Routes()).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, &asked
}

// What a bad mirror can do to a log it shows: nothing, and nothing to the log's
// author nor to other logs.
func TestBadMirrors(t *testing.T) {
	bundle := func(entries ...string) []byte {
		var out []byte
		for _, e := range entries {
			out, _ = torchwood.AppendTileEntry(out, []byte(e))
		}
		return out
	}
	cases := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"invents entries":    serve("/entries/", bundle("{}", "{}", "{}")),
		"invents one entry":  serve("/entries/", bundle("{}")),
		"sends nothing":      serve("/entries/", nil),
		"cuts a bundle":      serve("/entries/", bundle("{}")[:2]),
		"sends too many":     serve("/entries/", bundle("{}", "{}", "{}", "{}", "{}")),
		"sends without end":  serve("/entries/", []byte(strings.Repeat("x", 3<<20))),
		"sends huge entries": serve("/entries/", bundle(strings.Repeat("x", 60_000), "{}", "{}")),
		"errors":             fail("/entries/", http.StatusInternalServerError),
		"hides":              fail("/entries/", http.StatusNotFound),
		"redirects":          redirect,
	}
	for name, lie := range cases {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-m.test", "chaton-o.test")
			a, b, m, o := v[0], v[1], v[2], v[3]
			for i := range 3 {
				a.say(t, i)
			}
			o.say(t, 1)
			for _, author := range []*hoster{a, o} {
				m.pull(t, author)
			}
			var lying atomic.Bool
			url, _ := impostor(t, m, func(w http.ResponseWriter, r *http.Request) bool {
				return lying.Load() && strings.Contains(r.URL.Path, a.id.Hash()) && lie(w, r)
			})
			ok(t, b.book.Learn(t.Context(), m.id, m.next(t, func(k *logbook.KeySet) { k.URL = url })))
			lying.Store(true)
			_ = b.book.PullFrom(t.Context(), m.id, 0)
			if got := b.sees(t, a); got.State != logbook.Fresh || got.Size != 1 {
				t.Fatalf("a: %+v", got)
			}
			must[int64](t)(b.book.Verify(t.Context(), a.id))
			// The author, or an honest mirror, gives the rest.
			lying.Store(false)
			b.pull(t, a)
			b.pull(t, o)
			if a, o := b.sees(t, a), b.sees(t, o); a.Size != 4 || o.Size != 2 {
				t.Fatalf("a %d, o %d", a.Size, o.Size)
			}
		})
	}
}

func serve(part string, data []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		_, _ = w.Write(data)
		return true
	}
}

func fail(part string, status int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		w.WriteHeader(status)
		return true
	}
}

func redirect(w http.ResponseWriter, r *http.Request) bool {
	http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	return true
}

// Answers to "what changed" that make no sense cost one request and no harm; the
// rest of an answer with one bad item still counts.
func TestBadHeads(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":          ``,
		"not JSON":         `<html>`,
		"two documents":    `{"store":"A","cursor":1,"heads":[]}{}`,
		"negative cursor":  `{"store":"A","cursor":-1,"heads":[]}`,
		"fraction":         `{"store":"A","cursor":1.5,"heads":[]}`,
		"bad store":        `{"store":"../x","cursor":1,"heads":[]}`,
		"no member":        `{"store":"A","cursor":1,"heads":[{"member":"","epoch":1,"version":1,"head":"x"}]}`,
		"epoch zero":       `{"store":"A","cursor":1,"heads":[{"member":"chaton-a.test","epoch":0,"version":1,"head":"x"}]}`,
		"many epochs":      `{"store":"A","cursor":1,"heads":[{"member":"chaton-a.test","epoch":9000,"version":1,"head":"x"}]}`,
		"long head":        fmt.Sprintf(`{"store":"A","cursor":1,"heads":[{"member":"chaton-a.test","epoch":1,"version":1,"head":"%s"}]}`, strings.Repeat("x", 20<<10)),
		"too many":         fmt.Sprintf(`{"store":"A","cursor":1,"heads":[%s]}`, strings.TrimSuffix(strings.Repeat(`{"member":"z.test","epoch":1,"version":1,"head":"x"},`, 10_001), ",")),
		"too long":         `{"store":"A","cursor":1,"heads":[` + strings.Repeat(" ", 9<<20) + `]}`,
		"deep":             strings.Repeat(`{"x":`, 100) + "1" + strings.Repeat("}", 100),
		"duplicate member": `{"store":"A","cursor":1,"cursor":2,"heads":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			v := village(t, c, "chaton-a.test", "chaton-b.test")
			a, b := v[0], v[1]
			url, asked := impostor(t, a, serve("/ec/v1/heads", []byte(answer)))
			ok(t, b.book.Learn(t.Context(), a.id, a.next(t, func(k *logbook.KeySet) { k.URL = url })))
			if err := b.book.PullFrom(t.Context(), a.id, 0); err == nil {
				t.Fatal("taken")
			}
			if asked.Load() != 1 {
				t.Fatalf("%d requests", asked.Load())
			}
		})
	}
}

func TestOneBadItemAmongGoodOnes(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-m.test")
	a, b, m := v[0], v[1], v[2]
	a.say(t, 1)
	m.pull(t, a)
	var items []map[string]any
	url, _ := impostor(t, m, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/ec/v1/heads" {
			return false
		}
		good := mustRead(t, m.server.URL+"/ec/v1/mirror/"+a.id.Hash()+"/checkpoint")
		items = append(items,
			map[string]any{"member": "stranger.test", "epoch": 1, "version": 1, "head": good},
			map[string]any{"member": string(b.id), "epoch": 1, "version": 1, "head": good},
			map[string]any{"member": string(m.id), "epoch": 2, "version": 1, "head": good},
			map[string]any{"member": string(a.id), "epoch": 1, "version": 1, "head": "chaton-a.test\n999999999\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— x AAAAAAAA\n"},
			map[string]any{"member": string(a.id), "epoch": 1, "version": 7, "head": good},
			map[string]any{"member": string(a.id), "epoch": 1, "version": 1, "head": good},
		)
		_ = json.NewEncoder(w).Encode(map[string]any{"store": "A", "cursor": 9, "heads": items})
		return true
	})
	ok(t, b.book.Learn(t.Context(), m.id, m.next(t, func(k *logbook.KeySet) { k.URL = url })))
	b.pull(t, m)
	if got := b.sees(t, a); got.Size != 2 || got.State != logbook.Fresh {
		t.Fatalf("%+v", got)
	}
}

// Posts to a mirror that must not go in, each with what it is answered.
func TestBadPosts(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test", "chaton-e.test")
	a, b, evil := v[0], v[1], v[2]
	head := mustRead(t, a.server.URL+"/log/checkpoint")
	long := make([]string, 257)
	for name, tt := range map[string]struct {
		body any
		want core.Code
	}{
		"another's head":    {map[string]any{"epoch": 1, "head": head, "from": 0, "entries": []string{}}, core.CodeInvalid},
		"no head":           {map[string]any{"epoch": 1, "head": "", "from": 0, "entries": []string{}}, core.CodeInvalid},
		"too many entries":  {map[string]any{"epoch": 1, "head": head, "from": 0, "entries": long}, core.CodeInvalid},
		"negative":          {map[string]any{"epoch": 1, "head": head, "from": -5, "entries": []string{}}, core.CodeInvalid},
		"not base64":        {map[string]any{"epoch": 1, "head": head, "from": 0, "entries": []string{"*"}}, core.CodeInvalid},
		"loose base64":      {map[string]any{"epoch": 1, "head": head, "from": 0, "entries": []string{"e31="}}, core.CodeInvalid},
		"unknown member":    {map[string]any{"epoch": 1, "head": head, "from": 0, "entries": []string{}, "x": 1}, core.CodeInvalid},
		"no such epoch":     {map[string]any{"epoch": 3, "head": head, "from": 0, "entries": []string{}}, core.CodeInvalid},
		"beyond our limits": {map[string]any{"epoch": 1, "head": strings.Repeat("x", 2<<20), "from": 0, "entries": []string{}}, core.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := evil.client.JSON(t.Context(), b.id, http.MethodPost, "/ec/v1/entries", tt.body, nil)
			code(t, err, tt.want)
		})
	}
	keys, _, err := a.book.KeySet(t.Context(), a.id)
	ok(t, err)
	keys.Version = 9
	forged := must[seal.Envelope](t)(keys.Sign(evil.root))
	code(t, evil.client.JSON(t.Context(), b.id, http.MethodPost, "/ec/v1/keyset", forged, nil), core.CodeDenied)
	if got := b.sees(t, a); got.Version != 1 || got.Size != 1 {
		t.Fatalf("%+v", got)
	}
}

// A neighbour that invents a head of our own log does not make us ask our mirrors
// anew: without them we could append no more.
func TestInventedHeadOfOurs(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	ok(t, a.book.Push(t.Context()))
	ok(t, a.book.HoldLease(t.Context()))
	head := "chaton-a.test\n9\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— chaton-a.test AAAAAAAA\n"
	answer, err := json.Marshal(map[string]any{"store": "A", "cursor": 1, "heads": []any{
		map[string]any{"member": a.id, "epoch": 1, "version": 1, "head": head},
	}})
	ok(t, err)
	url, _ := impostor(t, b, serve("/ec/v1/heads", answer))
	ok(t, a.book.Learn(t.Context(), b.id, b.next(t, func(k *logbook.KeySet) { k.URL = url })))
	_ = a.book.PullFrom(t.Context(), b.id, 0)
	b.dark.Store(true)
	ok(t, a.book.Learn(t.Context(), b.id, b.next(t, func(k *logbook.KeySet) { k.Version, k.URL = k.Version+1, b.server.URL })))
	ok(t, add(t, a.book))
}

// What a revoked key wrote stays on our disk in quarantine, and counts: a member that
// gives up one key after the other must not fill it.
func TestQuarantineCounts(t *testing.T) {
	c := newClock()
	v := village(t, c, "chaton-a.test", "chaton-b.test")
	a, b := v[0], v[1]
	thief := twinOf(t, a)
	for i := range 30 {
		thief.say(t, 100+i)
	}
	ok(t, b.book.SyncAt(t.Context(), a.id, thief.server.URL))
	held := func() (n int64) {
		ok(t, b.db.QueryRowContext(t.Context(), `SELECT bytes FROM logbook_log WHERE member = $1`, string(a.id)).Scan(&n))
		return n
	}
	before := held()
	a.signer = seal.NewSigner(a.id, newKey(t))
	doc := a.next(t, func(k *logbook.KeySet) {
		k.Keys[0].RevokedFrom = 1
		k.Keys = append(k.Keys, format.NewKey(a.signer.Public()))
	})
	ok(t, b.book.Learn(t.Context(), a.id, doc))
	if m := b.sees(t, a); m.Size != 1 {
		t.Fatalf("%+v", m)
	}
	if after := held(); after < before {
		t.Errorf("%d bytes count, %d are on the disk", after, before)
	}
}
