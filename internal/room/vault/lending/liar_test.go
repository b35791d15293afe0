package lending

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// lying serves what an honest bo would answer after change had its way with it.
func (w *world) lying(change func(path string, answer []byte) []byte) {
	honest := w.handler
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		honest.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if rec.Code == http.StatusOK {
			body = change(r.URL.Path, body)
		}
		maps.Copy(rw.Header(), rec.Header())
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(body)
	})
}

func TestEveryLieHasItsName(t *testing.T) {
	w := sqliteWorld(t)
	ctx, h := t.Context(), w.over(ana)
	o := w.newThing(1, 4*holder.Group)
	first := w.mustPut(h, o, 0)
	ref := holder.RefOf(o.heads[0].Header)
	old, err := first.Document.Encode()
	if err != nil {
		t.Fatal(err)
	}
	honest := w.handler
	signed := func(r holder.Receipt) []byte {
		t.Helper()
		r, err := holder.SignReceipt(r, w.signers[bo])
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Document.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct {
		change func(path string, b []byte) []byte
		do     func() error
		code   core.Code
		key    string
	}{
		"old receipt": {
			func(string, []byte) []byte { return old }, func() error { _, err := o.put(ctx, h, 0); return err },
			core.CodeInvalid, "vault.peer_old_receipt",
		},
		"receipt of another owner": {
			func(string, []byte) []byte { r := first; r.Owner = eve; return signed(r) }, func() error { _, err := o.put(ctx, h, 0); return err },
			core.CodeInvalid, "vault.peer_other_owner",
		},
		"receipt of other bytes": {
			func(string, []byte) []byte { r := first; r.Root[0] ^= 1; return signed(r) }, func() error { _, err := o.put(ctx, h, 0); return err },
			core.CodeInvalid, "vault.peer_wrong_bytes",
		},
		"receipt signed by another": {
			func(string, []byte) []byte {
				e := first.Document
				e.Signatures = nil
				if err := e.AddSignature(seal.NewSigner(bo, pruneKey())); err != nil {
					t.Error(err)
				}
				text, _ := e.Encode()
				return text
			}, func() error { _, err := o.put(ctx, h, 0); return err },
			core.CodeDenied, "",
		},
		"receipt that is rubbish": {
			func(string, []byte) []byte { return []byte(`{"payloadType":"x"}`) }, func() error { _, err := o.put(ctx, h, 0); return err },
			core.CodeUnsure, "peer.bad_answer", // nobody signed it
		},
		"flipped bit": {
			func(_ string, b []byte) []byte { b[len(b)/2] ^= 1; return b }, func() error { _, err := read(ctx, h, ref); return err },
			core.CodeInvalid, "vault.peer_wrong_bytes",
		},
		"cut short": {
			func(_ string, b []byte) []byte { return b[:len(b)-1] }, func() error { _, err := read(ctx, h, ref); return err },
			core.CodeInvalid, "vault.peer_truncated",
		},
		"a list of another owner": {
			func(_ string, b []byte) []byte { return bytes.Replace(b, []byte(ana), []byte(eve), 1) },
			func() error { _, err := h.List(ctx, ana, "", 0); return err },
			core.CodeInvalid, "vault.peer_other_owner",
		},
		"a list that begins again": {
			func(_ string, b []byte) []byte { return b }, func() error { _, err := h.List(ctx, ana, "", 1); return err }, "", "",
		},
		"half a list": {
			func(_ string, b []byte) []byte { return b[:len(b)-10] },
			func() error { _, err := h.List(ctx, ana, "", 0); return err }, core.CodeUnsure, "peer.bad_answer",
		},
		"a proof of other bytes": {
			func(_ string, b []byte) []byte { b[len(b)-1] ^= 1; return b },
			func() error { _, err := h.Audit(ctx, ref, 0); return err }, core.CodeInvalid, "vault.peer_wrong_bytes",
		},
		"a proof of another length": {
			func(_ string, b []byte) []byte { b[0]++; return b },
			func() error { _, err := h.Audit(ctx, ref, 0); return err }, core.CodeInvalid, "vault.peer_truncated",
		},
		"an empty proof": {
			func(string, []byte) []byte { return nil },
			func() error { _, err := h.Audit(ctx, ref, 0); return err }, core.CodeInvalid, "vault.peer_truncated",
		},
	} {
		w.handler = honest
		w.lying(c.change)
		wants(t, name, c.do(), c.code, c.key)
	}
}

func TestSilenceHasItsName(t *testing.T) {
	w := sqliteWorld(t)
	o := w.newThing(1, 40*holder.Group)
	w.mustPut(w.over(ana), o, 0)
	ref := holder.RefOf(o.heads[0].Header)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", strconv.FormatInt(ref.Length, 10))
		_, _ = rw.Write(o.data[0][:100])
		_ = http.NewResponseController(rw).Flush()
		<-release
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := read(ctx, w.over(ana), ref)
	wants(t, "stops in the middle", err, core.CodeUnsure, "vault.peer_silent")
	w.handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", strconv.FormatInt(ref.Length, 10))
		_, _ = rw.Write(o.data[0][:100])
	})
	_, err = read(t.Context(), w.over(ana), ref)
	wants(t, "hangs up", err, core.CodeUnsure, "vault.peer_silent")
	w.server.CloseClientConnections()
	url := w.server.URL
	w.server.URL = "http://127.0.0.1:1"
	_, err = w.over(ana).List(t.Context(), ana, "", 0)
	wants(t, "nobody there", err, core.CodeUnsure, "vault.peer_silent")
	w.server.URL = url
}

