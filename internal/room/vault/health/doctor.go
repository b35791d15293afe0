package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/shard"
)

// stuckAfter is how long a file may wait to leave before doctor speaks of it.
const stuckAfter = time.Hour

// Checks are the room's questions for `doctor`.
func (r *Doctor) Checks() []fit.Check {
	backups := fit.Use{Name: "vault.use_backups", For: "vault.use_backups_for", Begun: r.hasBackup}
	checks := append(backups.Checks(
		fit.Check{Name: "vault.check_lenders", Run: r.withBackup(fit.Plain(r.CheckLenders))},
		fit.Check{Name: "vault.check_catalogue", Run: r.checkCatalogue},
		fit.Check{Name: "vault.check_backups", Run: r.withBackup(r.checkBackups)},
		fit.Check{Name: "vault.check_keys", Run: r.withBackup(fit.Plain(r.CheckKeys))},
		fit.Check{Name: "vault.check_room", Run: r.withBackup(r.CheckRoom)},
		fit.Check{Name: "vault.check_spool", Run: r.withBackup(fit.Plain(r.CheckSpool))},
		fit.Check{Name: "vault.check_growth", Run: r.withBackup(r.CheckGrowth)},
		fit.Check{Name: "vault.check_readers", Run: r.withBackup(r.n.Heirs.CheckReaders)}),
		fit.Check{Name: "vault.check_kit", Run: r.checkKit})
	if r.n.Lending != nil {
		checks = append(checks, fit.Check{Name: "vault.check_store", Run: r.n.Lending.CheckStore})
	}
	return checks
}

// hasBackup says whether there is a backup.
func (r *Doctor) hasBackup(ctx context.Context) (bool, error) {
	repos, err := r.store.Repos.All(ctx)
	return len(repos) > 0, err
}

// withBackup asks only where there is a backup: of a node without one nothing is
// known.
func (r *Doctor) withBackup(run func(context.Context) (fit.Finding, error)) func(context.Context) (fit.Finding, error) {
	return func(ctx context.Context) (fit.Finding, error) {
		if some, err := r.hasBackup(ctx); err != nil || !some {
			return fit.Unknown("vault.no_backup", nil), err
		}
		return run(ctx)
	}
}

