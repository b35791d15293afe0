package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// maxKeys is how many key files are tried; restic itself tries twenty.
const maxKeys = 20

// CheckPasswords compares every kept password with the keys of its repository.
func (r *Backups) CheckPasswords(ctx context.Context) error {
	select {
	case <-r.n.Started:
	case <-ctx.Done():
		return ctx.Err()
	}
	repos, err := r.store.Repos.All(ctx)
	for _, repo := range repos {
		err = errors.Join(err, r.CheckPassword(ctx, repo.Name))
	}
	return err
}

// CheckPassword compares the kept password of one repository with its keys and notes
// the result. One that opens is in the newest record afterwards; one that does not, or is
// gone, gives way to one of the records that does: this disk changed it.
func (r *Backups) CheckPassword(ctx context.Context, name string) error {
	repo, err := r.store.Repos.Get(ctx, name)
	if err != nil {
		return err
	}
	state, unread := catalogue.PasswordWrong, error(nil)
	password, gone := r.keyring.Secret(name, keyring.Password)
	if gone == nil {
		state, unread = r.tryPassword(ctx, name, password)
	}
	if state == catalogue.PasswordWrong {
		if state, err = r.passwordBack(ctx, name); err != nil {
			return errors.Join(gone, err)
		}
		if state == catalogue.PasswordOpens {
			gone = nil
		}
	}
	switch {
	case gone != nil:
		return errors.Join(gone, r.store.Repos.SetPassword(ctx, name, catalogue.PasswordUnknown))
	case unread != nil:
		r.n.Log.Warn("the kept password cannot be compared with the keys", "repo", name, "error", unread)
	case state == catalogue.PasswordWrong:
		r.n.Log.Error("the kept password opens no key of this repository: run entrechat vault password", "repo", name)
	case state == catalogue.PasswordOpens:
		err = r.Record(ctx, repo)
	}
	return errors.Join(err, r.store.Repos.SetPassword(ctx, name, state))
}

// passwordBack keeps the newest password of the records that opens a key, in the place of
// one that does not. Wrong when there is none.
func (r *Backups) passwordBack(ctx context.Context, name string) (catalogue.PasswordState, error) {
	metas, err := r.store.Objects.Newest(ctx, name, catalogue.Meta, MaxRecords)
	if err != nil {
		return catalogue.PasswordWrong, err
	}
	password, state := r.OpensAmong(ctx, metas)
	if state != catalogue.PasswordOpens {
		return catalogue.PasswordWrong, nil
	}
	r.n.Log.Error("this disk changed the kept password, or the key it opens came back: put right from a record", "repo", name)
	return state, r.keyring.Write(name, keyring.Password, password)
}

// MaxRecords is how many records of a repository are looked through for a password.
const MaxRecords = 20

// OpensAmong answers the first password of these records of one repository that opens a
// key of it; else the first one, and what is known of it.
func (r *Backups) OpensAmong(ctx context.Context, metas []catalogue.Object) (password string, state catalogue.PasswordState) {
	tried := map[string]bool{}
	for _, o := range metas {
		rec, err := r.ReadRecord(ctx, o)
		if err != nil || tried[rec.Password] {
			continue
		}
		now, err := r.tryPassword(ctx, o.Repo, rec.Password)
		if err != nil {
			r.n.Log.Warn("a recorded password cannot be compared with the keys", "repo", o.Repo, "error", err)
		}
		if len(tried) == 0 || now == catalogue.PasswordOpens {
			password, state = rec.Password, now
		}
		if tried[rec.Password] = true; now != catalogue.PasswordWrong {
			break
		}
	}
	return password, state
}

// KeysChanged compares again after a key came or went. The file is saved or removed
// whatever comes out.
func (r *Backups) KeysChanged(ctx context.Context, name string) {
	if err := r.CheckPassword(context.WithoutCancel(ctx), name); err != nil {
		r.n.Log.Error("comparing the kept password with the keys failed", "repo", name, "error", err)
	}
}

// tryPassword says whether a password opens a key of a repository; unknown comes with
// the reason, where there is one. One at a time: each may take 128 MiB for a moment.
func (r *Backups) tryPassword(ctx context.Context, name, password string) (catalogue.PasswordState, error) {
	keys, err := r.store.Objects.Newest(ctx, name, rest.Keys, maxKeys+1)
	if err != nil || len(keys) == 0 {
		return catalogue.PasswordUnknown, err
	}
	r.trying.Lock()
	defer r.trying.Unlock()
	var unread []error
	for _, o := range keys[:min(len(keys), maxKeys)] {
		file, err := r.n.ReadSmall(ctx, o, rest.MaxKey)
		if err == nil {
			var opens bool
			if opens, err = rest.KeyOpens(file, password); opens {
				return catalogue.PasswordOpens, nil
			}
		}
		if err != nil {
			unread = append(unread, fmt.Errorf("%s: %w", o.File, err))
		}
	}
	if len(keys) > maxKeys {
		unread = append(unread, fmt.Errorf("more than %d keys", maxKeys))
	}
	if len(unread) > 0 {
		return catalogue.PasswordUnknown, errors.Join(unread...)
	}
	return catalogue.PasswordWrong, nil
}

// SetPassword keeps another restic password for a repository, and puts it into the
// record, once it was seen to open one of its keys. Returns CodeNotFound, CodeDenied
// when it opens none, CodeUnsure when that cannot be told.
func (r *Backups) SetPassword(ctx context.Context, name, password string) error {
	repo, err := r.store.Repos.Get(ctx, name)
	if err != nil {
		return err
	}
	password = strings.TrimSpace(password) // as restic reads its password file
	switch state, err := r.tryPassword(ctx, name, password); state {
	case catalogue.PasswordOpens:
	case catalogue.PasswordWrong:
		return core.Denied("vault.password_opens_none", errors.New("no key opens")).With("Name", name)
	case catalogue.PasswordUnknown:
		if err == nil {
			err = errors.New("no key")
		}
		return core.Unsure("vault.password_untried", err).With("Name", name)
	}
	if err := r.keyring.Write(name, keyring.Password, password); err != nil {
		return err
	}
	if err := r.Record(ctx, repo); err != nil {
		return err
	}
	return r.store.Repos.SetPassword(ctx, name, catalogue.PasswordOpens)
}
