package recipient

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Key is the age key of our node: members encrypt to its public half. The zero value is
// none.
type Key struct{ identity *age.X25519Identity }

// OpenKey reads the key file, or draws a key and writes it where there is none. Returns what
// seal.ReadSecret and seal.WriteSecret do, and CodeInvalid for a file that is no such key.
func OpenKey(path string) (Key, error) {
	text, err := seal.ReadSecret(path)
	if core.CodeOf(err) == core.CodeNotFound {
		drawn, err := age.GenerateX25519Identity()
		if err != nil {
			return Key{}, err
		}
		err = seal.WriteSecret(path, []byte(drawn.String()+"\n"))
		if core.CodeOf(err) != core.CodeConflict {
			return Key{drawn}, err
		}
		text, err = seal.ReadSecret(path) // another process was first
		if err != nil {
			return Key{}, err
		}
	} else if err != nil {
		return Key{}, err
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		// What age says may repeat the file: only the path is said.
		return Key{}, core.Invalid("custody.recipient.bad_key", fmt.Errorf("%s is no age key", path)).With("Path", path)
	}
	return Key{identity}, nil
}

// Public is what others encrypt to ("age1...").
func (k Key) Public() string { return k.identity.Recipient().String() }

// Identity opens what was encrypted to us.
func (k Key) Identity() *age.X25519Identity { return k.identity }

// String keeps the key out of what is printed by mistake.
func (Key) String() string { return "an age key" }

// GoString is String, for %#v.
func (Key) GoString() string { return "an age key" }

// parse reads a public half that a member published.
func parse(text string) (*age.X25519Recipient, error) {
	r, err := age.ParseX25519Recipient(text)
	if err != nil || r.String() != text {
		return nil, core.Invalid("custody.recipient.bad_recipient", errors.New("no age recipient"))
	}
	return r, nil
}
