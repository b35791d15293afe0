package credential

import (
	"context"
	"encoding/base32"
	"errors"
	"strings"

	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// plainBase32 is how a secret is written.
func plainBase32() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// Carry is what somebody signs in with that is good at another hoster too: the password's hash,
// and the secret of their one-time codes in base 32; empty = none. Passkeys are bound to our name,
// recovery codes to our key, and what another directory checks to that directory: they stay.
func (s *Service) Carry(ctx context.Context, q db.Querier, who person.ID) (password, totp string, err error) {
	password, err = getPassword(ctx, q, who)
	if errors.Is(err, db.ErrNoRow) || err == nil && strings.HasPrefix(password, outside) {
		password, err = "", nil
	}
	if err != nil {
		return "", "", err
	}
	t, err := getTOTP(ctx, q, who)
	if errors.Is(err, db.ErrNoRow) || err == nil && !t.confirmed {
		return password, "", nil
	}
	if err != nil {
		return "", "", err
	}
	raw, err := s.Box.Open(totpLabel(who), t.secret)
	return password, plainBase32().EncodeToString(raw), err
}

// Bring gives somebody what Carry answered elsewhere. What they have here stays; a hash or secret
// that is none is left out: they choose anew.
func (s *Service) Bring(ctx context.Context, q db.Querier, who person.ID, password, totp string) error {
	has, err := getWays(ctx, q, who)
	if err != nil {
		return err
	}
	if h, err := Foreign(password); err == nil && password != "" && !has.Password {
		if err := s.PutPassword(ctx, q, who, h); err != nil {
			return err
		}
	}
	raw, err := plainBase32().DecodeString(totp)
	if err != nil || len(raw) != totpSecret || has.TOTP {
		return nil //nolint:nilerr // no secret
	}
	if _, err := putTOTP(ctx, q, who, s.Box.Seal(totpLabel(who), raw), s.now()); err != nil {
		return err
	}
	return confirmTOTP(ctx, q, who)
}

// Has says whether a person has anything to begin a sign-in with.
func (*Service) Has(ctx context.Context, q db.Querier, who person.ID) (bool, error) {
	n, err := countWays(ctx, q, who)
	return n > 0, err
}
