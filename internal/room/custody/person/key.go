package person

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"entrechat/internal/core"
)

// Namespace is what signatures of persons are for: ssh-keygen -Y sign -n entrechat-proof.
const Namespace = "entrechat-proof"

const (
	maxKey       = 1 << 10
	maxSignature = 4 << 10
)

// signKeys are the kinds of keys a person may sign with: in a file, or in a device.
func signKeys() []string { return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519} }

// ParseKey reads a public key as ssh-keygen writes it and gives it without its comment,
// which often is a name. Returns CodeInvalid "custody.person.bad_key".
func ParseKey(text string) (string, error) {
	bad := func(err error) (string, error) { return "", core.Invalid("custody.person.bad_key", err) }
	if len(text) > maxKey {
		return bad(errors.New("too long"))
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return bad(err)
	}
	if len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 || !slices.Contains(signKeys(), key.Type()) {
		return bad(fmt.Errorf("not one plain key of the kinds we take: %s", key.Type()))
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

// ParseRecipient reads what is encrypted to a person: age1..., or a line that ParseKey
// reads of a key in a file. Returns CodeInvalid "custody.person.bad_recipient".
func ParseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxKey {
		return nil, core.Invalid("custody.person.bad_recipient", errors.New("too long"))
	}
	if strings.HasPrefix(text, ssh.KeyAlgoED25519+" ") {
		r, err := agessh.ParseRecipient(text)
		if err != nil {
			return nil, core.Invalid("custody.person.bad_recipient", err)
		}
		return r, nil
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, core.Invalid("custody.person.bad_recipient", err)
	}
	return r, nil
}

// verify says whether a signature of ssh-keygen -Y sign -n entrechat-proof is this key's
// over message. Returns CodeInvalid "custody.person.bad_signature" for what is no signature,
// CodeDenied "custody.person.other_signature" for one of another key, purpose or message.
func verify(key string, message []byte, signature string) error {
	if len(signature) > maxSignature {
		return core.Invalid("custody.person.bad_signature", errors.New("too long"))
	}
	sig, err := sshsig.Unarmor([]byte(signature))
	if err != nil {
		return core.Invalid("custody.person.bad_signature", err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key)) //nolint:dogsled // only the key matters
	if err != nil {
		return core.Internal("custody.person.bad_key", err)
	}
	if err := sshsig.Verify(bytes.NewReader(message), sig, public, sig.HashAlgorithm, Namespace); err != nil {
		return core.Denied("custody.person.other_signature", err).With("Namespace", Namespace)
	}
	return nil
}
