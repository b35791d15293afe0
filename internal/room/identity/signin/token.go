package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/person"
)

// tokenKind is what a link may do.
type tokenKind string

const (
	tokenSignUp  tokenKind = "sign_up" // make an account that has its address
	tokenInvite  tokenKind = "invite"  // choose how to sign in to an account that an admin made, or make one
	tokenRecover tokenKind = "recover" // choose a new password
	tokenStop    tokenKind = "stop"    // stop a recovery that somebody else asked for
	tokenAddress tokenKind = "address" // make an address the account's
)

const (
	signUpLives  = 48 * time.Hour
	inviteLives  = 7 * 24 * time.Hour
	recoverLives = 2 * time.Hour
)

// token is what a link may do, once.
type token struct {
	kind    tokenKind
	person  person.ID // empty = nobody yet
	address string    // what it proves; empty = nothing

	made, expires core.Moment
}

// draw makes a token and keeps its hash. Of one kind and person only the newest is good.
func draw(ctx context.Context, q db.Querier, t token, now core.Moment, lives time.Duration) (text string, err error) {
	if t.person != "" {
		if err := dropTokens(ctx, q, t.person, t.kind); err != nil {
			return "", err
		}
	}
	text = rand.Text()
	t.made, t.expires = now, now.Add(lives)
	return text, insertToken(ctx, q, seal.TokenHash(text), t)
}

// link is an address with a new token.
func (s *Mails) link(ctx context.Context, path string, t token, lives time.Duration) (address string, err error) {
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		text, err := draw(ctx, q, t, s.now(), lives)
		address = strings.TrimSuffix(s.n.URL, "/") + path + "/" + text
		return err
	})
	return address, err
}

// NewInvite draws a link's token with which a person chooses how to sign in, within seven
// days; an earlier one is good no longer. For nobody ("") it lets one person make an account.
// Whoever holds it is let in: it is shown to the admin, once.
func NewInvite(ctx context.Context, q db.Querier, who person.ID, now core.Moment) (text string, err error) {
	return draw(ctx, q, token{kind: tokenInvite, person: who}, now, inviteLives)
}

// InvitePath is the page of an invite's token, behind the node's address.
func InvitePath(text string) string { return pathInvite + "/" + text }

// held finds what a token may do, without using it. Returns CodeNotFound
// "identity.signin.link_gone" for one that was used, is too old, or never was.
func (s *Service) held(ctx context.Context, text string, kinds ...tokenKind) (token, error) {
	found, err := tokenOf(ctx, s.n.DB, seal.TokenHash(text), s.now())
	if errors.Is(err, db.ErrNoRow) {
		return token{}, linkGone("no such token")
	}
	if slices.Contains(kinds, found.kind) {
		return found, err
	}
	return token{}, errors.Join(err, linkGone("a token of another kind"))
}

// use takes a token away; who comes second gets CodeNotFound.
func use(ctx context.Context, q db.Querier, text string, now core.Moment) error {
	used, err := endToken(ctx, q, seal.TokenHash(text), now)
	if err == nil && !used {
		err = linkGone("used meanwhile")
	}
	return err
}

func linkGone(why string) error {
	return core.NotFound("identity.signin.link_gone", errors.New(why))
}
