package vault

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

// addRepo writes a new repository. Returns CodeConflict when the name is taken.
func (s store) addRepo(ctx context.Context, r Repo) error {
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

// repo finds a repository. Returns CodeNotFound.
func (s store) repo(ctx context.Context, name string) (Repo, error) {
	r, err := db.One(ctx, s.db, scanRepo, `SELECT `+repoColumns+` FROM vault_repo WHERE name = $1`, name)
	if errors.Is(err, db.ErrNoRow) {
		return r, core.NotFound("vault.no_repo", fmt.Errorf("no backup %q", name)).With("Name", name)
	}
	return r, err
}

// setRecipient writes the age key of a repository that had none of its own.
func (s store) setRecipient(ctx context.Context, name, recipient string) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_repo SET recipient = $2 WHERE name = $1`, name, recipient)
	return err
}

// setPassword notes whether the kept password opens a key of a repository.
func (s store) setPassword(ctx context.Context, name string, state PasswordState) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_repo SET password = $2 WHERE name = $1`, name, string(state))
	return err
}

func (s store) repos(ctx context.Context) ([]Repo, error) {
	return db.All(ctx, s.db, scanRepo, `SELECT `+repoColumns+` FROM vault_repo ORDER BY name`)
}

// Trouble is something a member did that it should not have, or did not do.
type Trouble struct {
	Member core.MemberID `json:"member"`
	Kind   string        `json:"kind"` // wrong, lost, refused, unreachable, full, slow...
	Object string        `json:"object,omitempty"`
	Index  int           `json:"index"`
	Detail string        `json:"detail"`
	Count  int64         `json:"count"`
	First  core.Moment   `json:"first_us"`
	Last   core.Moment   `json:"last_us"`
	Over   core.Moment   `json:"over_us,omitzero"`
	size   int64         // of the shard on its way, with its head; not written down
}

func scanTrouble(r db.Row) (t Trouble, err error) {
	err = r.Scan(&t.Member, &t.Kind, &t.Object, &t.Index, &t.Detail, &t.Count, &t.First, &t.Last, &t.Over)
	return t, err
}

// addTrouble counts one more of the same.
func (s store) addTrouble(ctx context.Context, t Trouble) error {
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_trouble (member, kind, object, idx, detail, count, first_us, last_us, over_us)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $6, 0)
		ON CONFLICT (member, kind, object, idx) DO UPDATE SET detail = excluded.detail, count = vault_trouble.count + 1,
			first_us = CASE WHEN vault_trouble.over_us > 0 THEN excluded.first_us ELSE vault_trouble.first_us END,
			last_us = excluded.last_us, over_us = 0`,
		string(t.Member), t.Kind, t.Object, t.Index, t.Detail, int64(t.Last))
	return err
}

// endTrouble says that a member is well again in one way.
func (s store) endTrouble(ctx context.Context, member core.MemberID, kind string, now core.Moment) error {
	_, err := db.Exec(ctx, s.db, `UPDATE vault_trouble SET over_us = $3 WHERE member = $1 AND kind = $2 AND over_us = 0`,
		string(member), kind, int64(now))
	return err
}

// mended ends the troubles about one object: all its shards are held again, or it is
// wanted no more.
func (s store) mended(ctx context.Context, q db.Querier, id shard.Hash, now core.Moment) error {
	_, err := db.Exec(ctx, q, `UPDATE vault_trouble SET over_us = $2 WHERE object = $1 AND over_us = 0`, id.String(), int64(now))
	return err
}

// troubles lists what is not over, and what ended since a moment.
func (s store) troubles(ctx context.Context, since core.Moment) ([]Trouble, error) {
	return db.All(ctx, s.db, scanTrouble, `SELECT member, kind, object, idx, detail, count, first_us, last_us, over_us
		FROM vault_trouble WHERE over_us = 0 OR over_us >= $1 ORDER BY last_us DESC, member, kind, object, idx`, int64(since))
}