// A shard that is refused is refused before its data is sent, and the answer
// arrives as it was given.
func TestRefusedBeforeTheBody(t *testing.T) {
	w := sqliteWorld(t)
	o := w.newThing(1, 32<<20)
	w.allow(ana, core.Allowance{Grant: holder.StoreGrant(1000)})
	for range 5 {
		body := &counting{r: bytes.NewReader(o.data[0])}
		_, err := w.over(ana).Put(t.Context(), o.heads[0], body)
		wants(t, "16 MiB into 1000 bytes", err, core.CodeFull, "vault.quota_full")
		if body.n > 1<<20 {
			t.Errorf("%d bytes were sent for nothing", body.n)
		}
	}
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// What a stranger puts into a request by hand.
func TestHostileRequests(t *testing.T) {
	w := sqliteWorld(t)
	o := w.newThing(1, 1000)
	head := o.heads[0]
	call := func(method, path, query, header string, length int64) int {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://bo.test/x?"+query, bytes.NewReader(o.data[0]))
		r.Header.Set(holder.HeadHeader, header)
		r.ContentLength = length
		r.SetPathValue("name", path)
		rec := httptest.NewRecorder()
		serve := map[string]func(http.ResponseWriter, *http.Request, core.MemberID) error{
			http.MethodPut: handler{w.store}.put, http.MethodGet: handler{w.store}.get,
		}[method]
		if err := serve(rec, r, ana); err != nil {
			return core.CodeOf(err).HTTPStatus()
		}
		return rec.Code
	}
	good := base64Of(head)
	for name, c := range map[string]struct {
		method, path, query, header string
		length                      int64
		want                        int
	}{
		"as it should be":      {"PUT", head.Name(), "nonce=n", good, 500, 200},
		"no nonce":             {"PUT", head.Name(), "", good, 500, 400},
		"a long nonce":         {"PUT", head.Name(), "nonce=" + strings.Repeat("n", 65), good, 500, 400},
		"another name":         {"PUT", o.heads[1].Name(), "nonce=n", good, 500, 400},
		"dots":                 {"PUT", "../" + head.Name(), "nonce=n", good, 500, 400},
		"no head":              {"PUT", head.Name(), "nonce=n", "", 500, 400},
		"head and more":        {"PUT", head.Name(), "nonce=n", base64Text(append(bytes.Clone(head.Bytes()), "x"...)), 500, 400},
		"not base64":           {"PUT", head.Name(), "nonce=n", "???", 500, 400},
		"length unknown":       {"PUT", head.Name(), "nonce=n", good, -1, 400},
		"another length":       {"PUT", head.Name(), "nonce=n", good, 501, 400},
		"read dots":            {"GET", "../../etc/passwd", "owner=ana.test", "", 0, 400},
		"owner with dots":      {"GET", head.Name(), "owner=../ana.test", "", 0, 400},
		"no owner":             {"GET", head.Name(), "", "", 0, 400},
		"minus":                {"GET", head.Name(), "owner=ana.test&off=-1", "", 0, 400},
		"off is not a number":  {"GET", head.Name(), "owner=ana.test&off=1e3", "", 0, 400},
		"another's":            {"GET", head.Name(), "owner=eve.test", "", 0, 403},
		"a shard nobody gave":  {"GET", o.heads[3].Name(), "owner=ana.test", "", 0, 404},
		"n beyond every bound": {"GET", head.Name(), "owner=ana.test&n=9007199254740991", "", 0, 400},
	} {
		if name == "as it should be" {
			continue
		}
		if got := call(c.method, c.path, c.query, c.header, c.length); got != c.want && (c.want != 400 || got != 404) {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := call("PUT", head.Name(), "nonce=n", good, 500); got != 200 {
		t.Errorf("as it should be: %d", got)
	}
	if got := call("GET", head.Name(), "owner=ana.test&n=9007199254740991", "", 0); got != 400 {
		t.Errorf("n beyond every bound: %d", got)
	}
}

func base64Of(h shard.Head) string { return base64Text(h.Bytes()) }

// Eight uploads of 4 MiB at once keep their data out of memory: all that is ever
// allocated for them, collected or not, is a small part of it.
func TestUploadsStream(t *testing.T) {
	w := sqliteWorld(t)
	h := w.over(ana)
	var things []thing
	for seed := range uint64(8) {
		things = append(things, w.newThing(seed, 8<<20))
	}
	w.mustPut(h, w.newThing(99, 1000), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for _, o := range things {
		all.Go(func() {
			if _, err := o.put(t.Context(), h, 0); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d KiB allocated for 32 MiB, at both ends", allocated>>10)
	if allocated > 8<<20 {
		t.Errorf("%d bytes allocated", allocated)
	}
}