// CheckLenders says whether enough members lend, and they answer.
func (r *Doctor) CheckLenders(ctx context.Context) error {
	lenders, err := r.pool.All(ctx)
	if err != nil {
		return err
	}
	switch shard.Domains(lenders) {
	case 0:
		return r.pool.NoLender(ctx)
	case 1:
		return core.Unsure("vault.one_lender", errors.New("one domain"))
	}
	states, err := r.store.Lenders.States(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range (Facts{lenders: lenders, states: states}).silent(core.At(r.n.Now())) {
		names = append(names, string(s.Member))
	}
	if len(names) > 0 {
		return core.Unsure("vault.lenders_silent", errors.New("some do not answer")).With("Members", strings.Join(names, ", "))
	}
	return r.upkeep.CheckLeaving(ctx, lenders)
}

// checkBackups names the first backup that is not safe.
func (r *Doctor) checkBackups(ctx context.Context) (fit.Finding, error) {
	report, err := r.Status(ctx, "")
	if err != nil {
		return fit.Finding{}, err
	}
	empty, unknown := "", ""
	for _, s := range report.Backups {
		switch s.Level {
		case LevelSafe:
		case LevelLocked:
			return fit.Finding{}, core.Denied("vault.password_wrong", errors.New("the kept password opens no key")).With("Name", s.Name)
		case LevelEmpty:
			empty = s.Name
		case LevelUnknown:
			unknown = s.Name
		case LevelOneCopy, LevelWaiting, LevelLost, LevelBehind:
			return fit.Finding{}, r.unsafe(s)
		}
	}
	switch {
	case unknown != "":
		return fit.Unknown("vault.backup_unknown", args{"Name": unknown}), nil
	case empty != "":
		return fit.Unknown("vault.backup_empty", args{"Name": empty}), nil
	}
	return fit.Finding{}, nil
}

// unsafe names a backup and how it stands.
func (r *Doctor) unsafe(s Status) error {
	return core.Unsure("vault.backup_unsafe", fmt.Errorf("%s is %s", s.Name, s.Level)).
		With("Name", s.Name).With("State", r.n.Words.T("vault.level."+string(s.Level), nil))
}

// checkCatalogue: the catalogue was compared with what the members hold.
func (r *Doctor) checkCatalogue(ctx context.Context) (fit.Finding, error) {
	c, err := r.recovery.Standing(ctx)
	switch {
	case err != nil:
		return fit.Finding{}, err
	case c.Unread > 0:
		return fit.Finding{}, core.Unsure("vault.unread", errors.New("members hold newer objects")).With("Count", c.Unread)
	case c.Standing == recovery.Behind:
		return fit.Finding{}, core.Unsure("vault.behind", errors.New("the catalogue lacks what members hold"))
	case c.Standing == recovery.NotYet && c.Compared == 0:
		return fit.Unknown("vault.never_compared", nil), nil
	case c.Standing == recovery.NotYet:
		return fit.Unknown("vault.not_compared", args{"Ago": r.n.Words.Ago(c.Compared, r.n.Now())}), nil
	case c.Compared == 0:
		return fit.Unknown("vault.nothing_held", nil), nil
	case c.Beyond > 0:
		return fit.Unknown("vault.beyond", args{"Count": c.Beyond}), nil
	}
	held, err := r.store.Placements.EverHolders(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(held) == 0 {
		return fit.Unknown("vault.nothing_held", nil), nil
	}
	return fit.Well("vault.compared", args{"Ago": r.n.Words.Ago(c.Compared, r.n.Now())}), nil
}

// CheckRoom says whether what waits has room at the members. Where there are none, that says nothing.
func (r *Doctor) CheckRoom(ctx context.Context) (fit.Finding, error) {
	short, err := r.admission.NoRoom(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if short != nil {
		return fit.Finding{}, core.Full("vault.pool_full", errors.New("no room at the members")).
			With("Members", short.Names()).With("Size", core.Size(short.Bytes))
	}
	lenders, err := r.pool.All(ctx)
	if err == nil && len(lenders) == 0 {
		return fit.Unknown("vault.room_nobody", nil), nil
	}
	return fit.Finding{}, err
}

// CheckKeys says whether what opens each backup on this machine is here.
func (r *Doctor) CheckKeys(ctx context.Context) error {
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return err
	}
	shared, err := r.store.Summaries.SharedKey(ctx)
	if err != nil {
		return err
	}
	for _, repo := range repos {
		if repo.Recipient != "" { // else the next start draws it
			_, err = r.keyring.Own(repo)
		}
		if err == nil && shared[repo.Name] > 0 {
			_, err = r.keyring.Identities(ctx, catalogue.Object{Repo: repo.Name})
		}
		if err == nil {
			_, err = r.keyring.Secret(repo.Name, keyring.Password)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CheckSpool says whether what waits on this disk leaves it.
func (r *Doctor) CheckSpool(ctx context.Context) error {
	if err := r.n.Folders(); err != nil {
		return err
	}
	if err := r.recovery.Whole(ctx); err != nil {
		return err
	}
	if err := r.n.Gone(ctx); err != nil {
		return err
	}
	stuck, err := r.store.Summaries.Stuck(ctx, core.At(r.n.Now().Add(-stuckAfter)))
	if err != nil || stuck == 0 {
		return err
	}
	return core.Unsure("vault.spool_stuck", fmt.Errorf("%d files", stuck)).With("Count", stuck)
}

func (r *Doctor) checkKit(ctx context.Context) (fit.Finding, error) {
	checked, err := r.n.KitChecked(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if checked != 0 {
		return fit.Well("vault.kit_checked", args{"Date": checked}), nil
	}
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(repos) == 0 {
		return fit.Unknown("vault.kit_never", nil), nil
	}
	return fit.Finding{}, core.Unsure("vault.kit_unchecked", errors.New("kit never checked"))
}

// What a backup may grow within growthTime before `doctor` asks why: to the double, and by
// growthLeast bytes.
const (
	growthTime  = 3 * 24 * time.Hour
	growthLeast = 1 << 30
)

// CheckGrowth names a backup that has doubled within three days: several nodes that save
// their whole machines save each other's backups, and those of these, each night. Of what
// began later nothing is known.
func (r *Doctor) CheckGrowth(ctx context.Context) (fit.Finding, error) {
	all, err := r.store.Summaries.Growth(ctx, core.At(r.n.Now().Add(-growthTime)))
	if err != nil {
		return fit.Finding{}, err
	}
	known := false
	for _, g := range all {
		known = known || g.Before > 0
		if g.Before > 0 && g.Now >= 2*g.Before && g.Now-g.Before >= growthLeast {
			return fit.Finding{}, core.Unsure("vault.grows", fmt.Errorf("%s grew from %d to %d bytes", g.Repo, g.Before, g.Now)).
				With("Name", g.Repo).With("Before", core.Size(g.Before)).With("Now", core.Size(g.Now))
		}
	}
	if !known {
		return fit.Unknown("vault.growth_new", nil), nil
	}
	return fit.Finding{}, nil
}
