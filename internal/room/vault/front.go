package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// commitPatience is how long a request for an index or a snapshot is held; then
// restic is told to ask again. It calls a request stuck after five minutes.
const commitPatience = 4 * time.Minute

// authenticator lets bearers of tokens in; it is the front's rest.Authenticator.
type authenticator struct{ room *Room }

// Enter checks a token. Returns CodeDenied for a wrong name or token, CodeUnsure
// while the catalogue cannot be read.
func (d authenticator) Enter(ctx context.Context, name, text, asOf string) (rest.Repository, error) {
	t, err := keyring.ParseToken(text)
	if err != nil {
		return nil, core.Denied("vault.bad_token", err).With("Name", name)
	}
	repo, err := d.room.store.Repos.Get(ctx, name)
	if core.CodeOf(err) == core.CodeNotFound {
		if unsure := d.room.recovery.Whole(ctx); unsure != nil {
			return nil, unsure
		}
		return nil, core.Denied("vault.bad_token", err).With("Name", name)
	}
	if err != nil {
		return nil, core.Unsure("vault.catalogue_away", err)
	}
	right := keyring.RightOf(repo, t)
	if right == "" {
		return nil, core.Denied("vault.bad_token", fmt.Errorf("no such token for %s", name)).With("Name", name)
	}
	if d.room.n.Standing != nil {
		if err := d.room.n.Standing(ctx); err != nil {
			return barred{err}, nil //nolint:nilerr // each answer is that error
		}
	}
	v := &view{room: d.room, repo: repo, right: right}
	if right == keyring.Prune {
		v.prune = t.PruneKey()
	}
	if asOf != "" {
		day, err := time.Parse(time.DateOnly, asOf)
		if err != nil {
			return nil, core.NotFound("vault.no_such_path", err)
		}
		v.asOf = core.At(day.AddDate(0, 0, 1)) - 1
	}
	return v, nil
}

// barred answers everything with the reason why this node does not speak for its
// member any more: at once, instead of restic's fifteen minutes of trying again.
type barred struct{ why error }

func (b barred) Stat(context.Context, rest.Handle) (int64, error) { return 0, b.why }

func (b barred) Open(context.Context, rest.Handle) (io.ReadSeekCloser, error) { return nil, b.why }

func (b barred) List(context.Context, rest.Type) ([]rest.Item, error) { return nil, b.why }

func (b barred) Save(context.Context, rest.Handle, io.Reader, int64) error { return b.why }

func (b barred) Remove(context.Context, rest.Handle) error { return b.why }

// view is one repository as the bearer of one token sees it, now or at the end of
// a day.
type view struct {
	room  *Room
	repo  catalogue.Repo
	right keyring.Right
	asOf  core.Moment // zero = now
	prune ed25519.PrivateKey
}

func (v *view) check(what keyring.Verb, t rest.Type) error {
	if v.right.Allows(what, t, v.asOf != 0) {
		return nil
	}
	return core.Denied("vault.token_forbids", fmt.Errorf("a %s token cannot %s %s", v.right, what, t)).
		With("Right", string(v.right)).With("Type", string(t))
}

// find looks a file up. CodeNotFound only when the catalogue is whole.
func (v *view) find(ctx context.Context, h rest.Handle) (catalogue.Object, error) {
	o, err := v.room.store.Objects.File(ctx, v.repo.Name, h, v.asOf)
	if core.CodeOf(err) == core.CodeNotFound {
		if unsure := v.room.recovery.Whole(ctx); unsure != nil {
			return o, unsure
		}
	}
	return o, err
}

// Stat answers a file's size.
func (v *view) Stat(ctx context.Context, h rest.Handle) (int64, error) {
	if h.Type == rest.Locks {
		return v.room.locks.stat(v.repo.Name, h.Name)
	}
	o, err := v.find(ctx, h)
	return o.Size, err
}

// Open opens a file, wherever it lies.
func (v *view) Open(ctx context.Context, h rest.Handle) (io.ReadSeekCloser, error) {
	if h.Type == rest.Locks {
		return v.room.locks.open(v.repo.Name, h.Name)
	}
	o, err := v.find(ctx, h)
	if err != nil {
		return nil, err
	}
	return v.room.retrieve.Open(ctx, o)
}

// List lists the files of a type.
func (v *view) List(ctx context.Context, t rest.Type) ([]rest.Item, error) {
	if t == rest.Locks {
		return v.room.locks.list(v.repo.Name)
	}
	if err := v.room.recovery.Whole(ctx); err != nil {
		return nil, err
	}
	return v.room.store.Objects.Files(ctx, v.repo.Name, t, v.asOf)
}

