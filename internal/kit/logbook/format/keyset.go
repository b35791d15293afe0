package format

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Bounds of a key set.
const (
	maxKeys   = 16
	MaxEpochs = 64
)

// KeySet is what a member's root key says about it: where it is, which online keys
// are its own, and which of its logs goes on. A higher version replaces a lower
// one, wherever it came from: the root key's signature is what counts.
// spec: docs/spec/logbook.md#key-set
type KeySet struct {
	Origin  core.MemberID `json:"origin"`
	Version int64         `json:"version"` // from 1
	URL     string        `json:"url"`     // without a slash at its end
	Root    core.RootKey  `json:"root"`
	Keys    []Key         `json:"keys"` // the last one signs now
	// Closed are the logs before the present one, each as far as it is good; the
	// present epoch is their number plus one.
	Closed []Closed    `json:"closed,omitempty"`
	Made   core.Moment `json:"made"`
}

// Key is one online key of a member.
type Key struct {
	Key string `json:"key"` // Ed25519 public key, standard base64
	// RevokedFrom is the size of the member's whole history beyond which this
	// key's signature counts no more: entries at that index and later are not
	// believed on its word. Zero while the key is good; a key that never signed an
	// honest head is left out of the set instead.
	RevokedFrom int64 `json:"revoked_from_size,omitzero"`
}

// Closed is the last good state of a log that does not go on.
type Closed struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // tree root, standard base64
}

// NewKey is an online key that is good.
func NewKey(public ed25519.PublicKey) Key {
	return Key{Key: base64.StdEncoding.EncodeToString(public)}
}

// Public is the key as crypto/ed25519 wants it, nil when it is malformed.
func (k Key) Public() ed25519.PublicKey {
	b, err := base64.StdEncoding.Strict().DecodeString(k.Key)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil
	}
	return b
}

// signs says whether the key may vouch for a history of this size.
func (k Key) signs(size int64) bool { return k.RevokedFrom == 0 || size <= k.RevokedFrom }

// Current is the key that signs now, nil when every one is revoked.
func (s KeySet) Current() ed25519.PublicKey {
	if len(s.Keys) == 0 || s.Keys[len(s.Keys)-1].RevokedFrom != 0 {
		return nil
	}
	return s.Keys[len(s.Keys)-1].Public()
}

// Good are the keys a member signs requests and documents with: all that are not
// revoked, the present one last.
func (s KeySet) Good() []ed25519.PublicKey {
	var out []ed25519.PublicKey
	for _, k := range s.Keys {
		if k.RevokedFrom == 0 {
			out = append(out, k.Public())
		}
	}
	return out
}

// Epoch is the number of the log that goes on, from 1.
func (s KeySet) Epoch() int64 { return int64(len(s.Closed)) + 1 }

// Base is the index, in the member's whole history, of an epoch's first entry.
func (s KeySet) Base(epoch int64) int64 {
	var sum int64
	for _, c := range s.Closed[:epoch-1] {
		sum += c.Size
	}
	return sum
}

// ClosedTree is the good state of an epoch that does not go on.
func (s KeySet) ClosedTree(epoch int64) (tlog.Tree, bool) {
	if epoch < 1 || epoch > int64(len(s.Closed)) {
		return tlog.Tree{}, false
	}
	c := s.Closed[epoch-1]
	root, err := parseHash(c.Root)
	return tlog.Tree{N: c.Size, Hash: root}, err == nil
}

// LogOrigin is the name of one of a member's logs: the member's own for the
// first, with a slash and the epoch for those after.
// spec: docs/spec/logbook.md#epoch
func LogOrigin(id core.MemberID, epoch int64) string {
	if epoch <= 1 {
		return string(id)
	}
	return string(id) + "/" + strconv.FormatInt(epoch, 10)
}

// Sign makes the document of a key set, signed by the root key. Returns
// CodeInvalid when others would refuse it.
func (s KeySet) Sign(root ed25519.PrivateKey) (seal.Envelope, error) {
	s.Root = rootOf(root)
	if err := s.check(); err != nil {
		return seal.Envelope{}, err
	}
	payload, err := wire.Encode(s)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(TypKeySet, payload, seal.NewSigner(s.Origin, root))
}

