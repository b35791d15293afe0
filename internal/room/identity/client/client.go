package client

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/key"
)

// Client is one service that signs people in here, or another member. The zero value is
// none.
type Client struct {
	ID       string // the client_id: a service's name, a member's name (core.MemberID)
	Template string // name of its template; empty for a member
	URL      string // where the service is, without a slash at its end
	Settings
	// Keys prove a member; a service has a secret instead.
	Keys   *jose.JSONWebKeySet
	Member bool
	Made   core.Moment

	secret, oldSecret string // hex of SHA-256
	oldUntil          core.Moment
}

// Settings are what of a service can be set; its template proposes them.
type Settings struct {
	Redirects  []string `json:"redirects,omitempty"`
	PostLogout []string `json:"post_logout,omitempty"`
	BackLogout string   `json:"back_logout,omitempty"` // where logout tokens go; empty = nowhere
	Alg        string   `json:"alg"`                   // of ID tokens
	PKCE       bool     `json:"pkce"`                  // required; else taken when it comes
	Names      Names    `json:"names"`                 // the form of usernames it can read
	// Reads are services whose tokens this one may ask about: a mail server those of its
	// webmail. They share their subjects, under this one's name.
	Reads []string `json:"reads,omitempty"`
	// Under is the service whose subjects this one shares; empty = its own.
	Under string `json:"under,omitempty"`
	// Grace is for how many seconds a used refresh token may be used again, for services
	// that refresh in several processes at once; 0 = not at all.
	Grace int64 `json:"grace_s,omitempty"`
	// Aliases is the mail domain under which the service is told an address of its own for
	// each person, in the place of theirs; empty = it is told theirs.
	Aliases string `json:"aliases,omitempty"`
}

const (
	maxURL = 500
	// MaxURIs bounds the addresses of one kind that a service has.
	MaxURIs = 20
	// OldSecret is how long the secret before the newest is taken.
	OldSecret = 24 * time.Hour
)

// ParseID reads a service's name: 2 to 40 of a-z, 0-9 and `-`, a letter first. Returns
// CodeInvalid "identity.client.bad_name".
func ParseID(s string) (string, error) {
	bad := len(s) < 2 || len(s) > 40 || s[0] < 'a' || s[0] > 'z' || strings.HasSuffix(s, "-")
	if bad || strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) >= 0 {
		return "", core.Invalid("identity.client.bad_name", errors.New("not a name"))
	}
	return s, nil
}

// ParseURL reads the address of a service or one of its pages: https, or http on this
// machine only; no user, no fragment. Returns CodeInvalid "identity.client.bad_url".
func ParseURL(s string) (string, error) {
	bad := func(err error) (string, error) {
		return "", core.Invalid("identity.client.bad_url", err).With("URL", s)
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL {
		return bad(fmt.Errorf("not an address: %w", errors.Join(err)))
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return bad(errors.New("not https"))
	}
	if u.Host == "" || u.User != nil || strings.Contains(s, "#") || u.Opaque != "" || u.String() != s || strings.ContainsAny(s, " \\\"<>") {
		return bad(errors.New("a user, a fragment, or a form that browsers read otherwise"))
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// check refuses settings that no service may have.
func (s Settings) check() error {
	if len(s.Redirects) > MaxURIs || len(s.PostLogout) > MaxURIs || len(s.Reads) > MaxURIs {
		return core.Invalid("identity.client.too_many", errors.New("too many addresses"))
	}
	for _, u := range slices.Concat(s.Redirects, s.PostLogout) {
		if _, err := ParseURL(u); err != nil {
			return err
		}
	}
	if s.BackLogout != "" {
		if _, err := ParseURL(s.BackLogout); err != nil {
			return err
		}
	}
	if s.Alg != key.RS256 && s.Alg != key.ES256 {
		return core.Invalid("identity.client.bad_alg", errors.New("no such algorithm"))
	}
	if s.Grace < 0 || s.Grace > 3600 {
		return core.Invalid("identity.client.bad_grace", errors.New("not between 0 and an hour"))
	}
	if err := s.checkAliases(); err != nil {
		return err
	}
	return s.Names.check()
}

// IsMember says whether a client's id is another member's: that is its origin, with a dot or
// a port, as no service's id has.
func IsMember(id string) bool {
	return strings.ContainsAny(id, ".:") && core.MemberID(id).Valid()
}

// Scope is under whose name a client's subjects are kept.
func (c Client) Scope() string {
	if c.Under != "" {
		return c.Under
	}
	return c.ID
}

// Called is what people know it by: its name.
func (c Client) Called() string { return c.ID }

// newSecret draws a secret: at least 256 random bits as text that needs no encoding anywhere.
func newSecret() (secret, hash string) {
	secret = strings.ToLower(rand.Text() + rand.Text())
	return secret, seal.TokenHash(secret)
}

// Holds says whether a secret is the client's now.
func (c Client) Holds(secret string, now core.Moment) bool {
	have := []byte(seal.TokenHash(secret))
	newest := subtle.ConstantTimeCompare(have, []byte(c.secret)) == 1 && c.secret != ""
	before := subtle.ConstantTimeCompare(have, []byte(c.oldSecret)) == 1 && c.oldSecret != "" && now < c.oldUntil
	return newest || before
}

var (
	errTold    = errors.New("a service that others depend on")
	errUnknown = errors.New("no such service")
	errFailed  = errors.New("a check did not hold")
)