// Save takes a file: sealed on the way, on this disk when it is acknowledged, and
// off-site too when it is an index or a snapshot.
func (v *view) Save(ctx context.Context, h rest.Handle, body io.Reader, size int64) error {
	if err := v.check(keyring.VerbSave, h.Type); err != nil {
		return err
	}
	if h.Type == rest.Locks {
		return v.room.locks.save(ctx, v.repo.Name, v.right, h.Name, body)
	}
	if err := v.room.recovery.Whole(ctx); err != nil {
		return err // it may be here already
	}
	switch o, err := v.find(ctx, h); core.CodeOf(err) {
	case "":
		return v.again(ctx, o, body)
	case core.CodeNotFound:
	default:
		return err
	}
	if err := v.room.someoneLends(ctx); err != nil {
		return err
	}
	if err := v.room.restsOnGone(ctx, v.repo.Name, h.Type, v.room.locks.began(v.repo.Name)); err != nil {
		return err
	}
	done, err := v.room.admission.Admit(ctx, catalogue.Object{Repo: v.repo.Name, File: h, Size: size})
	if err != nil {
		return err
	}
	v.room.locks.came(v.repo.Name)
	o, err := func() (catalogue.Object, error) {
		defer done()
		return v.room.shipping.Accept(ctx, catalogue.Object{Repo: v.repo.Name, File: h, Size: size}, body)
	}()
	if core.CodeOf(err) == core.CodeConflict {
		// Somebody else brought the same file meanwhile; ours is read and dropped.
		if o, err = v.find(ctx, h); err == nil && h.Type == rest.Config {
			return core.Conflict("vault.config_exists", fmt.Errorf("%s has a config", v.repo.Name))
		}
	}
	if err != nil {
		return err
	}
	if h.Type == rest.Keys {
		v.room.backups.KeysChanged(ctx, v.repo.Name)
	}
	return v.room.commit(ctx, o)
}

// again takes a file whose name is there: the same one is fine, and waits as the
// first did, or takes its place where that one is lost; another config is a conflict.
func (v *view) again(ctx context.Context, o catalogue.Object, body io.Reader) error {
	if o.File.Type != rest.Config {
		if lost, err := v.room.shipping.Lost(ctx, o); err != nil {
			return err
		} else if lost {
			return v.anew(ctx, o, body)
		}
		if _, err := io.Copy(io.Discard, body); err != nil { // ends in an error unless it is what its name says
			return err
		}
		return v.room.commit(ctx, o)
	}
	plain, err := v.room.retrieve.Open(ctx, o)
	if err != nil {
		return err
	}
	defer plain.Close() //nolint:errcheck // only read
	have, err := io.ReadAll(io.LimitReader(plain, keyring.MaxSmall))
	if err != nil {
		return err
	}
	sent, err := io.ReadAll(io.LimitReader(body, keyring.MaxSmall))
	if err != nil {
		return err
	}
	if !bytes.Equal(have, sent) {
		return core.Conflict("vault.config_exists", fmt.Errorf("%s has another config", v.repo.Name))
	}
	return nil
}

// anew takes the bytes of a file that is lost here and at the members.
func (v *view) anew(ctx context.Context, o catalogue.Object, body io.Reader) error {
	done, err := v.room.admission.Admit(ctx, catalogue.Object{Repo: o.Repo, File: o.File, Size: o.Size})
	if err != nil {
		return err
	}
	v.room.locks.came(o.Repo)
	err = func() error {
		defer done()
		return v.room.shipping.Refill(ctx, o, body)
	}()
	if err != nil {
		return err
	}
	if o, err = v.find(ctx, o.File); err != nil {
		return err
	}
	return v.room.commit(ctx, o)
}

// Remove buries a file at the members; here it is gone at once.
func (v *view) Remove(ctx context.Context, h rest.Handle) error {
	if err := v.check(keyring.VerbRemove, h.Type); err != nil {
		return err
	}
	if h.Type == rest.Locks {
		return v.room.locks.remove(v.repo.Name, v.right, h.Name)
	}
	if err := v.room.recovery.Whole(ctx); err != nil {
		return err
	}
	err := v.room.removals.Delete(ctx, v.repo.Name, h, v.prune)
	if h.Type == rest.Keys {
		v.room.backups.KeysChanged(ctx, v.repo.Name)
	}
	return err
}

// someoneLends refuses files that nobody would take. Returns CodeFull.
func (r *Room) someoneLends(ctx context.Context) error {
	lenders, err := r.pool.All(ctx)
	if err != nil {
		return err
	}
	if len(lenders) == 0 {
		return r.pool.NoLender(ctx)
	}
	return nil
}

// commit returns when the commit rule lets the file be acknowledged. Returns
// CodeUnsure when that takes longer than restic would wait: it asks again.
func (r *Room) commit(ctx context.Context, o catalogue.Object) error {
	if !catalogue.Committed(o.File.Type) {
		return nil
	}
	began := r.locks.began(o.Repo)
	if o.Seq <= began {
		began = 0 // a file of an earlier run: what it needs came before this one
	}
	if err := r.restsOnGone(ctx, o.Repo, o.File.Type, began); err != nil {
		return err
	}
	timeout, look := time.NewTimer(commitPatience), time.NewTicker(roomEvery)
	defer timeout.Stop()
	defer look.Stop()
	for {
		changed := r.committed.Next()
		left, err := r.store.Queue.Needed(ctx, o, began)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return r.recovery.Mark.Advance(ctx)
		}
		select {
		case <-changed:
		case <-look.C:
			f, err := r.pool.Forecast(ctx, true)
			if err == nil {
				err = r.admission.Fits(ctx, o, left, f)
			}
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return core.Unsure("vault.not_offsite_yet", fmt.Errorf("%d files of %s are not off-site yet", len(left), o.Repo)).With("Count", len(left))
		}
	}
}

// roomEvery is how often it is looked at whether what waits still has room.
const roomEvery = 5 * time.Second
