package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// Record is the meta file of a repository: with it, its shards and the seed words
// everything else is found again. It is sealed like any file and copied to every
// member.
//
// spec: docs/spec/shard.md#record
type Record struct {
	V        int         `json:"v"` // 1, or recordOwn
	Name     string      `json:"name"`
	Password string      `json:"password"` // restic's
	Identity string      `json:"identity"` // age; what the repository's files are sealed to, beside the recovery key
	Made     core.Moment `json:"made_us"`
	// Again tells a record from an earlier one that says the same, with another in between.
	Again int `json:"again,omitzero"`
}

// RecordOwn is the version of a record whose identity opens its repository alone;
// with version 1 it opens every repository of then.
const RecordOwn = 2

// Record writes the repository's meta file unless the newest says what is true now.
func (r *Backups) Record(ctx context.Context, repo catalogue.Repo) error {
	password, err := r.keyring.Secret(repo.Name, keyring.Password)
	if err != nil {
		return err
	}
	key, err := r.keyring.Own(repo)
	if err != nil {
		return err
	}
	newest, err := r.store.Objects.Newest(ctx, repo.Name, catalogue.Meta, 1)
	if err != nil {
		return err
	}
	if password, err = r.toRecord(ctx, password, newest); err != nil {
		return err
	}
	for again := 0; ; again++ {
		text, err := wire.Encode(Record{RecordOwn, repo.Name, password, key.String(), repo.Made, again})
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		file := rest.Handle{Type: catalogue.Meta, Name: hex.EncodeToString(sum[:])}
		if len(newest) > 0 && newest[0].File == file {
			return nil
		}
		switch _, err := r.store.Objects.File(ctx, repo.Name, file, 0); core.CodeOf(err) {
		case "": // an older record: one that says the same must be made last
			continue
		case core.CodeNotFound:
		default:
			return err
		}
		_, err = r.n.Accept(ctx, catalogue.Object{Repo: repo.Name, File: file, Size: int64(len(text))}, bytes.NewReader(text))
		if core.CodeOf(err) == core.CodeConflict {
			return nil
		}
		return err
	}
}

// toRecord answers the password that belongs into a record: the kept one, unless the newest
// record has another and the kept one is not seen to open a key. This disk may have changed
// it, and what is recorded last comes back from nothing.
func (r *Backups) toRecord(ctx context.Context, kept string, newest []catalogue.Object) (string, error) {
	if len(newest) == 0 {
		return kept, nil
	}
	before, err := r.ReadRecord(ctx, newest[0])
	if err != nil || before.Password == kept {
		return kept, ctx.Err()
	}
	state, unread := r.tryPassword(ctx, newest[0].Repo, kept)
	if state == catalogue.PasswordOpens || state == catalogue.PasswordUnknown && unread == nil { // no key yet
		return kept, nil
	}
	return before.Password, ctx.Err()
}

// ReadRecord opens a record. Returns CodeInvalid when it names another repository.
func (r *Backups) ReadRecord(ctx context.Context, o catalogue.Object) (Record, error) {
	var rec Record
	text, err := r.n.ReadSmall(ctx, o, keyring.MaxSmall)
	if err != nil {
		return rec, err
	}
	if err := wire.Peek(text, &rec); err != nil {
		return rec, err
	}
	if rec.Name != o.Repo {
		return rec, core.Invalid("vault.bad_label", fmt.Errorf("record of %q in %q", rec.Name, o.Repo))
	}
	return rec, nil
}
