package logbook

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/url"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// KeySet is what a member's root key says about it: where it is and which online
// keys are its own. A higher version replaces a lower one.
// spec: docs/spec/logbook.md#key-set
type KeySet struct {
	Typ     string        `json:"typ"` // TypKeySet
	Origin  core.MemberID `json:"origin"`
	Version int64         `json:"version"` // from 1
	URL     string        `json:"url"`
	Root    core.RootKey  `json:"root"`
	Keys    []Key         `json:"keys"` // the last one signs now
	Made    core.Moment   `json:"made"`
}

// Key is one online key of a member.
type Key struct {
	Key string `json:"key"` // Ed25519 public key, standard base64
	// RevokedFrom: heads larger than this, signed with this key, do not count.
	// Zero while the key is good; a key that never signed an honest head has -1.
	RevokedFrom int64 `json:"revoked_from_size,omitzero"`
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

// signs says whether the key may sign a head of this size.
func (k Key) signs(size int64) bool { return k.RevokedFrom == 0 || size <= k.RevokedFrom }

// Current is the key that signs now.
func (s KeySet) Current() ed25519.PublicKey {
	if len(s.Keys) == 0 {
		return nil
	}
	return s.Keys[len(s.Keys)-1].Public()
}

// Sign makes the document of a key set, signed by the root key it names.
func (s KeySet) Sign(root ed25519.PrivateKey) (seal.Envelope, error) {
	s.Typ = TypKeySet
	copy(s.Root[:], root.Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
	if err := s.check(); err != nil {
		return seal.Envelope{}, err
	}
	payload, err := wire.Encode(s)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(TypKeySet, payload, seal.NewSigner(s.Origin, root))
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
		return s, err
	}
	if len(signers) != 1 || s.Origin != id || s.Root != root {
		return s, core.Denied("logbook.bad_keyset", fmt.Errorf("key set of %s is not its own", id)).With("Member", id)
	}
	return s, s.check()
}

func (s KeySet) check() error {
	bad := func(what string) error {
		return core.Invalid("logbook.bad_keyset", fmt.Errorf("key set of %s: %s", s.Origin, what)).With("Member", s.Origin)
	}
	u, err := url.Parse(s.URL)
	switch {
	case !s.Origin.Valid() || s.Typ != TypKeySet || s.Version < 1:
		return bad("origin, type or version")
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bad("url")
	case len(s.Keys) == 0 || len(s.Keys) > 16:
		return bad("number of keys")
	}
	for _, k := range s.Keys {
		if k.Public() == nil {
			return bad("a key is malformed")
		}
	}
	return nil
}
