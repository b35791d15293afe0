package ask

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/share"
)

// Type is the payload type of an ask.
// spec: docs/spec/custody.md#ask
const Type = "application/vnd.entrechat.custody-ask.v1+json"

const (
	// MaxDocument bounds an ask with its signature, in bytes.
	MaxDocument = 16 << 10 // bytes of an ask with its signature
	maxPurpose  = 1000     // bytes
	// MaxLife is how long an ask may be open; the longest wait and a second one fit.
	MaxLife = 120 * 24 * time.Hour
	// ahead is how far the asker's clock may be before ours.
	ahead = 10 * time.Minute
)

// Reason is why somebody asks, in one of a few classes that can be shown to anybody.
type Reason string

// The reasons.
const (
	LostOwn     Reason = "lost-own"     // the owner lost its disk, its words or its passwords
	Incident    Reason = "incident"     // something must be done that the owner cannot do now
	SilentOwner Reason = "silent-owner" // nobody has heard of the owner
	Handover    Reason = "handover"     // the owner hands its services over
	Rehearsal   Reason = "rehearsal"    // the yearly rehearsal: for its dummy, and for nothing else
)

// Valid says whether the reason is one of them.
func (r Reason) Valid() bool {
	switch r {
	case LostOwn, Incident, SilentOwner, Handover, Rehearsal:
		return true
	}
	return false
}

// Role is as whom somebody asks, which says whose signature the ask has.
type Role string

// The roles.
const (
	// AsMember: the owner's node, a holder, or a member that the deal lets ask. Its online
	// key signed.
	AsMember Role = "member"
	// AsDomain: somebody without any key says that they are the owner, after a total loss.
	// Nothing proves it: the holders' people call back.
	AsDomain Role = "domain"
)

// Ask is a request to open a box. The zero value is none.
type Ask struct {
	V         int64         `json:"v"` // 1; 2 where it names a decision
	Deal      share.ID      `json:"deal"`
	Owner     core.MemberID `json:"owner"` // whose box it is
	Scope     string        `json:"scope"`
	Reason    Reason        `json:"reason"`
	Purpose   string        `json:"purpose,omitempty"`  // for the people at the holders; plain text
	Decision  string        `json:"decision,omitempty"` // of a collective, its id
	Role      Role          `json:"role"`
	Asker     core.MemberID `json:"asker"`
	Key       string        `json:"key,omitempty"` // base64 Ed25519, which signed for AsDomain
	Recipient string        `json:"recipient"`     // age1..., made for this ask alone
	Nonce     string        `json:"nonce"`
	Made      core.Moment   `json:"made_us"`
	Expires   core.Moment   `json:"expires_us"`
}

var nonceForm = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// check refuses what no ask says.
func (a Ask) check() error {
	_, err := share.ParseID(string(a.Deal))
	switch {
	case a.V != a.version() || a.Decision != "" && !mandate.ValidID(a.Decision):
		return Bad(fmt.Errorf("version %d, decision %.70q", a.V, a.Decision))
	case err != nil || !a.Owner.Valid() || !a.Asker.Valid() || !box.Scope(a.Scope).Valid() || !nonceForm.MatchString(a.Nonce):
		return Bad(errors.New("an ask about nothing"))
	case !a.Reason.Valid() || (a.Reason == Rehearsal) != (a.Scope == string(box.Rehearsal)):
		return Bad(fmt.Errorf("reason %.40q", a.Reason))
	case a.Made <= 0 || a.Expires <= a.Made || a.Expires.Sub(a.Made) > MaxLife:
		return Bad(errors.New("its times"))
	case len(a.Purpose) > maxPurpose || !Plain(a.Purpose):
		return core.Invalid("custody.ask.bad_purpose", errors.New("its purpose")).With("Max", maxPurpose)
	}
	if to, err := age.ParseX25519Recipient(a.Recipient); err != nil || to.String() != a.Recipient {
		return Bad(errors.New("its recipient"))
	}
	return a.checkRole()
}

// version is that of the document: a node that knows nothing of decisions refuses to show half
// of an ask.
func (a Ask) version() int64 {
	if a.Decision != "" {
		return 2
	}
	return 1
}

func (a Ask) checkRole() error {
	switch a.Role {
	case AsMember:
		if a.Key != "" {
			return Bad(errors.New("a member with a key of its own"))
		}
		return nil
	case AsDomain:
		_, err := a.throwaway()
		if err != nil || a.Asker != a.Owner {
			return Bad(errors.New("a domain that asks for another"))
		}
		return nil
	}
	return Bad(fmt.Errorf("role %.40q", a.Role))
}

// Plain says whether a text has only what people read.
func Plain(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError)
	}) < 0
}

// throwaway is the key that an ask without a member's key names.
func (a Ask) throwaway() (ed25519.PublicKey, error) {
	b, err := wire.Base64(a.Key)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, Bad(errors.New("its key"))
	}
	return b, nil
}

// Bad is CodeInvalid "custody.ask.bad", for what cannot be read as an ask.
func Bad(err error) error { return core.Invalid("custody.ask.bad", err) }

// Signed is an ask with its signature, which Read has not verified.
type Signed struct {
	Ask
	ID       string // lower-case hex of the payload's SHA-256: it covers all the ask says
	Document seal.Envelope
}

// Words are what two people compare on the phone.
func (s Signed) Words() string { return SixWords(s.ID) }

// SixWords are those of an ask's id.
func SixWords(id string) string {
	words := share.SixWords(id)
	return strings.Join(words[:], " ")
}

// Sign makes an ask; the nonce is drawn here.
func Sign(a Ask, by seal.Signer) (Signed, error) {
	a.V, a.Nonce = a.version(), rand.Text()
	if err := a.check(); err != nil {
		return Signed{}, err
	}
	payload, err := wire.Encode(a)
	if err != nil {
		return Signed{}, err
	}
	env, err := seal.SignDoc(Type, payload, by)
	return Signed{a, hash(payload), env}, err
}

func hash(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// Read reads an ask without verifying who signed it. Returns CodeInvalid.
func Read(env seal.Envelope) (s Signed, err error) {
	s.Document = env
	payload, err := env.Unverified()
	if err != nil {
		return s, err
	}
	if env.PayloadType != Type || len(payload) > MaxDocument || len(env.Signatures) != 1 {
		return s, Bad(fmt.Errorf("type %.80q, %d bytes, %d signatures", env.PayloadType, len(payload), len(env.Signatures)))
	}
	if err := wire.Decode(payload, &s.Ask); err != nil {
		return s, err
	}
	s.ID = hash(payload)
	return s, s.check()
}

// Verify checks the signature: by the asker's keys, or by the key that the ask itself names.
// Returns CodeInvalid, or CodeDenied for another's.
func (s Signed) Verify(keys []ed25519.PublicKey) error {
	if s.Role == AsDomain {
		key, err := s.throwaway()
		if err != nil {
			return err
		}
		keys = []ed25519.PublicKey{key}
	}
	_, _, err := s.Document.Verify(Type, map[core.MemberID][]ed25519.PublicKey{s.Asker: keys})
	return err
}

// Timely refuses an ask that is over, or from the future. now is the holder's clock.
func (a Ask) Timely(now core.Moment) error {
	switch {
	case now >= a.Expires:
		return core.Denied("custody.ask.expired", errors.New("it is over"))
	case a.Made > now.Add(ahead):
		return core.Denied("custody.ask.future", errors.New("made in the future"))
	}
	return nil
}
