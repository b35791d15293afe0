package shard

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Magic is the first line of every shard file.
const Magic = "entrechat-shard/1\n"

// MaxHead is the largest head (magic, header and signature lines) in bytes.
const MaxHead = 16 << 10

// MaxLabel is the largest sealed label in bytes; base64 makes it a third longer.
const MaxLabel = 8 << 10

const (
	version  = 1
	sigLabel = "sig "
	sigLine  = len(sigLabel) + 2*ed25519.SignatureSize + 1
)

// PruneKey is the Ed25519 public key that alone may delete the shard. The zero
// value is no key: nobody may.
type PruneKey [ed25519.PublicKeySize]byte

// MarshalText writes unpadded base64url.
func (k PruneKey) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, k[:]), nil
}

// UnmarshalText reads what MarshalText writes. Returns CodeInvalid.
func (k *PruneKey) UnmarshalText(b []byte) error {
	parsed, err := base64.RawURLEncoding.Strict().DecodeString(string(b))
	if err != nil || len(parsed) != len(k) {
		return core.Invalid("vault.bad_shard", fmt.Errorf("%.60q is not a prune key", b))
	}
	copy(k[:], parsed)
	return nil
}

// IsZero says that no key is set.
func (k PruneKey) IsZero() bool { return k == PruneKey{} }

// Header says what a shard is and how to use it. All sizes are bytes.
//
// spec: docs/spec/shard.md#header
type Header struct {
	V         int           `json:"v"`          // 1
	Owner     core.MemberID `json:"owner"`      // whose object it is
	OwnerRoot core.RootKey  `json:"owner_root"` // what proves the owner when its other keys are lost
	Object    Hash          `json:"object"`     // BLAKE3 of the sealed object
	K         int           `json:"k"`
	N         int           `json:"n"`
	Index     int           `json:"index"`  // 0..N-1; data shards are those below K
	Sealed    int64         `json:"sealed"` // length of the sealed object
	Length    int64         `json:"length"` // length of the shard's data
	Root      Hash          `json:"root"`   // BLAKE3 of the shard's data
	SHA256    Hash          `json:"sha256"` // SHA-256 of the shard's data
	Label     []byte        `json:"label"`  // an age file; what the object is called, for its owner only
	Prune     PruneKey      `json:"prune,omitzero"`
	Made      core.Moment   `json:"made_us"` // by the owner's clock; tells people, decides nothing
}

// Code is the header's K-of-N.
func (h Header) Code() Code { return Code{h.K, h.N} }

// Of fills in what belongs to one shard: index, length, and the two hashes.
func (h Header) Of(index int, data []byte) Header {
	sums := SumsOf(data)
	h.V, h.Index, h.Length, h.Root, h.SHA256 = version, index, int64(len(data)), sums.Root, sums.SHA256
	return h
}

// Name is what the shard is called among its owner's: "<object>.<index>".
func (h Header) Name() string { return h.Object.String() + "." + strconv.Itoa(h.Index) }

// Same says whether two headers name the same bytes under the same rules. Labels
// and times may differ: an object sent again is sealed under a new label. So may the
// number of copies: it grows with the members.
func (h Header) Same(o Header) bool {
	return h.OwnerRoot == o.OwnerRoot && h.Object == o.Object && h.K == o.K && (h.N == o.N || h.K == 1) && h.Index == o.Index &&
		h.Sealed == o.Sealed && h.Root == o.Root && h.SHA256 == o.SHA256 && h.Prune == o.Prune
}

// Check says whether the fields agree with each other. Returns CodeInvalid.
func (h Header) Check() error {
	switch {
	case h.V != version:
		return bad("version %d", h.V)
	case !h.Owner.Valid():
		return bad("owner %.80q", h.Owner)
	case h.OwnerRoot.IsZero() || h.Object.IsZero() || h.Root.IsZero() || h.SHA256.IsZero():
		return bad("a key or hash is missing")
	case !h.Code().Valid() || h.Index < 0 || h.Index >= h.N:
		return bad("shard %d of %d-of-%d", h.Index, h.K, h.N)
	case h.Sealed < 1 || h.Sealed > MaxSealed || h.Length != h.Code().ShardSize(h.Sealed):
		return bad("length %d of %d sealed", h.Length, h.Sealed)
	case len(h.Label) > MaxLabel:
		return bad("label of %d bytes", len(h.Label))
	case h.Made < 0:
		return bad("made at %d", h.Made)
	}
	return nil
}

