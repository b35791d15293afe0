package vault

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// zeroes never end.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The largest file that restic may send is, sealed, the largest that a member takes in one
// piece, or less: not accepted here and refused there.
func TestLargestFileFits(t *testing.T) {
	w := newWorld(t, 1)
	w.create("files")
	recipients, _, err := w.room.keyring.Recipients(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := age.EncryptReader(io.LimitReader(zeroes{}, rest.MaxFile), recipients...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, sealed)
	if err != nil || n <= rest.MaxFile || n > shard.MaxSealed {
		t.Fatalf("%d bytes are %d sealed, %v; members take %d", int64(rest.MaxFile), n, err, int64(shard.MaxSealed))
	}
	for _, code := range []shard.Code{{K: 1, N: 1}, {K: 4, N: 6}} {
		if size := code.ShardSize(n); size > shard.MaxSealed {
			t.Errorf("%v: a shard of %d bytes", code, size)
		}
	}
	for _, size := range []int64{rest.MaxFile, rest.MaxFile + 1} {
		status, asked := w.offer(rest.Data, size)
		if wanted := size <= rest.MaxFile; asked != wanted || !asked && status != http.StatusBadRequest {
			t.Errorf("%d bytes: asked for %v, status %d", size, asked, status)
		}
	}
}

// offer says how large a file is before it sends it, and whether it was asked for.
func (w *world) offer(kind rest.Type, size int64) (status int, asked bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { asked = true; cancel() }})
	c := w.client("files", "")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/"+string(kind)+"/"+strings.Repeat("a", 64), io.LimitReader(zeroes{}, size))
	if err != nil {
		w.t.Fatal(err)
	}
	req.ContentLength = size
	req.Header.Set("Expect", "100-continue")
	transport := &http.Transport{ExpectContinueTimeout: 1 << 40}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, asked
	}
	defer res.Body.Close()
	return res.StatusCode, asked
}
