package credential

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const (
	totpPeriod = 30 * time.Second
	totpSecret = 20 // bytes, as long as the digest: RFC 4226 section 4
)

// TOTP is a new secret for a device, to be shown once.
type TOTP struct {
	// Secret is what a person types where the picture cannot be read: base 32.
	Secret string
	// URL is what the picture (QR code) says: otpauth://totp/...
	URL string
}

func totpLabel(who person.ID) string { return "totp/" + string(who) }

// AddTOTP draws a secret for a person's one-time codes. It counts for nothing until
// ConfirmTOTP; asked again before that, another one takes its place. label names the account
// in the person's device. Returns CodeConflict "identity.credential.totp_there" when
// the person has one in use.
func (s *Service) AddTOTP(ctx context.Context, who person.ID, label string) (TOTP, error) {
	raw := make([]byte, totpSecret)
	_, _ = rand.Read(raw) // never fails
	added, err := putTOTP(ctx, s.DB, who, s.Box.Seal(totpLabel(who), raw), s.now())
	if err != nil {
		return TOTP{}, err
	}
	if !added {
		return TOTP{}, core.Conflict("identity.credential.totp_there", errors.New("one-time codes are in use"))
	}
	t := TOTP{Secret: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)}
	// Devices read spaces as %20 only; url.Values would write a plus sign.
	q := "secret=" + t.Secret + "&issuer=" + url.PathEscape(s.Name)
	t.URL = "otpauth://totp/" + url.PathEscape(s.Name+":"+label) + "?" + q
	return t, nil
}

// ConfirmTOTP begins to ask for one-time codes, once the person typed one that is right.
// Returns false for a wrong one, CodeNotFound "identity.credential.no_such" when AddTOTP
// was not called.
func (s *Service) ConfirmTOTP(ctx context.Context, who person.ID, code string, also ...Also) (bool, error) {
	t, step, err := s.totp(ctx, who, code, false)
	if err != nil || step == 0 {
		return false, err
	}
	return s.used(ctx, also, func(ctx context.Context, q db.Querier) (bool, error) { return useTOTP(ctx, q, who, t, step) })
}

// used uses something up, and writes also what goes with it where it was good.
func (s *Service) used(ctx context.Context, also []Also, use func(ctx context.Context, q db.Querier) (bool, error)) (good bool, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if good, err = use(ctx, q); err != nil || !good {
			return err
		}
		return all(ctx, q, also)
	})
	return good && err == nil, err
}

// CheckTOTP says whether a one-time code is right now: its 30 seconds, those before or those
// after. Each is right once, and none that is older than the last one used. Returns
// CodeNotFound "identity.credential.no_such" when the person asked for none.
func (s *Service) CheckTOTP(ctx context.Context, who person.ID, code string) (bool, error) {
	t, step, err := s.totp(ctx, who, code, true)
	if err != nil || step == 0 {
		return false, err
	}
	return useTOTP(ctx, s.DB, who, t, step)
}

// totp finds a person's secret, and the time step of a code of it; 0 for a wrong code.
func (s *Service) totp(ctx context.Context, who person.ID, code string, confirmed bool) (t totp, step int64, err error) {
	t, err = getTOTP(ctx, s.DB, who)
	if errors.Is(err, db.ErrNoRow) || err == nil && t.confirmed != confirmed {
		return t, 0, core.NotFound("identity.credential.no_such", errors.New("no one-time codes"))
	}
	if err != nil {
		return t, 0, err
	}
	raw, err := s.Box.Open(totpLabel(who), t.secret)
	if err != nil {
		return t, 0, err
	}
	step, err = totpStep(raw, code, s.now())
	return t, step, err
}

// totpStep finds the time step of a code, 0 when it is of none around now.
func totpStep(raw []byte, code string, now core.Moment) (found int64, err error) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' {
			return -1
		}
		return r
	}, code)
	secret := base32.StdEncoding.EncodeToString(raw)
	at := now.Time().Unix() / int64(totpPeriod/time.Second)
	for step := at - 1; step <= at+1; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}) //nolint:gosec // after 1970
		if err != nil {
			return 0, fmt.Errorf("one-time code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found, nil
}

// RemoveTOTP stops asking for one-time codes; the recovery codes go with them. Returns
// CodeNotFound "identity.credential.no_such".
func (s *Service) RemoveTOTP(ctx context.Context, who person.ID, also ...Also) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		removed, err := deleteTOTP(ctx, q, who)
		if err == nil && !removed {
			err = core.NotFound("identity.credential.no_such", errors.New("no one-time codes"))
		}
		return errors.Join(err, deleteRecovery(ctx, q, who), all(ctx, q, also))
	})
}

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 random bits: 16 signs
)

// NewRecovery draws ten recovery codes, to be shown once, instead of those the person had:
// "abcd-efgh-ijkl-mnop", of a to z and 2 to 7.
func (s *Service) NewRecovery(ctx context.Context, who person.ID, also ...Also) ([]string, error) {
	if !who.Valid() {
		return nil, fmt.Errorf("nobody to have recovery codes: %q", who)
	}
	codes := make([]string, 0, recoveryCodes)
	for range recoveryCodes {
		raw := make([]byte, recoveryBytes)
		_, _ = rand.Read(raw) // never fails
		text := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
	}
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := deleteRecovery(ctx, q, who); err != nil {
			return err
		}
		for _, code := range codes {
			if err := addRecovery(ctx, q, who, s.recoveryHash(who, code), s.now()); err != nil {
				return err
			}
		}
		return all(ctx, q, also)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// UseRecovery says whether a recovery code is one of the person's, and uses it up. Case,
// spaces and hyphens do not matter.
func (s *Service) UseRecovery(ctx context.Context, who person.ID, code string, also ...Also) (bool, error) {
	if len(code) > 100 {
		return false, nil
	}
	hash := s.recoveryHash(who, code)
	return s.used(ctx, also, func(ctx context.Context, q db.Querier) (bool, error) { return useRecovery(ctx, q, who, hash) })
}

// recoveryHash is what is kept of a code: without the key file, not even a search through
// all codes finds it.
func (s *Service) recoveryHash(who person.ID, code string) string {
	code = strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '2' && r <= '7':
			return r
		case r == '0':
			return 'o'
		case r == '1':
			return 'l'
		}
		return -1
	}, code)
	mac := hmac.New(sha256.New, s.Box.Key("identity recovery codes"))
	mac.Write([]byte(string(who) + "/" + code))
	return hex.EncodeToString(mac.Sum(nil))
}
