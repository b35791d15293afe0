package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/shard"
)

// writeBatch is how many objects one transaction writes.
const writeBatch = 500

// NoteRecovering is set from the begin of a recovery to its end: until then the
// catalogue may lack files, and the front says so instead of "not found".
const NoteRecovering = "recovering"

// Recovered is what a recovery found.
type Recovered struct {
	Members []MemberFound `json:"members"`
	Backups []BackupFound `json:"backups"`
	Foreign int64         `json:"foreign"` // shards whose label our seed words do not open
	// Silent are the members that did not answer to the end, and were not left out.
	Silent []core.MemberID `json:"silent"`
	// Hidden: so many are silent that files may lie at them alone, of which nobody told.
	Hidden bool `json:"hidden"`
}

// Missing is how many files cannot be read yet, and in how many backups something is
// missing.
func (r Recovered) Missing() (files int64, backups int) {
	for _, b := range r.Backups {
		files += b.Incomplete
		if b.Incomplete > 0 || !b.Password {
			backups++
		}
	}
	return files, backups
}

// MemberFound is what one member had of ours.
type MemberFound struct {
	Member core.MemberID `json:"member"`
	Shards int64         `json:"shards"`
	Err    error         `json:"-"`
	Error  string        `json:"error,omitempty"` // empty = it answered to the end
}

// BackupFound is one backup that came back.
type BackupFound struct {
	Name       string `json:"name"`
	Files      int64  `json:"files"`
	Bytes      int64  `json:"bytes"`
	Incomplete int64  `json:"incomplete"`     // files of which too few shards were found
	Password   bool   `json:"password"`       // restic's password came back too
	Locked     bool   `json:"wrong_password"` // but it opens none of the keys
}

// Recover rebuilds the catalogue from nothing but what the members hold: it asks
// every known member for our shards, all at once, opens their labels with the identity of the
// seed words, and takes passwords and older keys from the records it finds. It may
// be run again after an interruption, or when more members answer; the running node
// goes on asking those that did not. say is told after each member. Returns CodeUnsure
// when no member answers.
func (r *Recovery) Recover(ctx context.Context, identity age.Identity, say func(MemberFound)) (Recovered, error) {
	if err := r.store.Notes.Set(ctx, NoteRecovering, r.n.Now().UTC().Format("2006-01-02 15:04")); err != nil {
		return Recovered{}, err
	}
	r.keyring.Use(identity)
	return r.retake(ctx, say, identity)
}

// retake takes into the catalogue what the members hold that an identity opens.
func (r *Recovery) retake(ctx context.Context, say func(MemberFound), identity age.Identity) (Recovered, error) {
	keys, err := r.n.OwnKeys(ctx)
	if err != nil {
		return Recovered{}, err
	}
	contacts, err := r.n.Contacts(ctx)
	if err != nil {
		return Recovered{}, err
	}
	c := &census{room: r, identity: identity, keys: keys, objects: map[shape]*found{}}
	out, err := c.askAll(ctx, contacts, say)
	if err != nil {
		return out, errors.Join(err, r.setUnheard(ctx, out.Silent))
	}
	all := c.ours(core.At(r.n.Now()))
	if err := c.write(ctx, all); err != nil {
		return out, err
	}
	if out.Backups, err = c.openRepos(ctx, all); err != nil {
		return out, err
	}
	out.Foreign, out.Hidden = c.Foreign, MayHide(contacts, out.Silent)
	if c.unopened > 0 {
		return out, core.Unsure("vault.recovering", fmt.Errorf("%d shards of ours are sealed to keys that are not here", c.unopened))
	}
	if err := r.setUnheard(ctx, out.Silent); err != nil || out.Hidden {
		return out, err
	}
	if len(out.Silent) == 0 && r.everybody() {
		if err := r.store.Queue.RetryNow(ctx); err != nil {
			return out, err
		}
	}
	return out, r.store.Notes.Set(ctx, NoteRecovering, "")
}

// write puts what was found into the catalogue, in the order the objects were made,
// which is the order they were accepted in.
func (c *census) write(ctx context.Context, all []*found) error {
	alive := map[string]*found{}
	for _, f := range all {
		if f.o.Deleted != 0 {
			continue
		}
		name := f.o.Repo + "/" + f.o.File.String()
		switch other := alive[name]; {
		case other == nil:
			alive[name] = f
		case f.replaces(other):
			other.o.Deleted, alive[name] = f.o.Made, f
		default:
			f.o.Deleted = f.o.Made
		}
	}
	for batch := range slices.Chunk(all, writeBatch) {
		if err := c.adopt(ctx, batch); err != nil {
			return fmt.Errorf("write catalogue: %w", err)
		}
		if err := c.restate(ctx, batch); err != nil {
			return fmt.Errorf("write catalogue: %w", err)
		}
	}
	return nil
}

// adopt writes one batch in one transaction.
func (c *census) adopt(ctx context.Context, batch []*found) error {
	all := make([]*catalogue.Adoption, 0, len(batch))
	for _, f := range batch {
		all = append(all, f.adoption())
	}
	if err := c.room.store.Placements.Adopt(ctx, all); err != nil {
		return err
	}
	for i, f := range batch {
		f.o, f.known = all[i].Object, all[i].Known
	}
	return nil
}

