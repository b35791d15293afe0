package peer

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"time"

	"entrechat/internal/core"
)

const (
	defaultMaxBody = 64 << 10
	// farewell is how long a body that nobody reads may take: net/http reads some
	// of it before it answers.
	farewell = 5 * time.Second
)

// inbound is a request's body: bounded in size and slowness, and proved against
// its digest when it has one. Only time spent waiting for the sender counts; a
// handler may take as long as its disk needs.
type inbound struct {
	body   io.ReadCloser
	answer *answer
	limit  int64
	pace   pace
	since  time.Time // when the pace was renewed
	digest string    // expected Content-Digest, "" = none
	sum    hash.Hash
}

// bound gives r an inbound body. The request is a copy: net/http recognises its
// own body in its own, to know whether the sender still waits for a go-ahead.
// Returns CodeInvalid when the declared length is too large.
func bound(a *answer, r *http.Request, limit int64, digest string) (*http.Request, *inbound, error) {
	if limit == 0 {
		limit = defaultMaxBody
	}
	if r.ContentLength > limit {
		return r, nil, tooLarge(limit, fmt.Errorf("%d bytes declared", r.ContentLength))
	}
	b := &inbound{
		// net/http closes the connection of a body too large when it sees its own writer.
		body: http.MaxBytesReader(a.ResponseWriter, r.Body, limit), answer: a,
		limit: limit, pace: pace{left: a.patience}, since: time.Now(), digest: digest, sum: sha256.New(),
	}
	r = r.WithContext(r.Context())
	r.Body = b
	return r, b, nil
}

// Read implements io.Reader. Returns CodeInvalid for a body too large, CodeUnsure
// for one too slow, CodeDenied for one that is not what was signed.
func (b *inbound) Read(p []byte) (int, error) {
	begun := time.Now()
	b.answer.readBy(begun.Add(b.pace.left))
	b.answer.place.wait(b.since)
	n, err := b.body.Read(p)
	b.answer.place.work()
	// A deadline that stayed would cut the wait for the handler's answer.
	b.answer.readBy(time.Time{})
	quick := b.pace.spend(time.Since(begun), int64(n))
	if n > 0 && b.pace.got == 0 {
		b.pace.left, b.since = b.answer.patience, time.Now()
	}
	if b.digest != "" {
		_, _ = b.sum.Write(p[:n])
	}
	var over *http.MaxBytesError
	switch {
	case errors.Is(err, io.EOF):
		b.answer.unread = false
		if b.digest != "" && !sameDigest(b.digest, b.sum.Sum(nil)) {
			return n, core.Denied("peer.bad_signature", errors.New("body does not match its digest"))
		}
	case errors.As(err, &over):
		return n, tooLarge(b.limit, err)
	case errors.Is(err, os.ErrDeadlineExceeded), err == nil && !quick:
		return n, core.Unsure("peer.too_slow", fmt.Errorf("body brought %d bytes in %s", b.pace.got, b.answer.patience))
	}
	return n, err
}

// Close implements io.Closer.
func (b *inbound) Close() error { return b.body.Close() }

// whole reads all of the body, checked, and leaves it to be read again.
func (b *inbound) whole(r *http.Request) error {
	data, err := io.ReadAll(b)
	if err != nil {
		return badBody(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return nil
}

func tooLarge(limit int64, err error) error {
	return core.Invalid("peer.too_large", fmt.Errorf("at most %d bytes: %w", limit, err)).With("Limit", limit)
}

// badBody keeps what inbound found and calls the rest, a connection that broke,
// by its name.
func badBody(err error) error {
	if core.CodeOf(err) != core.CodeInternal {
		return err
	}
	return core.Invalid("peer.bad_body", fmt.Errorf("read body: %w", err))
}

func sameDigest(header string, sum []byte) bool {
	return subtle.ConstantTimeCompare([]byte(header), []byte(digestText(sum))) == 1
}