func rootOf(root ed25519.PrivateKey) core.RootKey {
	return core.RootKey(root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
}

// OpenKeySet verifies a key set document under a pinned root key. Returns
// CodeDenied when another key signed it, CodeInvalid when it is malformed.
func OpenKeySet(doc seal.Envelope, id core.MemberID, root core.RootKey) (KeySet, error) {
	var s KeySet
	payload, signers, err := doc.Verify(TypKeySet, map[core.MemberID][]ed25519.PublicKey{id: {root.Public()}})
	if err != nil {
		return s, err
	}
	if err := wire.Decode(payload, &s); err != nil {
		return KeySet{}, err
	}
	if len(signers) != 1 || s.Origin != id || s.Root != root {
		return KeySet{}, core.Denied("logbook.bad_keyset", fmt.Errorf("key set of %s is not its own", id)).With("Member", id)
	}
	if err := s.check(); err != nil {
		return KeySet{}, err
	}
	return s, nil
}

func (s KeySet) check() error {
	bad := func(what string) error {
		return core.Invalid("logbook.bad_keyset", fmt.Errorf("key set of %s: %s", s.Origin, what)).With("Member", s.Origin)
	}
	switch {
	case !s.Origin.Valid() || s.Version < 1 || s.Root.IsZero() || s.Made < 0:
		return bad("origin, version, root or time")
	case !GoodURL(s.URL):
		return bad("url")
	case len(s.Keys) == 0 || len(s.Keys) > maxKeys:
		return bad("number of keys")
	case len(s.Closed) > MaxEpochs:
		return bad("number of epochs")
	}
	for _, k := range s.Keys {
		if k.Public() == nil || k.RevokedFrom < 0 {
			return bad("a key is malformed")
		}
	}
	for i := range s.Closed {
		if tree, ok := s.ClosedTree(int64(i) + 1); !ok || tree.N < 0 || tree.N > maxTree {
			return bad("a closed log is malformed")
		}
	}
	return nil
}

// GoodURL says whether a member may be reached there: an origin with a path at
// most.
func GoodURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 300 && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && text[len(text)-1] != '/'
}

// Follows says whether s may replace an older key set: nothing that was closed is
// opened again or told otherwise.
func (s KeySet) Follows(old KeySet) bool {
	if s.Version <= old.Version || len(s.Closed) < len(old.Closed) {
		return false
	}
	for i, c := range old.Closed {
		if s.Closed[i] != c {
			return false
		}
	}
	return true
}

func parseHash(text string) (tlog.Hash, error) {
	var h tlog.Hash
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%.60q is not a hash", text)
	}
	return tlog.Hash(b), nil
}

// HashText is a hash in standard base64.
func HashText(h tlog.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }

// Revoked says whether a key was given up: nothing makes it good again.
func (s KeySet) Revoked(key ed25519.PublicKey) bool {
	return slices.ContainsFunc(s.Keys, func(k Key) bool { return k.RevokedFrom != 0 && key.Equal(k.Public()) })
}

// Replace makes a key the only good one; the others keep what they signed up to
// size.
func (s *KeySet) Replace(key ed25519.PublicKey, size int64) {
	var out []Key
	for _, k := range s.Keys {
		if key.Equal(k.Public()) {
			continue
		}
		if k.RevokedFrom == 0 || k.RevokedFrom > size {
			k.RevokedFrom = size
		}
		if k.RevokedFrom > 0 {
			out = append(out, k)
		}
	}
	if len(out) >= maxKeys {
		out = out[len(out)-maxKeys+1:]
	}
	s.Keys = append(out, NewKey(key))
}

// NewKeySet is a first key set for a member whose online key is known; sign it
// with the root key and hand it to Init.
func NewKeySet(s seal.Signer, url string, made core.Moment) KeySet {
	return KeySet{Origin: s.ID(), Version: 1, URL: url, Keys: []Key{NewKey(s.Public())}, Made: made}
}