// adoption is what the catalogue is given of a found object.
func (f *found) adoption() *catalogue.Adoption {
	a := &catalogue.Adoption{Object: f.o, Places: f.places}
	for _, c := range f.claims {
		if c.deleted != 0 {
			a.Deleted = append(a.Deleted, catalogue.Deletion{Placement: c.Placement, At: c.deleted})
		}
	}
	return a
}

// restate says anew where the objects stand that were in the catalogue before.
func (c *census) restate(ctx context.Context, batch []*found) error {
	return c.room.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, f := range batch {
			if !f.known {
				continue
			}
			if _, _, err := c.room.pool.Restate(ctx, q, f.o.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// openRepos brings back the repositories: name, password, keys of earlier machines
// and new tokens.
func (c *census) openRepos(ctx context.Context, all []*found) ([]BackupFound, error) {
	byName := map[string]*BackupFound{}
	prunes := prunesOf(all)
	var metas []*found
	for _, f := range all {
		if f.o.Deleted != 0 {
			continue
		}
		b := byName[f.o.Repo]
		if b == nil {
			b = &BackupFound{Name: f.o.Repo}
			byName[f.o.Repo] = b
		}
		if f.o.File.Type == catalogue.Meta {
			metas = append(metas, f)
			continue
		}
		b.Files++
		b.Bytes += f.o.Size
		whole, err := c.restorable(ctx, f)
		if err != nil {
			return nil, err
		}
		if !whole {
			b.Incomplete++
		}
	}
	slices.SortFunc(metas, func(a, b *found) int {
		switch {
		case a.signed && !b.signed:
			return -1
		case b.signed && !a.signed:
			return 1
		}
		return cmp.Compare(b.o.Made, a.o.Made)
	})
	for i, f := range metas {
		if err := c.openRepo(ctx, metas[i:], prunes[f.o.Repo], byName[f.o.Repo]); err != nil {
			return nil, err
		}
	}
	out := make([]BackupFound, 0, len(byName))
	for _, b := range byName {
		out = append(out, *b)
	}
	slices.SortFunc(out, func(a, b BackupFound) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// restorable says whether a file can be read, with the shards that an earlier run
// found too.
func (c *census) restorable(ctx context.Context, f *found) (bool, error) {
	if f.readable() || !f.known {
		return f.readable(), nil
	}
	all, err := c.room.store.Placements.Of(ctx, f.o.ID)
	return catalogue.Losses(f.o.Code, catalogue.Distinct(catalogue.MayGive(all))) >= 0, err
}

// prunesOf are the keys that may delete files, by backup. One in a head that we did not
// sign could be a member's own, and delete what is saved from now on.
func prunesOf(all []*found) map[string]shard.PruneKey {
	out, signed := map[string]shard.PruneKey{}, map[string]bool{}
	for _, f := range all {
		if f.o.Deleted != 0 || signed[f.o.Repo] && !f.signed {
			continue
		}
		out[f.o.Repo], signed[f.o.Repo] = f.prune, f.signed
	}
	return out
}

// openRepo reads the first of some records, newest first. One that cannot be had leaves
// the backup readable, without its password.
func (c *census) openRepo(ctx context.Context, metas []*found, prune shard.PruneKey, b *BackupFound) error {
	o := metas[0].o
	rec, err := c.room.backups.ReadRecord(ctx, o)
	if err != nil {
		c.room.n.Log.Warn("a backup's record could not be read", "repo", o.Repo, "error", err)
		return nil
	}
	key, err := age.ParseX25519Identity(rec.Identity)
	if err != nil {
		c.room.n.Log.Warn("a backup's record holds no age key", "repo", o.Repo, "error", err)
		return nil
	}
	newest := !b.Password // the records come newest first
	b.Password = true
	repo, err := c.room.store.Repos.Get(ctx, rec.Name)
	switch {
	case core.CodeOf(err) == core.CodeNotFound && newest && rec.V >= backup.RecordOwn:
		return c.establish(ctx, metas, &catalogue.Repo{Name: rec.Name, Prune: prune, Made: rec.Made}, key, b)
	case err == nil && repo.Recipient == key.Recipient().String():
		b.Locked = repo.Password == catalogue.PasswordWrong
		return nil
	case err != nil && core.CodeOf(err) != core.CodeNotFound:
		return err
	}
	// A key of before the one this repository has now: files may be sealed to it.
	if err := c.room.keyring.Add(key); err != nil || repo.Name != "" || !newest {
		return err
	}
	fresh, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("draw the backup's key: %w", err)
	}
	return c.establish(ctx, metas, &catalogue.Repo{Name: rec.Name, Prune: prune, Made: rec.Made}, fresh, b)
}

// establish brings one repository back with the newest recorded password that opens it.
func (c *census) establish(ctx context.Context, metas []*found, repo *catalogue.Repo, key *age.X25519Identity, b *BackupFound) error {
	var records []catalogue.Object
	for _, f := range metas {
		if f.o.Repo == repo.Name && len(records) < backup.MaxRecords {
			records = append(records, f.o)
		}
	}
	password, state := c.room.backups.OpensAmong(ctx, records)
	repo.Password, b.Locked = state, state == catalogue.PasswordWrong
	return c.room.backups.Establish(ctx, repo, password, key)
}

// Contact is a member and where it is.
type Contact struct {
	ID    core.MemberID
	URL   string
	Root  core.RootKey
	Lends bool // it keeps our backups by a pact, as far as our logbook knows
}
