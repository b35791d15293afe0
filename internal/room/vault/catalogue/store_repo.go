package catalogue

import (
	"context"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// Repo is one backup: a restic repository and who may do what with it.
type Repo struct {
	Name       string
	AppendHash string // hex SHA-256 of the token
	ReadHash   string
	Prune      shard.PruneKey
	Made       core.Moment
	// Recipient is the age key its files are sealed to; empty = none of its own yet.
	Recipient string
	Password  PasswordState
}

func scanRepo(r db.Row) (Repo, error) {
	var repo Repo
	var prune string
	if err := r.Scan(&repo.Name, &repo.AppendHash, &repo.ReadHash, &prune, &repo.Made, &repo.Recipient, &repo.Password); err != nil {
		return repo, err
	}
	return repo, repo.Prune.UnmarshalText([]byte(prune))
}

const repoColumns = `name, append_hash, read_hash, prune, made_us, recipient, password`

// Unnamed lists the repositories that have files and no row of their own.
func (s Repos) Unnamed(ctx context.Context) ([]string, error) {
	return db.All(ctx, s.db, db.Text, `SELECT DISTINCT o.repo FROM vault_object o
		WHERE o.deleted_us = 0 AND NOT EXISTS (SELECT 1 FROM vault_repo r WHERE r.name = o.repo) ORDER BY o.repo`)
}

// Add writes a new repository. Returns CodeConflict when the name is taken.
func (s Repos) Add(ctx context.Context, r Repo) error {
	prune, err := r.Prune.MarshalText()
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, s.db, `INSERT INTO vault_repo (`+repoColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Name, r.AppendHash, r.ReadHash, string(prune), int64(r.Made), r.Recipient, string(r.Password))
	if db.IsDuplicate(err) {
		return core.Conflict("vault.repo_exists", err).With("Name", r.Name)
	}
	return err
}

// Get finds a repository. Returns CodeNotFound.
func (s Repos) Get(ctx context.Context, name string) (Repo, error) {
	r, err := db.One(ctx, s.db, scanRepo, `SELECT `+repoColumns+` FROM vault_repo WHERE name = $1`, name)
	if errors.Is(err, db.ErrNoRow) {
		return r, core.NotFound("vault.no_repo", fmt.Errorf("no backup %q", name)).With("Name", name)
	}
	return r, err
}

// SetRecipient writes the age key of a repository that had none of its own.
func (s Repos) SetRecipient(ctx context.Context, name, recipient string) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_repo SET recipient = $2 WHERE name = $1`, name, recipient)
	return err
}

// SetPassword notes whether the kept password opens a key of a repository.
func (s Repos) SetPassword(ctx context.Context, name string, state PasswordState) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_repo SET password = $2 WHERE name = $1`, name, string(state))
	return err
}

// All lists the repositories by name.
func (s Repos) All(ctx context.Context) ([]Repo, error) {
	return db.All(ctx, s.db, scanRepo, `SELECT `+repoColumns+` FROM vault_repo ORDER BY name`)
}
