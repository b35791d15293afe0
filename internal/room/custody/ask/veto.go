package ask

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// TypeWord is the payload type of what somebody says to an ask: a veto of the owner's, or a
// holder's consent.
// spec: docs/spec/custody.md#veto
const TypeWord = "application/vnd.entrechat.custody-word.v1+json"

// Kind is what is said to an ask.
type Kind string

// The kinds.
const (
	Stop     Kind = "veto"     // the owner's node, or its words: no
	Sooner   Kind = "sooner"   // a holder: wait less
	Overrule Kind = "overrule" // a holder: the veto of a person does not count
)

// Word is what somebody says to an ask.
type Word struct {
	V    int64         `json:"v"` // 1
	Ask  string        `json:"ask"`
	Kind Kind          `json:"kind"`
	By   core.MemberID `json:"by"`
	At   core.Moment   `json:"at_us"`
}

var idForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SignWord says it. A veto with the root key is as strong as that.
func SignWord(w Word, by seal.Signer) (seal.Envelope, error) {
	w.V, w.By = 1, by.ID()
	if err := w.check(); err != nil {
		return seal.Envelope{}, err
	}
	payload, err := wire.Encode(w)
	if err != nil {
		return seal.Envelope{}, err
	}
	return seal.SignDoc(TypeWord, payload, by)
}

func (w Word) check() error {
	if w.V != 1 || !idForm.MatchString(w.Ask) || !w.By.Valid() || w.At <= 0 {
		return BadWord(errors.New("a word to no ask"))
	}
	switch w.Kind {
	case Stop, Sooner, Overrule:
		return nil
	}
	return BadWord(fmt.Errorf("kind %.40q", w.Kind))
}

// BadWord is CodeInvalid "custody.ask.bad_word".
func BadWord(err error) error { return core.Invalid("custody.ask.bad_word", err) }

// ReadWord reads one without verifying who said it. Returns CodeInvalid.
func ReadWord(env seal.Envelope) (w Word, err error) {
	payload, err := env.Unverified()
	if err != nil {
		return w, err
	}
	if env.PayloadType != TypeWord || len(payload) > 1<<10 || len(env.Signatures) != 1 {
		return w, BadWord(fmt.Errorf("type %.80q, %d bytes", env.PayloadType, len(payload)))
	}
	if err := wire.Decode(payload, &w); err != nil {
		return w, err
	}
	return w, w.check()
}

// Said verifies a word by the keys of who says it, and answers how strong it is: ByNode, or
// ByRoot where the root key signed. root may be zero. Returns CodeInvalid, CodeDenied.
func (w Word) Said(env seal.Envelope, keys []ed25519.PublicKey, root core.RootKey) (Strength, error) {
	if !root.IsZero() {
		if _, _, err := env.Verify(TypeWord, map[core.MemberID][]ed25519.PublicKey{w.By: {root.Public()}}); err == nil {
			return ByRoot, nil
		}
	}
	_, _, err := env.Verify(TypeWord, map[core.MemberID][]ed25519.PublicKey{w.By: keys})
	return ByNode, err
}

// CardText is what a person of the owner's signs to stop an ask:
// ssh-keygen -Y sign -n entrechat-proof.
func CardText(id string) []byte { return []byte("entrechat/custody-veto/1 " + id + "\n") }

// ValidID says whether a text has the form of an ask's id.
func ValidID(text string) bool { return idForm.MatchString(text) }
