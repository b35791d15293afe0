package fill

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/promise"
)

// keyName is the file of the key that opens the pack of the accounts: they are in no backup that
// would have one.
const keyName = "succession-accounts.key"

// accountsKey reads that key, or draws it.
func (s *Filler) accountsKey() (*age.X25519Identity, error) {
	path := filepath.Join(s.n.Secrets, keyName)
	text, err := seal.ReadSecret(path)
	if core.CodeOf(err) == core.CodeNotFound {
		drawn, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		err = seal.WriteSecret(path, []byte(drawn.String()+"\n"))
		if core.CodeOf(err) != core.CodeConflict {
			return drawn, err
		}
		text, err = seal.ReadSecret(path) // another process was first
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		// What age says may repeat the file: only the path is said.
		return nil, core.Invalid("succession.pack.bad_key", fmt.Errorf("%s is no age key", path)).With("Path", path)
	}
	return identity, nil
}

// Pointer is the content of the custody box "data:accounts": a pointer without a backup, whose
// identity opens the pack of the accounts. It is secret.
// spec: docs/spec/succession.md#pointer
func (s *Filler) Pointer(_ context.Context) ([]byte, error) {
	key, err := s.accountsKey()
	if err != nil {
		return nil, err
	}
	return wire.Encode(struct {
		V        int64         `json:"v"`
		Owner    core.MemberID `json:"owner"`
		Backup   string        `json:"backup"`
		Password string        `json:"password"` // there is none
		Identity string        `json:"identity"`
		Made     core.Moment   `json:"made_us"`
	}{1, s.self(), promise.Accounts, "", key.String(), s.now()})
}
