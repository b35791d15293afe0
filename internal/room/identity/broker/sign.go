package broker

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
)

// audience is `aud`: one text or a list (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(a))
	}
	var one string
	err := json.Unmarshal(text, &one)
	*a = audience{one}
	return err
}

// only says whether the audience is one, and who it is.
func (a audience) only(who core.MemberID) bool { return len(a) == 1 && a[0] == string(who) }

// claims are what a home signs: an ID token's, or a logout token's.
type claims struct {
	Issuer   string                     `json:"iss"`
	Sub      string                     `json:"sub"`
	Audience audience                   `json:"aud"`
	Party    string                     `json:"azp"`
	Expiry   int64                      `json:"exp"`
	Issued   int64                      `json:"iat"`
	Nonce    string                     `json:"nonce"`
	AuthTime int64                      `json:"auth_time"`
	AMR      []string                   `json:"amr"`
	SID      string                     `json:"sid"`
	Handle   string                     `json:"preferred_username"`
	Name     string                     `json:"name"`
	Locale   string                     `json:"locale"`
	Mail     string                     `json:"email"`
	Verified bool                       `json:"email_verified"`
	ID       string                     `json:"jti"`
	Events   map[string]json.RawMessage `json:"events"`
	Moves    []string                   `json:"moved_from"` // releases, the oldest first
}

// seconds is a NumericDate as a moment. What is out of range is the beginning of time.
func seconds(n int64) core.Moment {
	if n < 0 || n > 1<<40 {
		return 0
	}
	return core.Moment(n * 1_000_000)
}

// open verifies what a home signed with a key of its card, and reads it. typ is what its
// header must say; empty = anything but a logout token.
func open(raw, typ string, from home.Home) (c claims, err error) {
	if len(raw) > maxAnswer {
		return c, errors.New("longer than we read")
	}
	signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return c, err
	}
	head := signed.Signatures[0].Protected
	said, _ := head.ExtraHeaders[jose.HeaderType].(string)
	if (said == logoutType) != (typ == logoutType) {
		return c, errors.New("another kind of token")
	}
	found := from.Keys.Key(head.KeyID)
	if head.KeyID == "" || len(found) != 1 {
		return c, errors.New("no such key in the member's card")
	}
	text, err := signed.Verify(found[0])
	if err != nil {
		return c, err
	}
	return c, wire.Peek(text, &c)
}

// sign makes a token of ours for a member.
func (b *Broker) sign(typ string, body map[string]any) (string, error) {
	k, err := b.n.Keys.Signing(key.ES256)
	if err != nil {
		return "", err
	}
	return key.Sign(k, typ, body)
}

// proof is by what we show a home who we are: private_key_jwt, RFC 7523.
func (b *Broker) proof(to home.Home) (url.Values, error) {
	now := b.n.Now()
	token, err := b.sign("JWT", map[string]any{
		"iss": b.n.Self, "sub": b.n.Self, "aud": to.Issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(signLife).Unix(),
	})
	return url.Values{
		"client_id": {string(b.n.Self)}, "client_assertion": {token},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, err
}

// challenge is the S256 challenge of a verifier, RFC 7636.
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
