package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
)

// maxSmall bounds what is opened in memory, in bytes: labels and meta files.
const maxSmall = 1 << 20

// olderSuffix ends the names of files in the secrets folder that hold identities to
// which nothing is sealed any more.
const olderSuffix = ".agekey"

// keys open files beside the identity that each repository has of its own.
type keys struct {
	// The identity all repositories shared until each got its own, those of machines
	// that came before this one, and in a recovery the one of the seed words.
	older []age.Identity
}

// loadKeys reads the identities that only open.
func (r *Room) loadKeys() error {
	r.keys = keys{}
	if r.n.Shared != nil {
		r.keys.older = append(r.keys.older, r.n.Shared)
	}
	files, err := filepath.Glob(filepath.Join(r.n.Dir, "secret", "*"+olderSuffix))
	if err != nil {
		return err
	}
	for _, path := range files {
		older, err := readIdentity(path)
		if err = r.leave(err); err != nil {
			return err
		}
		if older == nil {
			continue // what is sealed to it says so when it is read
		}
		r.keys.older = append(r.keys.older, older)
	}
	return nil
}

func readIdentity(path string) (*age.X25519Identity, error) {
	text, err := seal.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, core.Invalid("vault.bad_identity", err).With("Path", path)
	}
	return id, nil
}

// keepIdentity keeps an identity that repositories no longer seal to, so that the
// files sealed to it can be read here.
func (r *Room) keepIdentity(older *age.X25519Identity) error {
	sum := sha256.Sum256([]byte(older.Recipient().String()))
	path := filepath.Join(r.n.Dir, "secret", hex.EncodeToString(sum[:8])+olderSuffix)
	if _, err := os.Stat(path); err == nil || r.n.Shared != nil && older.String() == r.n.Shared.String() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the secrets folder: %w", err)
	}
	if err := seal.WriteSecret(path, []byte(older.String()+"\n")); err != nil {
		return err
	}
	r.keys.older = append(r.keys.older, older)
	return nil
}

// ownKey reads the identity a repository's files are sealed to. Returns CodeInternal
// when its file is gone, cannot be read, or holds another repository's key: nothing
// must be sealed to a key that is not in the repository's record.
func (r *Room) ownKey(repo catalogue.Repo) (*age.X25519Identity, error) {
	path := r.secretPath(repo.Name, secretIdentity)
	key, err := readIdentity(path)
	if err == nil && key.Recipient().String() != repo.Recipient {
		err = fmt.Errorf("%s holds another key than %s", path, repo.Recipient)
	}
	if err != nil {
		return nil, core.Internal("vault.key_missing", err).With("Name", repo.Name).With("Path", path)
	}
	return key, nil
}

// giveKey draws the identity of a repository that comes from before each had its own, and
// puts the row of one right that says no recipient any more: a bit flipped in it, and the
// file has a sum of its own. A file that a crash left is taken up: the row names it only now.
func (r *Room) giveKey(ctx context.Context, repo *catalogue.Repo) error {
	_, damaged := age.ParseX25519Recipient(repo.Recipient)
	if damaged == nil {
		return nil
	}
	key, err := readIdentity(r.secretPath(repo.Name, secretIdentity))
	switch {
	case repo.Recipient != "" && (err != nil || !oneApart(key.Recipient().String(), repo.Recipient)):
		return nil //nolint:nilerr // whoever needs the key is told
	case err != nil:
		if key, err = age.GenerateX25519Identity(); err != nil {
			return fmt.Errorf("draw the key of %s: %w", repo.Name, err)
		}
		if err := r.writeSecret(repo.Name, secretIdentity, key.String()); err != nil {
			return err
		}
	case repo.Recipient != "":
		r.n.Log.Error("this disk changed a row of the database: the key of a backup is named again", "repo", repo.Name)
	}
	repo.Recipient = key.Recipient().String()
	return r.store.Repos.SetRecipient(ctx, repo.Name, repo.Recipient)
}

// oneApart says that two texts differ in one byte at most, as after a flipped bit.
func oneApart(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	apart := 0
	for i := range len(a) {
		if a[i] != b[i] {
			apart++
		}
	}
	return apart <= 1
}

// sealTo answers what a repository's files and labels are sealed to, and the
// repository's own recipient as the catalogue writes it.
func (r *Room) sealTo(ctx context.Context, name string) (to []age.Recipient, own string, err error) {
	repo, err := r.store.Repos.Get(ctx, name)
	if err != nil {
		return nil, "", err
	}
	key, err := r.ownKey(repo)
	if err != nil {
		return nil, "", err
	}
	return []age.Recipient{key.Recipient(), r.n.Recovery}, repo.Recipient, nil
}

// openWith lists the identities that may open an object: its repository's own, and
// those that nothing is sealed to any more. Returns CodeInternal when none is here.
func (r *Room) openWith(ctx context.Context, o catalogue.Object) ([]age.Identity, error) {
	switch {
	case o.SealedTo == "" && len(r.keys.older) > 0:
		return r.keys.older, nil
	case o.SealedTo == "":
		return nil, core.Internal("vault.shared_key_missing", fmt.Errorf("no key for %s of %s", o.File, o.Repo)).With("Name", o.Repo)
	}
	repo, err := r.store.Repos.Get(ctx, o.Repo)
	var own *age.X25519Identity
	if err == nil {
		own, err = r.ownKey(repo)
	}
	switch {
	case err == nil:
		return append([]age.Identity{own}, r.keys.older...), nil
	case len(r.keys.older) > 0: // in a recovery there is no repository yet
		return r.keys.older, nil
	}
	return nil, err
}

// openPlain opens a sealed object on disk for random access, and closes it with the
// answer.
func (r *Room) openPlain(ctx context.Context, f stored, o catalogue.Object) (*plainFile, error) {
	identities, err := r.openWith(ctx, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	plain, size, err := age.DecryptReaderAt(f, o.Sealed, identities...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sealed file: %w", err), f.Close())
	}
	return &plainFile{from: plain, close: f.Close, size: size}, nil
}

// sealBytes seals a small text.
func sealBytes(text []byte, to ...age.Recipient) ([]byte, error) {
	r, err := age.EncryptReader(bytes.NewReader(text), to...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return io.ReadAll(r)
}

// openBytes opens a small sealed text. Returns CodeDenied.
func openBytes(data []byte, identities ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(data), identities...)
	if err != nil {
		return nil, core.Denied("vault.not_ours", fmt.Errorf("open: %w", err))
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSmall))
	if err != nil {
		return nil, core.Denied("vault.not_ours", fmt.Errorf("open: %w", err))
	}
	return text, nil
}
