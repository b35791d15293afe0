package repair

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
)

// Disks lose bits. Every log we hold is compared with what its author signed when
// the node starts and once a day: all leaves, all tiles, the head, the key set.
// What can be computed from sound parts is computed; a leaf that is damaged is
// fetched from members that hold the log, and counts when the whole tree leads to
// the signed root again. Our own log is not signed while it is damaged.
// spec: docs/spec/logbook.md#damage
const (
	// checkEvery is the time between two comparisons of everything.
	checkEvery = 24 * time.Hour
	// checkAgain is the pause before a log that could not be repaired is tried again.
	checkAgain = 10 * time.Minute
	// repairTime bounds the asking of all members for what is damaged.
	repairTime = 30 * time.Second
	// maxMissing bounds how many leaves of a log are fetched back.
	maxMissing = 1 << 16
)

// errChanged: a log changed while it was compared; compare again.
var errChanged = errors.New("the log changed meanwhile")

// Repairer compares logs with what was signed and repairs them.
type Repairer struct {
	st       *store.Store
	reg      *members.Registry
	author   *author.Author
	remote   *mirror.Remote
	contacts *mirror.Contacts

	mu         sync.Mutex
	checkedAll core.Moment // when all logs were last compared, zero = not yet
}

// New makes a repairer.
func New(st *store.Store, reg *members.Registry, author *author.Author, parts mirror.Parts) *Repairer {
	return &Repairer{st: st, reg: reg, author: author, remote: parts.Remote, contacts: parts.Contacts}
}

// Damages lists the logs, our own among them, that are damaged here and for which
// nobody gave a sound copy yet.
func (r *Repairer) Damages(ctx context.Context) ([]store.Damage, error) {
	return store.AllDamages(ctx, r.st.DB)
}

// Repair compares everything held of a member with what it signed, and repairs what
// is damaged. It says whether anything was. Returns CodeInternal (logbook.damaged)
// when something stays damaged, CodeNotFound for a stranger.
func (r *Repairer) Repair(ctx context.Context, id core.MemberID) (repaired bool, err error) {
	for range 3 {
		repaired, err = r.repairOnce(ctx, id)
		if !errors.Is(err, errChanged) {
			break
		}
	}
	if errors.Is(err, errChanged) {
		return repaired, core.Unsure("logbook.gap", fmt.Errorf("log of %s: %w", id, err)).With("Member", id)
	}
	return repaired, err
}

func (r *Repairer) repairOnce(ctx context.Context, id core.MemberID) (bool, error) {
	m, err := store.GetMember(ctx, r.st.DB, id)
	if err != nil {
		return false, err
	}
	m, keys, repaired, err := r.repairMember(ctx, m)
	if err != nil {
		return repaired, r.recordDamage(ctx, string(id), id, err)
	}
	logs, err := store.LogsOf(ctx, r.st.DB, id)
	if err != nil {
		return repaired, err
	}
	var problems error
	for _, l := range logs {
		c := &checkup{r: r, member: m, keys: keys, log: l}
		changed, err := c.run(ctx)
		if errors.Is(err, errChanged) {
			return repaired, err
		}
		repaired = repaired || changed
		problems = errors.Join(problems, r.recordDamage(ctx, l.Origin, id, err))
	}
	if repaired {
		r.st.Wake()
	}
	return repaired, problems
}

// recordDamage notes that a log is damaged, or that it is no longer. It returns err.
func (r *Repairer) recordDamage(ctx context.Context, origin string, id core.MemberID, err error) error {
	if err != nil && !store.IsDamage(err) {
		return err
	}
	if err == nil {
		return store.ClearDamage(ctx, r.st.DB, origin)
	}
	d := store.Damage{Log: origin, Member: id, Since: r.st.Now(), Detail: err.Error()}
	return errors.Join(err, store.PutDamage(ctx, r.st.DB, d))
}

// RepairOwn repairs our own log. A node without one has nothing to repair.
func (r *Repairer) RepairOwn(ctx context.Context) error {
	_, err := r.Repair(ctx, r.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	return err
}

// CheckLogs is the check job's look: all logs when a day is over, otherwise those
// that were found damaged.
func (r *Repairer) CheckLogs(ctx context.Context) error {
	ids, err := r.toCheck(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		repaired, err := r.Repair(ctx, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var again core.Moment
		if store.IsDamage(err) {
			again = r.st.Now().Add(checkAgain)
		}
		r.st.Checked(id, again)
		switch {
		case err != nil:
			r.st.Log.Error("a log is damaged on this disk", "member", id, "error", err)
			if id == r.st.Self() {
				r.author.Doubt() // the guard compares again before anything is signed
			}
		case repaired:
			r.st.Log.Warn("a log was damaged on this disk and is repaired", "member", id)
		}
	}
	return nil
}

// toCheck are the members whose logs are to be compared now.
func (r *Repairer) toCheck(ctx context.Context) ([]core.MemberID, error) {
	if now := r.st.Now(); r.checkIsDue(now) {
		members, err := store.AllMembers(ctx, r.st.DB)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.checkedAll = now
		r.mu.Unlock()
		ids := make([]core.MemberID, len(members))
		for i, m := range members {
			ids[i] = m.ID
		}
		return ids, nil
	}
	return r.st.Suspects(), nil
}

func (r *Repairer) checkIsDue(now core.Moment) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := now.Sub(r.checkedAll)
	return r.checkedAll == 0 || age < 0 || age >= checkEvery
}
