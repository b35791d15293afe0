package key

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
)

// The kinds of keys, named by their algorithms. RS256 is what every service takes; ES256
// costs a tenth of it.
const (
	RS256 = string(jose.RS256)
	ES256 = string(jose.ES256)
	// Federation is an ES256 key that signs no sign-ins: only what we say of ourselves and of
	// members to other federations. It does not grow old: others may have written it down.
	Federation = "federation"
)

// kinds are all there are.
func kinds() []string { return []string{RS256, ES256, Federation} }

const (
	// Lead is how long a key is published before it signs.
	Lead = 24 * time.Hour
	// Tail is how long a key is published after its last signature: an ID token lives for an
	// hour, and a clock may be wrong.
	Tail = 25 * time.Hour
	// Age is when a key that signs is replaced.
	Age = 90 * day

	day     = 24 * time.Hour
	rsaBits = 2048
)

// Key is one signing key. The zero value is none.
type Key struct {
	JWK   jose.JSONWebKey `json:"jwk"` // with its private half, KeyID, Algorithm and Use
	Made  core.Moment     `json:"made_us"`
	From  core.Moment     `json:"from_us"`       // it signs from here on
	Until core.Moment     `json:"until_us"`      // it is published until here; 0 = no end is set
	For   string          `json:"for,omitempty"` // Federation, or empty for sign-ins
}

// kind is what the key is for: its algorithm, or Federation.
func (k Key) kind() string {
	if k.For != "" {
		return k.For
	}
	return k.JWK.Algorithm
}

// newKey draws a key of one kind. Its id is its RFC 7638 thumbprint.
func newKey(kind string, now, from core.Moment) (Key, error) {
	var private any
	var err error
	alg, use := kind, ""
	if kind == Federation {
		alg, use = ES256, Federation
	}
	switch alg {
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = fmt.Errorf("no such algorithm: %q", alg)
	}
	if err != nil {
		return Key{}, err
	}
	jwk := jose.JSONWebKey{Key: private, Algorithm: alg, Use: "sig"}
	sum, err := jwk.Thumbprint(sha256)
	if err != nil {
		return Key{}, err
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return Key{JWK: jwk, Made: now, From: from, For: use}, nil
}

// usable refuses what is no key of ours.
func (k Key) usable() error {
	if (k.JWK.Algorithm != RS256 && k.JWK.Algorithm != ES256) || k.JWK.KeyID == "" || !k.JWK.Valid() || k.JWK.IsPublic() || k.From <= 0 || k.For != "" && k.For != Federation {
		return errors.New("not a signing key")
	}
	return nil
}

// ring is all keys that count, in any order.
type ring []Key

// signing is the key of a kind that signs now: of those whose moment has come, the newest.
// The zero Key when there is none.
func (r ring) signing(kind string, now core.Moment) (best Key) {
	for _, k := range r {
		if k.kind() == kind && k.From <= now && !k.ended(now) && k.From >= best.From {
			best = k
		}
	}
	return best
}

func (k Key) ended(now core.Moment) bool { return k.Until != 0 && k.Until <= now }

// published are the public halves of the keys of a kind that have not ended (empty: of all
// for sign-ins): those that sign first.
func (r ring) published(kind string, now core.Moment) jose.JSONWebKeySet {
	live := slices.DeleteFunc(slices.Clone(r), func(k Key) bool {
		return k.ended(now) || kind == "" && k.For != "" || kind != "" && k.kind() != kind
	})
	slices.SortStableFunc(live, func(a, b Key) int { return order(a, now) - order(b, now) })
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(live))}
	for _, k := range live {
		set.Keys = append(set.Keys, k.JWK.Public())
	}
	return set
}

// order puts keys that sign before those that will, and those before the ones that did.
func order(k Key, now core.Moment) int {
	switch {
	case k.From > now:
		return 1
	case k.Until != 0:
		return 2
	default:
		return 0
	}
}

// due says whether a kind needs its next key: it has none that signs, or that one is old and
// no next one waits.
func (r ring) due(kind string, now core.Moment) bool {
	for _, k := range r {
		if k.kind() == kind && (k.From > now || kind == Federation || now.Sub(k.From) < Age) && !k.ended(now) && k.Until == 0 {
			return false
		}
	}
	return true
}

// rotated is the ring with the next key of a kind, which signs from a moment on;
// those before it end Tail later, and what has ended is dropped.
func (r ring) rotated(next Key, now core.Moment) ring {
	out := slices.DeleteFunc(slices.Clone(r), func(k Key) bool { return k.ended(now) })
	for i, k := range out {
		last := max(next.From, now).Add(Tail)
		if k.kind() == next.kind() && (k.Until == 0 || k.Until > last) {
			out[i].Until = last
		}
	}
	return append(out, next)
}
