package holder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/wire"
)

// maxSummary bounds an answer in bytes: 256 buckets of less than 100 bytes each.
const maxSummary = 64 << 10

// Summary tells two lists of shards apart without sending them: one fingerprint for
// each bucket, which is named by the first two hex digits of the object's id. A bucket
// without shards is left out.
//
// spec: docs/spec/holder.md#summary
type Summary map[string]Fingerprint

// Fingerprint is the exclusive or of the SHA-256 of the names of a set of shards, so
// that the order does not matter. The zero value is that of no shard.
type Fingerprint [sha256.Size]byte

// Add puts a shard into the set, or takes it out again.
func (f *Fingerprint) Add(name string) {
	for i, b := range sha256.Sum256([]byte(name)) {
		f[i] ^= b
	}
}

// MarshalText writes lower-case hex.
func (f Fingerprint) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, f[:]), nil }

// UnmarshalText reads what MarshalText writes. Returns CodeInvalid.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	if n, err := hex.Decode(f[:], b[:min(len(b), 2*len(f))]); err != nil || n != len(f) || len(b) != 2*len(f) {
		return BadDocument("%.80q is no fingerprint", b)
	}
	return nil
}

// Add puts the shard of an object into its bucket.
func (s Summary) Add(ref Ref) {
	name := ref.Name()
	f := s[name[:2]]
	f.Add(name)
	s[name[:2]] = f
}

// Summarizer is a holder that can tell what it keeps of an owner in a few kilobytes.
// What is deleted or broken is not in it. CodeDenied (vault.not_yours) to who may not
// read, CodeNotFound of an older node that has no such answer: list instead.
type Summarizer interface {
	Summary(ctx context.Context, owner core.MemberID) (Summary, error)
}

// Buckets are the names of all buckets, in order.
func Buckets() []string {
	out := make([]string, 0, 256)
	const digits = "0123456789abcdef"
	for _, a := range digits {
		for _, b := range digits {
			out = append(out, string(a)+string(b))
		}
	}
	return out
}

// Summary implements Summarizer.
func (m *Remote) Summary(ctx context.Context, owner core.MemberID) (Summary, error) {
	res, err := m.do(ctx, peer.Request{
		Method: http.MethodGet, Path: SummaryPath, Query: url.Values{"owner": {string(owner)}}, Limit: maxSummary,
		Total: peer.SmallCall,
	})
	if err != nil {
		return nil, err
	}
	data, err := m.readAll(res)
	if err != nil {
		return nil, err
	}
	var answer SummaryAnswer
	if err := wire.Peek(data, &answer); err != nil {
		return nil, err
	}
	return answer.Buckets, nil
}
