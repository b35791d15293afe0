package heir

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/rest"
)

// Bounds of a pointer.
const (
	MaxPointer  = 16 << 10 // bytes
	maxPlaces   = 64       // members
	maxURL      = 512      // bytes
	maxPassword = 1024     // bytes
)

// Pointer is the secret that opens one backup, its whole past included. The zero value is none.
//
// spec: docs/spec/succession.md#pointer
type Pointer struct {
	V        int           `json:"v"` // 1
	Owner    core.MemberID `json:"owner"`
	Backup   string        `json:"backup"`
	Password string        `json:"password"` // restic's
	Identity string        `json:"identity"` // age, of this backup alone
	Made     core.Moment   `json:"made_us"`
	Root     core.RootKey  `json:"root"`    // the owner's
	Members  []Place       `json:"members"` // whom to ask; they may have changed since
}

// Place is a member that may hold shards, and where it was.
type Place struct {
	Member core.MemberID `json:"member"`
	URL    string        `json:"url"`
}

// String keeps the secret out of what is printed by mistake.
func (p Pointer) String() string { return fmt.Sprintf("pointer to %s of %s", p.Backup, p.Owner) }

// GoString is String, for %#v.
func (p Pointer) GoString() string { return p.String() }

// Read reads a pointer strictly. Returns CodeInvalid "vault.heir_pointer".
func Read(data []byte) (Pointer, error) {
	var p Pointer
	if len(data) > MaxPointer {
		return p, bad("too long")
	}
	if wire.Decode(data, &p) != nil { // what the parser says may repeat the secret
		return Pointer{}, bad("not the JSON of one")
	}
	return p, p.check()
}

// Encode writes what Read reads. Places that make it too long are left out from the end.
func (p Pointer) Encode() ([]byte, error) {
	p.V, p.Members = 1, slices.Clone(p.Members[:min(len(p.Members), maxPlaces)])
	if p.Members == nil {
		p.Members = []Place{}
	}
	for {
		if err := p.check(); err != nil {
			return nil, err
		}
		text, err := wire.Encode(p)
		if err != nil || len(text) <= MaxPointer || len(p.Members) == 0 {
			return text, err
		}
		p.Members = p.Members[:len(p.Members)-1]
	}
}

// identity is the key of the backup.
func (p Pointer) identity() (*age.X25519Identity, error) {
	key, err := age.ParseX25519Identity(p.Identity)
	if err != nil || key.String() != p.Identity {
		return nil, bad("no age identity") // what age says may repeat it
	}
	return key, nil
}

func (p Pointer) check() error {
	_, err := p.identity()
	switch {
	case err != nil:
		return err
	case p.V != 1 || p.Made <= 0 || p.Root.IsZero():
		return bad("version, time or root key")
	case !p.Owner.Valid() || !rest.ValidRepo(p.Backup):
		return bad("no owner, or no backup")
	case p.Password == "" || len(p.Password) > maxPassword || strings.ContainsAny(p.Password, "\r\n\x00"):
		return bad("no password")
	case len(p.Members) > maxPlaces:
		return bad("too many members")
	}
	seen := map[core.MemberID]bool{}
	for _, m := range p.Members {
		if !m.Member.Valid() || seen[m.Member] || len(m.URL) > maxURL || strings.ContainsFunc(m.URL, func(r rune) bool { return r <= ' ' }) {
			return bad("a member twice, or none")
		}
		seen[m.Member] = true
	}
	return nil
}

func bad(why string) error { return core.Invalid("vault.heir_pointer", errors.New(why)) }
