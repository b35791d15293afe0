package signin

import (
	"errors"
	"net/url"

	"entrechat/internal/core"
)

// The ways to get an account.
const (
	ByInvite  = "invite"  // an admin makes it
	ByRequest = "request" // anybody asks, an admin answers
	ByAnybody = "open"    // anybody makes one
)

// Settings are what a node's file says of accounts, in the section [identity].
type Settings struct {
	SignUp string `toml:"sign_up"` // invite, request, open
	Terms  string `toml:"terms"`   // address of the terms of use; empty = none are named
}

// DefaultSettings are those of a file that says nothing.
func DefaultSettings() Settings { return Settings{SignUp: ByInvite} }

// Check refuses settings that cannot be. Returns CodeInvalid.
func (c Settings) Check() error {
	switch c.SignUp {
	case ByInvite, ByRequest, ByAnybody:
	default:
		return core.Invalid("identity.signin.bad_sign_up", errors.New("identity.sign_up")).With("Value", c.SignUp)
	}
	if c.Terms == "" {
		return nil
	}
	if u, err := url.Parse(c.Terms); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return core.Invalid("identity.signin.bad_terms", errors.Join(err, errors.New("identity.terms"))).With("Value", c.Terms)
	}
	return nil
}
