package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// Needs is what the backups are made of.
type Needs struct {
	Store   catalogue.Store
	Keyring *keyring.Keyring
	// Accept takes a file as if restic had sent it: it lies on this disk when it returns,
	// and is placed from then on. Returns CodeConflict when it is there already.
	Accept func(ctx context.Context, o catalogue.Object, body io.Reader) (catalogue.Object, error)
	// ReadSmall reads a whole file of at most so many bytes.
	ReadSmall func(ctx context.Context, o catalogue.Object, most int64) ([]byte, error)
	// Promise counts something acknowledged, so that a database that lost it is noticed.
	Promise func(ctx context.Context) error
	// Standing says whether members still take this node's word; nil = they do.
	Standing func(ctx context.Context) error
	Started  <-chan struct{} // closed when files can be read
	Tools    func() string   // the loopback address where restic is answered
	Now      func() time.Time
	Log      *slog.Logger
}

// Backups are the repositories of one node. Safe for concurrent use.
type Backups struct {
	n       Needs
	store   catalogue.Store
	keyring *keyring.Keyring

	making  sync.Mutex        // one new backup at a time, beside the lock that other processes heed
	trying  sync.Mutex        // one password at a time
	masters map[string]master // guarded by trying
}

// New makes them; nothing is read yet.
func New(n Needs) *Backups { return &Backups{n: n, store: n.Store, keyring: n.Keyring} }

// Created is what `vault create` shows. Prune is shown this once and kept nowhere.
type Created struct {
	Name   string `json:"name"`
	Append string `json:"append_token"`
	Read   string `json:"read_token"`
	Prune  string `json:"prune_token"`
}

// Create begins a backup: a restic password, three tokens, and the record that
// brings them back from nothing. show, unless it is nil, hands the tokens to the person
// before the backup exists: when it fails, there is none. Once it is begun it goes on
// when ctx ends, for a minute at most, and when the backup exists the tokens are returned,
// even if its record could not be written yet. Returns CodeInvalid for a bad
// name, CodeConflict for a taken one and in a rehearsal, CodeDenied when another node took
// our name over.
func (r *Backups) Create(ctx context.Context, name string, show func(Created) error) (Created, error) {
	if !rest.ValidRepo(name) {
		return Created{}, core.Invalid("vault.bad_name", fmt.Errorf("%.80q cannot name a backup", name)).With("Name", name)
	}
	if r.n.Standing != nil {
		if err := r.n.Standing(ctx); err != nil {
			return Created{}, err
		}
	}
	release, err := r.alone(ctx, name)
	if err != nil {
		return Created{}, err
	}
	defer release()
	// From here on it is made to its end, whoever waits no more: a backup whose prune token
	// nobody saw cannot be pruned.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer cancel()
	made, repo, err := r.draw(name)
	if err != nil {
		return Created{}, err
	}
	if show != nil {
		if err := show(made); err != nil {
			return Created{}, core.Internal("vault.create.unshown", err)
		}
	}
	if err := r.store.Repos.Add(ctx, repo); err != nil {
		// What became of it may be unknown: the row says it, by the key that only this one drew.
		there, unread := r.store.Repos.Get(ctx, name)
		if unread != nil || there.Prune != repo.Prune {
			return Created{}, err
		}
	}
	// The next start of the node writes its record where it is missing.
	if err := errors.Join(r.n.Promise(ctx), r.Record(ctx, repo)); err != nil {
		r.n.Log.Error("a new backup has no record yet; the next start of the node writes it", "repo", name, "error", err)
	}
	return made, nil
}

// createLimit bounds the making of a backup.
const createLimit = time.Minute

