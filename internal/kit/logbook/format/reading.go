package format

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// A rehearsal must not touch the key set, and yet members have to know whose request
// it is. So the root key lets one more key read for a while, in a document that goes with
// each request.
// spec: docs/spec/peer.md#reading-key
const typReadingKey = "entrechat/reading-key/1"

// ReadingLife is the longest a reading key is good for.
const ReadingLife = 14 * 24 * time.Hour

type readingKey struct {
	Origin core.MemberID `json:"origin"`
	Key    string        `json:"key"` // Ed25519 public key, standard base64
	Made   core.Moment   `json:"made"`
	Until  core.Moment   `json:"until"`
}

// SignReadingKey lets the signer's key read in its member's name for ReadingLife.
func SignReadingKey(s seal.Signer, root ed25519.PrivateKey, now core.Moment) (seal.Envelope, error) {
	text, err := wire.Encode(readingKey{s.ID(), NewKey(s.Public()).Key, now, now.Add(ReadingLife)})
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(typReadingKey, text, seal.NewSigner(s.ID(), root))
}

// OpenReadingKey opens the document that a request brought: the key that a member's
// root key lets read for now. Returns CodeDenied for a document that does not hold, or
// no longer.
func OpenReadingKey(data []byte, id core.MemberID, root core.RootKey, now core.Moment) (ed25519.PublicKey, error) {
	bad := func(err error) error {
		return core.Denied("peer.bad_signature", fmt.Errorf("reading key of %s: %w", id, err))
	}
	doc, err := seal.DecodeEnvelope(data)
	if err != nil {
		return nil, bad(err)
	}
	text, _, err := doc.Verify(typReadingKey, map[core.MemberID][]ed25519.PublicKey{id: {root.Public()}})
	if err != nil {
		return nil, bad(err)
	}
	var r readingKey
	if err := wire.Decode(text, &r); err != nil {
		return nil, bad(err)
	}
	if r.Origin != id || r.Until.Sub(r.Made) > ReadingLife || now > r.Until {
		return nil, bad(fmt.Errorf("for %.80q, until %d", r.Origin, r.Until))
	}
	key := Key{Key: r.Key}.Public()
	if key == nil {
		return nil, bad(fmt.Errorf("%.60q is no key", r.Key))
	}
	return key, nil
}
