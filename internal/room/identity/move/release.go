package move

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/move/legacy"
)

// TypeRelease is the payload type of a release.
// spec: docs/spec/identity.md#release
const TypeRelease = "entrechat/identity-release/1"

const (
	// MaxChain is how many releases of one person are shown; the newest count.
	MaxChain    = 8
	maxDocument = 4 << 10 // bytes of one release with its signatures
)

// Release lets a person go to another member. The zero value is none.
type Release struct {
	Home   core.MemberID `json:"home"`
	Sub    string        `json:"sub"` // at Home
	To     core.MemberID `json:"to"`
	Made   core.Moment   `json:"made_us"`
	Until  core.Moment   `json:"until_us"`         // the new home signs it until then
	Nonce  string        `json:"nonce"`            // at least 128 random bits: the logbook's hash says nothing
	Before string        `json:"before,omitempty"` // ID of the release by which they came to Home
}

var (
	subForm   = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,64}$`)
	nonceForm = regexp.MustCompile(`^[A-Z2-7]{26}$`)
	idForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check refuses what no release says.
func (r Release) check() error {
	if !r.Home.Valid() || !r.To.Valid() || r.Home == r.To || !subForm.MatchString(r.Sub) || !nonceForm.MatchString(r.Nonce) ||
		r.Made <= 0 || r.Until <= r.Made || r.Before != "" && !idForm.MatchString(r.Before) {
		return bad(fmt.Errorf("release of %.80q to %.80q", r.Home, r.To))
	}
	return nil
}

// bad is CodeInvalid "identity.move.bad", for what cannot be read as a release.
func bad(err error) error { return core.Invalid("identity.move.bad", err) }

// Signed is a release with its signatures, which nobody verified yet.
type Signed struct {
	Release
	ID       string // hex of the payload's SHA-256
	Document seal.Envelope
	// Under is set of a legacy release alone: its Until is of no meaning.
	Under *legacy.Under
}

// typ is the payload type.
func (s Signed) typ() string {
	if s.Under != nil {
		return legacy.Type
	}
	return TypeRelease
}

// sign lets a person go; the nonce is drawn here.
func sign(r Release, by seal.Signer) (Signed, error) {
	r.Home, r.Nonce = by.ID(), rand.Text()
	if err := r.check(); err != nil {
		return Signed{}, err
	}
	payload, err := wire.Encode(r)
	if err != nil {
		return Signed{}, err
	}
	env, err := seal.SignDoc(TypeRelease, payload, by)
	return Signed{Release: r, ID: hash(payload), Document: env}, err
}

func hash(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Read reads a release without verifying it: strictly, at most 4 KiB, or 8 KiB for a legacy one.
// Returns CodeInvalid.
func Read(text string) (s Signed, err error) {
	if isLegacy(text) {
		return readLegacy(text)
	}
	if len(text) > maxDocument {
		return s, bad(fmt.Errorf("%d bytes", len(text)))
	}
	if s.Document, err = seal.DecodeEnvelope([]byte(text)); err != nil {
		return s, err
	}
	payload, err := s.Document.Unverified()
	if err == nil && s.Document.PayloadType != TypeRelease {
		err = bad(fmt.Errorf("type %.60q", s.Document.PayloadType))
	}
	if err != nil {
		return s, err
	}
	if err := wire.Decode(payload, &s.Release); err != nil {
		return s, err
	}
	s.ID = hash(payload)
	return s, s.check()
}

// text is the release as it travels.
func (s Signed) text() (string, error) {
	if s.Under != nil {
		text, err := wire.Encode(shownLegacy{s.Document, *s.Under})
		return string(text), err
	}
	text, err := s.Document.Encode()
	return string(text), err
}

// Keys are the keys that signatures are held against, by signer.
type Keys map[core.MemberID][]ed25519.PublicKey

// signedBy says whether exactly these members signed. Returns CodeInvalid, CodeDenied.
func (s Signed) signedBy(keys Keys, members ...core.MemberID) error {
	_, signers, err := s.Document.Verify(s.typ(), keys)
	if err != nil {
		return err
	}
	slices.Sort(signers)
	slices.Sort(members)
	if !slices.Equal(signers, members) {
		return core.Denied("identity.move.refused", fmt.Errorf("signed by %v", signers)).With("Member", string(s.Home))
	}
	return nil
}

// Chain is the releases by which a person came to a home, the oldest first. Each but the
// first names the one before by its hash, so who signed a later one stands for the earlier.
type Chain []Signed

// ReadChain reads the releases that a home shows of a person who came to it. Returns
// CodeInvalid for more than MaxChain, or for releases that do not lead from one to the next.
func ReadChain(texts []string, to core.MemberID) (Chain, error) {
	if len(texts) > MaxChain {
		return nil, bad(fmt.Errorf("%d releases", len(texts)))
	}
	chain := make(Chain, 0, len(texts))
	for _, text := range texts {
		s, err := Read(text)
		if err != nil {
			return nil, err
		}
		chain = append(chain, s)
	}
	for i, s := range chain {
		next := to
		if i+1 < len(chain) {
			next = chain[i+1].Home
			if chain[i+1].Before != s.ID {
				return nil, bad(errors.New("a release that does not follow the one before"))
			}
		}
		if s.To != next {
			return nil, bad(fmt.Errorf("a release to %s", s.To))
		}
	}
	return chain, nil
}

// straight is the chain without the ways that led the same person of a home back to it: what
// a home signs of somebody names, by the release before it, how they came and went. A way that
// "led back" to somebody else of that home is left in, and has to hold.
func (c Chain) straight() Chain {
	var out Chain
	for i := 0; i < len(c) && c[i].Home != c[len(c)-1].To; i++ {
		for j := len(c) - 1; j > i; j-- {
			if c[j].Home == c[i].Home && c[j].Sub == c[i].Sub {
				i = j
				break
			}
		}
		out = append(out, c[i])
	}
	return out
}

// texts are the releases as they travel.
func (c Chain) texts() ([]string, error) {
	out := make([]string, 0, len(c))
	for _, s := range c {
		text, err := s.text()
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}