// draw writes the secrets of a new backup, and answers the tokens and the row to be.
func (r *Backups) draw(name string) (Created, catalogue.Repo, error) {
	var password [24]byte
	_, _ = rand.Read(password[:]) // never fails, says crypto/rand
	prune := keyring.NewToken()
	repo := catalogue.Repo{Name: name, Made: core.At(r.n.Now())}
	copy(repo.Prune[:], prune.PruneKey().Public().(ed25519.PublicKey)) //nolint:forcetypeassert,errcheck // crypto/ed25519 promises it
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return Created{}, repo, fmt.Errorf("draw the backup's key: %w", err)
	}
	if err := r.writeSecrets(&repo, base64.RawURLEncoding.EncodeToString(password[:]), key); err != nil {
		return Created{}, repo, err
	}
	appendToken, err := r.keyring.Secret(name, keyring.AppendToken)
	if err != nil {
		return Created{}, repo, err
	}
	readToken, err := r.keyring.Secret(name, keyring.ReadToken)
	return Created{name, appendToken, readToken, prune.String()}, repo, err
}

// alone keeps everybody else, in this process and in others, from making a backup until
// release, and makes sure that the name is free: two that write the secrets of one name
// would leave a mixture. Returns CodeConflict for a taken name.
func (r *Backups) alone(ctx context.Context, name string) (release func(), err error) {
	r.making.Lock()
	unlock, err := r.keyring.Lock(ctx)
	if err != nil {
		r.making.Unlock()
		return nil, err
	}
	release = func() {
		unlock()
		r.making.Unlock()
	}
	switch _, err = r.store.Repos.Get(ctx, name); core.CodeOf(err) {
	case "":
		err = core.Conflict("vault.repo_exists", errors.New("it is there already")).With("Name", name)
	case core.CodeNotFound:
		return release, nil
	default:
	}
	release()
	return nil, err
}

// Establish writes a repository with fresh tokens and the age identity its files
// are sealed to: secrets first, the row last, then its record for the members. What
// a crash leaves behind is overwritten by the next try, because no row named it. Returns
// CodeConflict for a taken name.
func (r *Backups) Establish(ctx context.Context, repo *catalogue.Repo, password string, key *age.X25519Identity) error {
	release, err := r.alone(ctx, repo.Name)
	if err != nil {
		return err
	}
	defer release()
	if err := r.writeSecrets(repo, password, key); err != nil {
		return err
	}
	if err := r.store.Repos.Add(ctx, *repo); err != nil {
		return err
	}
	if err := r.n.Promise(ctx); err != nil {
		return err
	}
	return r.Record(ctx, *repo)
}

// writeSecrets draws a repository's tokens and writes its secrets.
func (r *Backups) writeSecrets(repo *catalogue.Repo, password string, key *age.X25519Identity) error {
	appendToken, readToken := keyring.NewToken(), keyring.NewToken()
	repo.AppendHash, repo.ReadHash, repo.Recipient = appendToken.Hash(), readToken.Hash(), key.Recipient().String()
	for kind, text := range map[keyring.Kind]string{
		keyring.Password: password, keyring.AppendToken: appendToken.String(), keyring.ReadToken: readToken.String(), keyring.Identity: key.String(),
	} {
		if err := r.keyring.Write(repo.Name, kind, text); err != nil {
			return err
		}
	}
	return nil
}

// Env is what restic needs to find a backup.
type Env struct {
	Repository   string                  `json:"repository"`
	PasswordFile string                  `json:"password_file"`
	Password     catalogue.PasswordState `json:"password"` // what is in that file, when last compared
}

// Env answers how restic reaches a backup with a token; empty is the append token.
// Returns CodeNotFound, CodeDenied for a token that opens nothing.
func (r *Backups) Env(ctx context.Context, name, text string) (Env, error) {
	repo, err := r.store.Repos.Get(ctx, name)
	if err != nil {
		return Env{}, err
	}
	if text == "" {
		if text, err = r.keyring.Secret(name, keyring.AppendToken); err != nil {
			return Env{}, err
		}
	}
	if t, err := keyring.ParseToken(text); err != nil || keyring.RightOf(repo, t) == "" {
		return Env{}, core.Denied("vault.bad_token", err).With("Name", name)
	}
	return Env{
		Repository:   fmt.Sprintf("rest:http://%s:%s@%s/restic/%s/", name, text, r.n.Tools(), name),
		PasswordFile: r.keyring.Path(name, keyring.Password), Password: repo.Password,
	}, nil
}
