package home

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/idna"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// TypeCard is the entry by which a member says how it signs its people in. The last one
// counts.
// spec: docs/spec/identity.md#card
const TypeCard = "entrechat/identity/1"

const (
	maxKeys    = 8
	maxDomains = 20
	maxIssuer  = 200
)

// Card is what a member says of itself as a home. The zero value is none.
type Card struct {
	Issuer  string             // URL without a trailing slash; endpoints are below it
	Keys    jose.JSONWebKeySet // ES256, public halves
	Domains []string           // mail domains it says are its own, sorted
	// Federation are the keys of what it says to other federations, ES256, public halves; none
	// where an older version wrote the card.
	Federation jose.JSONWebKeySet
}

// curve is one key as the entry holds it: ES256 and nothing else.
type curve struct {
	KTY string `json:"kty"`
	Crv string `json:"crv"`
	KID string `json:"kid"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// body is the card in the logbook.
type body struct {
	Issuer string   `json:"issuer"`
	Keys   []curve  `json:"keys"`
	Mail   []string `json:"mail,omitempty"`

	Federation []curve `json:"federation,omitempty"`
}

// Body is the card as its entry holds it. Returns CodeInternal for keys that are not ours.
func (c Card) Body() (any, error) {
	b := body{Issuer: c.Issuer, Mail: c.Domains}
	var err error
	if b.Keys, err = curves(c.Keys); err == nil {
		b.Federation, err = curves(c.Federation)
	}
	if err != nil {
		return nil, core.Internal("identity.home.card", err)
	}
	return b, nil
}

// curves are keys as an entry holds them.
func curves(set jose.JSONWebKeySet) ([]curve, error) {
	out := make([]curve, 0, len(set.Keys))
	for _, k := range set.Keys {
		text, err := k.Public().MarshalJSON()
		if err != nil {
			return nil, err
		}
		var one curve
		if err := wire.Peek(text, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// Parse reads the card a member wrote. plain allows http, for demos and tests. Returns
// CodeInvalid "identity.home.card".
func Parse(e logbook.Entry, plain bool) (c Card, err error) {
	var b body
	if err := wire.Peek(e.Body, &b); err != nil {
		return c, err
	}
	bad := func(why string, args ...any) (Card, error) {
		return Card{}, core.Invalid("identity.home.card", fmt.Errorf(why, args...))
	}
	if c.Issuer, err = issuer(b.Issuer, plain); err != nil {
		return bad("%w", err)
	}
	if len(b.Keys) == 0 || len(b.Mail) > maxDomains {
		return bad("%d keys, %d domains", len(b.Keys), len(b.Mail))
	}
	if c.Keys, err = keys(b.Keys); err != nil {
		return bad("%w", err)
	}
	if c.Federation, err = keys(b.Federation); err != nil {
		return bad("%w", err)
	}
	for _, d := range b.Mail {
		ascii, err := idna.Lookup.ToASCII(d)
		if err != nil || ascii != d || !strings.Contains(d, ".") {
			return bad("%.80q is no domain", d)
		}
	}
	c.Domains = slices.Compact(slices.Sorted(slices.Values(b.Mail)))
	return c, nil
}

// keys reads a list of them, each with an id of its own.
func keys(list []curve) (set jose.JSONWebKeySet, err error) {
	if len(list) > maxKeys {
		return set, fmt.Errorf("%d keys", len(list))
	}
	for _, k := range list {
		key, err := k.key()
		if err != nil || len(set.Key(k.KID)) > 0 {
			return set, fmt.Errorf("key %.40q: %w", k.KID, errors.Join(err, errors.New("not an ES256 key, or twice")))
		}
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

// key reads one key: a point that is on the curve, without a private half.
func (k curve) key() (key jose.JSONWebKey, err error) {
	if k.KTY != "EC" || k.Crv != "P-256" || k.KID == "" || len(k.KID) > 64 {
		return key, errors.New("not P-256")
	}
	text, err := wire.Encode(k)
	if err != nil {
		return key, err
	}
	if err := key.UnmarshalJSON(text); err != nil {
		return key, err
	}
	if !key.Valid() || !key.IsPublic() {
		return key, errors.New("not a public key")
	}
	key.Algorithm, key.Use = string(jose.ES256), "sig"
	return key, nil
}

// issuer reads where a home signs people in: https, a host, and at most a path.
func issuer(s string, plain bool) (string, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxIssuer {
		return "", errors.New("no address")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if u.Scheme != "https" && (!plain || u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.String() != s {
		return "", fmt.Errorf("%.80q is not the address of a home", s)
	}
	return s, nil
}

// equal says whether two cards say the same.
func (c Card) equal(d Card) bool {
	return c.Issuer == d.Issuer && slices.Equal(c.Domains, d.Domains) && same(c.Keys, d.Keys) && same(c.Federation, d.Federation)
}

// same says whether two lists hold the same keys.
func same(a, b jose.JSONWebKeySet) bool {
	return len(a.Keys) == len(b.Keys) && !slices.ContainsFunc(a.Keys, func(k jose.JSONWebKey) bool { return len(b.Key(k.KeyID)) != 1 })
}
