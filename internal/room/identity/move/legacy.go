package move

import (
	"crypto/rand"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move/legacy"
)

const (
	legacyStart = `{"legacy":`
	maxLegacy   = 8 << 10   // bytes of one as it is shown, with its proof
	forever     = 1<<53 - 1 // microseconds: until when one may be signed
)

// bequest is the payload of one: a release without an end.
type bequest struct {
	Home   core.MemberID `json:"home"`
	Sub    string        `json:"sub"`
	To     core.MemberID `json:"to"`
	Made   core.Moment   `json:"made_us"`
	Nonce  string        `json:"nonce"`
	Before string        `json:"before,omitempty"`
}

func (b bequest) release() Release {
	return Release{Home: b.Home, Sub: b.Sub, To: b.To, Made: b.Made, Until: forever, Nonce: b.Nonce, Before: b.Before}
}

// shownLegacy is a legacy release as members are shown it.
type shownLegacy struct {
	Legacy seal.Envelope `json:"legacy"`
	legacy.Under
}

// bequeath signs a release to a successor; the nonce is drawn here.
func bequeath(r Release, by seal.Signer) (Signed, error) {
	b := bequest{Home: by.ID(), Sub: r.Sub, To: r.To, Made: r.Made, Nonce: rand.Text(), Before: r.Before}
	if err := b.release().check(); err != nil {
		return Signed{}, err
	}
	payload, err := wire.Encode(b)
	if err != nil {
		return Signed{}, err
	}
	env, err := seal.SignDoc(legacy.Type, payload, by)
	return Signed{Release: b.release(), ID: hash(payload), Document: env, Under: &legacy.Under{}}, err
}

// readLegacy reads one as it is shown, without verifying it. Returns CodeInvalid.
func readLegacy(text string) (s Signed, err error) {
	var shown shownLegacy
	if len(text) > maxLegacy {
		return s, bad(fmt.Errorf("%d bytes", len(text)))
	}
	if err := wire.Decode([]byte(text), &shown); err != nil {
		return s, err
	}
	if err := shown.Check(); err != nil {
		return s, bad(err)
	}
	if s, err = readBequest(shown.Legacy); err == nil {
		*s.Under = shown.Under
	}
	return s, err
}

// readBequest reads one without its proof.
func readBequest(env seal.Envelope) (s Signed, err error) {
	payload, err := env.Unverified()
	if err == nil && (env.PayloadType != legacy.Type || len(payload) > maxDocument) {
		err = bad(fmt.Errorf("type %.60q, %d bytes", env.PayloadType, len(payload)))
	}
	if err != nil {
		return s, err
	}
	var b bequest
	if err := wire.Decode(payload, &b); err != nil {
		return s, err
	}
	s = Signed{Release: b.release(), ID: hash(payload), Document: env, Under: &legacy.Under{}}
	return s, s.check()
}

// isLegacy says whether a text is one as it is shown.
func isLegacy(text string) bool { return strings.HasPrefix(text, legacyStart) }
