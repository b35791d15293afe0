package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
)

// Needs is what a keyring is made of.
type Needs struct {
	Dir string // the room's own folder; secrets lie below it
	// Recovery is what every file is also sealed to; its private half is the seed words.
	Recovery *age.X25519Recipient
	// Shared is the identity of all repositories of before each had its own; it only
	// opens. Nil where the node never had one.
	Shared *age.X25519Identity
	Store  catalogue.Store
	// Aside takes note of a file that this user may not read and answers nil; any other
	// error comes back.
	Aside func(error) error
	// PasswordChanged is told that the stored password of a backup is another one.
	PasswordChanged func(name string)
	Log             *slog.Logger
}

// Keyring holds the identities of one node. Safe for concurrent use.
type Keyring struct {
	n     Needs
	store catalogue.Store
	// older only open: the identity all repositories shared until each got its own, those
	// of machines that came before this one, and in a recovery the one of the seed words.
	older []age.Identity // guarded by mu
	mu    sync.RWMutex
}

// Open reads the identities that only open.
func Open(n Needs) (*Keyring, error) {
	r := &Keyring{n: n, store: n.Store}
	return r, r.load()
}

// Use has one more identity open files and labels, as long as this process runs.
func (r *Keyring) Use(identity age.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.older = append(r.older, identity)
}

// onlyOpen lists the identities that only open; the list is the caller's own.
func (r *Keyring) onlyOpen() []age.Identity {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.older)
}

// LabelKeys are the identities on this disk that may open a label: those of all
// repositories, also of one whose row is gone.
func (r *Keyring) LabelKeys() (AnyOf, error) {
	out := AnyOf(r.onlyOpen())
	files, err := filepath.Glob(r.Path("*", Identity))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		key, err := ReadIdentity(path)
		if err != nil {
			// What it opens is counted as unknown; the other backups are compared.
			r.n.Log.Warn("a backup's key cannot be read", "path", path, "error", err)
			continue
		}
		out = append(out, key)
	}
	return out, nil
}

// AnyOf opens what one of several identities opens.
type AnyOf []age.Identity

// Unwrap implements age.Identity.
func (a AnyOf) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, id := range a {
		key, err := id.Unwrap(stanzas)
		if err == nil || !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// olderSuffix ends the names of files in the secrets folder that hold identities to
// which nothing is sealed any more.
const olderSuffix = ".agekey"

// load reads the identities that only open.
func (r *Keyring) load() error {
	if r.n.Shared != nil {
		r.Use(r.n.Shared)
	}
	files, err := filepath.Glob(filepath.Join(r.n.Dir, "secret", "*"+olderSuffix))
	if err != nil {
		return err
	}
	for _, path := range files {
		older, err := ReadIdentity(path)
		if err = r.n.Aside(err); err != nil {
			return err
		}
		if older == nil {
			continue // what is sealed to it says so when it is read
		}
		r.Use(older)
	}
	return nil
}

// ReadIdentity reads an age identity from a file. Returns CodeInvalid when it holds none.
func ReadIdentity(path string) (*age.X25519Identity, error) {
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

// Add keeps an identity that repositories no longer seal to, so that the
// files sealed to it can be read here.
func (r *Keyring) Add(older *age.X25519Identity) error {
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
	r.Use(older)
	return nil
}

// Own reads the identity a repository's files are sealed to. Returns CodeInternal
// when its file is gone, cannot be read, or holds another repository's key: nothing
// must be sealed to a key that is not in the repository's record.
func (r *Keyring) Own(repo catalogue.Repo) (*age.X25519Identity, error) {
	path := r.Path(repo.Name, Identity)
	key, err := ReadIdentity(path)
	if err == nil && key.Recipient().String() != repo.Recipient {
		err = fmt.Errorf("%s holds another key than %s", path, repo.Recipient)
	}
	if err != nil {
		return nil, core.Internal("vault.key_missing", err).With("Name", repo.Name).With("Path", path)
	}
	return key, nil
}

// Give draws the identity of a repository that comes from before each had its own, and
// puts the row of one right that says no recipient any more: a bit flipped in it, and the
// file has a sum of its own. A file that a crash left is taken up: the row names it only now.
func (r *Keyring) Give(ctx context.Context, repo *catalogue.Repo) error {
	_, damaged := age.ParseX25519Recipient(repo.Recipient)
	if damaged == nil {
		return nil
	}
	key, err := ReadIdentity(r.Path(repo.Name, Identity))
	switch {
	case repo.Recipient != "" && (err != nil || !oneApart(key.Recipient().String(), repo.Recipient)):
		return nil //nolint:nilerr // whoever needs the key is told
	case err != nil:
		if key, err = age.GenerateX25519Identity(); err != nil {
			return fmt.Errorf("draw the key of %s: %w", repo.Name, err)
		}
		if err := r.Write(repo.Name, Identity, key.String()); err != nil {
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

// Recipients answers what a repository's files and labels are sealed to, and the
// repository's own recipient as the catalogue writes it.
func (r *Keyring) Recipients(ctx context.Context, name string) (to []age.Recipient, own string, err error) {
	repo, err := r.store.Repos.Get(ctx, name)
	if err != nil {
		return nil, "", err
	}
	key, err := r.Own(repo)
	if err != nil {
		return nil, "", err
	}
	return []age.Recipient{key.Recipient(), r.n.Recovery}, repo.Recipient, nil
}

// Identities lists the identities that may open an object: its repository's own, and
// those that nothing is sealed to any more. Returns CodeInternal when none is here.
func (r *Keyring) Identities(ctx context.Context, o catalogue.Object) ([]age.Identity, error) {
	older := r.onlyOpen()
	switch {
	case o.SealedTo == "" && len(older) > 0:
		return older, nil
	case o.SealedTo == "":
		return nil, core.Internal("vault.shared_key_missing", fmt.Errorf("no key for %s of %s", o.File, o.Repo)).With("Name", o.Repo)
	}
	repo, err := r.store.Repos.Get(ctx, o.Repo)
	var own *age.X25519Identity
	if err == nil {
		own, err = r.Own(repo)
	}
	switch {
	case err == nil:
		return append([]age.Identity{own}, older...), nil
	case len(older) > 0: // in a recovery there is no repository yet
		return older, nil
	}
	return nil, err
}