func bad(format string, args ...any) error {
	return core.Invalid("vault.bad_shard", fmt.Errorf("shard header: "+format, args...))
}

// Signer is the half of a seal.Signer that a header needs.
type Signer interface {
	Sign(msg []byte) []byte
}

// Head is a header as it stands at the front of a shard file: the three lines,
// byte for byte as they were signed. Make one with Sign, Parse or Read; the zero
// value has no bytes. It says nothing about who signed until Verify does.
type Head struct {
	Header
	raw []byte
}

// Sign writes the head of a shard. Returns CodeInvalid when the header does not
// agree with itself or would be too large.
func Sign(h Header, s Signer) (Head, error) {
	if err := h.Check(); err != nil {
		return Head{}, err
	}
	line, err := wire.Encode(h)
	if err != nil {
		return Head{}, fmt.Errorf("encode shard header: %w", err)
	}
	raw := make([]byte, 0, len(Magic)+len(line)+1+sigLine)
	raw = append(append(append(raw, Magic...), line...), '\n')
	sig := s.Sign(raw)
	raw = hex.AppendEncode(append(raw, sigLabel...), sig)
	raw = append(raw, '\n')
	if len(raw) > MaxHead {
		return Head{}, bad("%d bytes", len(raw))
	}
	return Head{Header: h, raw: raw}, nil
}

// Parse reads the head at the front of b; data may follow it. Returns CodeInvalid.
//
// spec: docs/spec/shard.md#file
func Parse(b []byte) (Head, error) {
	raw, line, err := cut(b)
	if err != nil {
		return Head{}, err
	}
	var h Header
	if err := wire.Decode(line, &h); err != nil {
		return Head{}, core.Invalid("vault.bad_shard", err)
	}
	if err := h.Check(); err != nil {
		return Head{}, err
	}
	return Head{Header: h, raw: bytes.Clone(raw)}, nil
}

// cut finds the three lines; line is the second without its newline.
func cut(b []byte) (raw, line []byte, err error) {
	rest, ok := bytes.CutPrefix(b[:min(len(b), MaxHead)], []byte(Magic))
	if !ok {
		return nil, nil, bad("no magic line")
	}
	line, rest, ok = bytes.Cut(rest, []byte("\n"))
	if !ok || len(rest) < sigLine || !bytes.HasPrefix(rest, []byte(sigLabel)) || rest[sigLine-1] != '\n' {
		return nil, nil, bad("no signature line within %d bytes", MaxHead)
	}
	var sig [ed25519.SignatureSize]byte
	digits := rest[len(sigLabel) : sigLine-1]
	if _, err := hex.Decode(sig[:], digits); err != nil || !bytes.Equal(bytes.ToLower(digits), digits) {
		return nil, nil, bad("signature is not lower-case hex")
	}
	return b[:len(Magic)+len(line)+1+sigLine], line, nil
}

// Read reads the head of a shard file from its start, at most MaxHead bytes;
// the data begins at Size. Returns CodeInvalid, or the reader's error.
func Read(r io.ReaderAt) (Head, error) {
	buf := make([]byte, MaxHead)
	n, err := r.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Head{}, fmt.Errorf("read shard header: %w", err)
	}
	return Parse(buf[:n])
}

// Bytes are the three lines. Do not change them.
func (h Head) Bytes() []byte { return h.raw }

// Size is where the data begins in a shard file.
func (h Head) Size() int64 { return int64(len(h.raw)) }

// Verify says whether one of the keys signed the head. Returns CodeDenied.
func (h Head) Verify(keys ...ed25519.PublicKey) error {
	if len(h.raw) <= sigLine {
		return bad("not signed")
	}
	signed, sigText := h.raw[:len(h.raw)-sigLine], h.raw[len(h.raw)-sigLine+len(sigLabel):len(h.raw)-1]
	sig, err := hex.DecodeString(string(sigText))
	if err != nil {
		return bad("signature: %w", err)
	}
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, signed, sig) {
			return nil
		}
	}
	return core.Denied("vault.bad_signature", fmt.Errorf("shard %s is signed by no key of %s", h.Name(), h.Owner)).
		With("Member", h.Owner)
}
