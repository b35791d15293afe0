package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/rest"
)

// noteRecovering is set from the begin of a recovery to its end: until then the
// catalogue may lack files, and the front says so instead of "not found".
const noteRecovering = "recovering"

// Created is what `vault create` shows. Prune is shown this once and kept nowhere.
type Created struct {
	Name   string `json:"name"`
	Append string `json:"append_token"`
	Read   string `json:"read_token"`
	Prune  string `json:"prune_token"`
}

// Create begins a backup: a restic password, three tokens, and the record that
// brings them back from nothing. Returns CodeInvalid for a bad name, CodeConflict
// for a taken one.
func (r *Room) Create(ctx context.Context, name string) (Created, error) {
	if !rest.ValidRepo(name) {
		return Created{}, core.Invalid("vault.bad_name", fmt.Errorf("%.80q cannot name a backup", name)).With("Name", name)
	}
	switch _, err := r.store.repo(ctx, name); core.CodeOf(err) {
	case "":
		return Created{}, core.Conflict("vault.repo_exists", errors.New("it is there already")).With("Name", name)
	case core.CodeNotFound:
	default:
		return Created{}, err
	}
	var password [24]byte
	_, _ = rand.Read(password[:]) // never fails, says crypto/rand
	prune := newToken()
	repo := Repo{Name: name, Made: core.At(r.n.Now())}
	copy(repo.Prune[:], prune.pruneKey().Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
	if err := r.establish(ctx, &repo, base64.RawURLEncoding.EncodeToString(password[:])); err != nil {
		return Created{}, err
	}
	appendToken, err := r.secret(name, secretAppend)
	if err != nil {
		return Created{}, err
	}
	readToken, err := r.secret(name, secretRead)
	if err != nil {
		return Created{}, err
	}
	return Created{name, appendToken, readToken, prune.String()}, nil
}

// establish writes a repository with fresh tokens: secrets first, the row last,
// then its record for the members. What a crash leaves behind is overwritten by
// the next try, because no row named it.
func (r *Room) establish(ctx context.Context, repo *Repo, password string) error {
	appendToken, readToken := newToken(), newToken()
	repo.AppendHash, repo.ReadHash = appendToken.hash(), readToken.hash()
	for kind, text := range map[secretKind]string{
		secretPassword: password, secretAppend: appendToken.String(), secretRead: readToken.String(),
	} {
		if err := r.writeSecret(repo.Name, kind, text); err != nil {
			return err
		}
	}
	if err := r.store.addRepo(ctx, *repo); err != nil {
		return err
	}
	return r.record(ctx, *repo)
}

// secretKind is one file of a repository in the secrets folder.
type secretKind string

const (
	secretPassword secretKind = "password"
	secretAppend   secretKind = "append"
	secretRead     secretKind = "read"
	identitySuffix            = ".agekey"
)

func (r *Room) secretPath(name string, kind secretKind) string {
	return filepath.Join(r.n.Dir, "secret", name+"."+string(kind))
}

func (r *Room) secret(name string, kind secretKind) (string, error) {
	text, err := seal.ReadSecret(r.secretPath(name, kind))
	return strings.TrimSpace(string(text)), err
}

func (r *Room) writeSecret(name string, kind secretKind, text string) error {
	path := r.secretPath(name, kind)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the secrets folder: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace a secret: %w", err)
	}
	return seal.WriteSecret(path, []byte(text+"\n"))
}

// record is the meta file of a repository: with it, its shards and the seed words
// everything else is found again. It is sealed like any file and copied to every
// member.
type record struct {
	V        int         `json:"v"`
	Name     string      `json:"name"`
	Password string      `json:"password"` // restic's
	Identity string      `json:"identity"` // the daily age key the files are also sealed to
	Made     core.Moment `json:"made_us"`
}

// record writes the repository's meta file unless it is there with what is true
// now.
func (r *Room) record(ctx context.Context, repo Repo) error {
	password, err := r.secret(repo.Name, secretPassword)
	if err != nil {
		return err
	}
	text, err := wire.Encode(record{1, repo.Name, password, r.n.Daily.String(), repo.Made})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	file := rest.Handle{Type: Meta, Name: hex.EncodeToString(sum[:])}
	if _, err := r.store.file(ctx, repo.Name, file, 0); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	_, err = r.accept(ctx, Object{Repo: repo.Name, File: file, Size: int64(len(text))}, bytes.NewReader(text))
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

// loadKeys makes ready what files are sealed to and opened with: the daily key,
// and those of machines that came before this one.
func (r *Room) loadKeys() error {
	r.keys = keys{
		recipients: []age.Recipient{r.n.Daily.Recipient(), r.n.Recovery},
		identities: []age.Identity{r.n.Daily},
	}
	files, err := filepath.Glob(filepath.Join(r.n.Dir, "secret", "*"+identitySuffix))
	if err != nil {
		return err
	}
	for _, path := range files {
		text, err := seal.ReadSecret(path)
		if err != nil {
			return err
		}
		older, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
		if err != nil {
			return core.Invalid("vault.bad_identity", err).With("Path", path)
		}
		r.keys.identities = append(r.keys.identities, older)
	}
	return nil
}

// keepIdentity keeps an earlier machine's daily key, so that the files sealed to
// it can be read here.
func (r *Room) keepIdentity(text string) error {
	older, err := age.ParseX25519Identity(text)
	if err != nil {
		return core.Invalid("vault.bad_identity", err).With("Path", Meta)
	}
	sum := sha256.Sum256([]byte(older.Recipient().String()))
	path := filepath.Join(r.n.Dir, "secret", hex.EncodeToString(sum[:8])+identitySuffix)
	if _, err := os.Stat(path); err == nil || text == r.n.Daily.String() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the secrets folder: %w", err)
	}
	if err := seal.WriteSecret(path, []byte(text+"\n")); err != nil {
		return err
	}
	return r.loadKeys()
}

// Env is what restic needs to find a backup.
type Env struct {
	Repository   string `json:"repository"`
	PasswordFile string `json:"password_file"`
}

// Env answers how restic reaches a backup with a token; empty is the append token.
// Returns CodeNotFound, CodeDenied for a token that opens nothing.
func (r *Room) Env(ctx context.Context, name, text string) (Env, error) {
	repo, err := r.store.repo(ctx, name)
	if err != nil {
		return Env{}, err
	}
	if text == "" {
		if text, err = r.secret(name, secretAppend); err != nil {
			return Env{}, err
		}
	}
	if t, err := parseToken(text); err != nil || repo.right(t) == "" {
		return Env{}, core.Denied("vault.bad_token", err).With("Name", name)
	}
	return Env{
		Repository:   fmt.Sprintf("rest:http://%s:%s@%s/restic/%s/", name, text, r.n.Config.Tools, name),
		PasswordFile: r.secretPath(name, secretPassword),
	}, nil
}
