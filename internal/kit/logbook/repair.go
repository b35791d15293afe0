package logbook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
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
	// maxLost bounds how many leaves of a log are fetched back.
	maxLost = 1 << 16
)

// errChanged: a log changed while it was compared; compare again.
var errChanged = errors.New("the log changed meanwhile")

// Damage is a log that does not verify on this disk and could not be repaired.
type Damage struct {
	Log    string
	Member core.MemberID
	Since  core.Moment
	Detail string // for programmers
}

// Damages lists the logs, our own among them, that are damaged here and for which
// nobody gave a sound copy yet.
func (b *Book) Damages(ctx context.Context) ([]Damage, error) { return allDamages(ctx, b.n.DB) }

// Repair compares everything held of a member with what it signed, and repairs what
// is damaged. It says whether anything was. Returns CodeInternal (logbook.damaged)
// when something stays damaged, CodeNotFound for a stranger.
func (b *Book) Repair(ctx context.Context, id core.MemberID) (repaired bool, err error) {
	for range 3 {
		repaired, err = b.repairOnce(ctx, id)
		if !errors.Is(err, errChanged) {
			break
		}
	}
	if errors.Is(err, errChanged) {
		return repaired, core.Unsure("logbook.gap", fmt.Errorf("log of %s: %w", id, err)).With("Member", id)
	}
	return repaired, err
}

func (b *Book) repairOnce(ctx context.Context, id core.MemberID) (bool, error) {
	m, err := getMember(ctx, b.n.DB, id)
	if err != nil {
		return false, err
	}
	m, keys, repaired, err := b.soundMember(ctx, m)
	if err != nil {
		return repaired, b.keepDamage(ctx, string(id), id, err)
	}
	logs, err := logsOf(ctx, b.n.DB, id)
	if err != nil {
		return repaired, err
	}
	var problems error
	for _, l := range logs {
		c := &checkup{b: b, member: m, keys: keys, log: l}
		changed, err := c.run(ctx)
		if errors.Is(err, errChanged) {
			return repaired, err
		}
		repaired = repaired || changed
		problems = errors.Join(problems, b.keepDamage(ctx, l.origin, id, err))
	}
	if repaired {
		b.wake()
	}
	return repaired, problems
}

// keepDamage notes that a log is damaged, or that it is no longer. It returns err.
func (b *Book) keepDamage(ctx context.Context, origin string, id core.MemberID, err error) error {
	if err != nil && !isDamage(err) {
		return err
	}
	if err == nil {
		return clearDamage(ctx, b.n.DB, origin)
	}
	d := Damage{Log: origin, Member: id, Since: b.now(), Detail: err.Error()}
	return errors.Join(err, putDamage(ctx, b.n.DB, d))
}

// isDamage says whether an error is about bytes on this disk that are not those
// that were signed.
func isDamage(err error) bool {
	e, ok := errors.AsType[*core.Error](err)
	return ok && e.Key == damageKey
}

// repairOwn repairs our own log. A node without one has nothing to repair.
func (b *Book) repairOwn(ctx context.Context) error {
	_, err := b.Repair(ctx, b.self())
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	return err
}

// suspect remembers that a log was found damaged in passing, so that the check job
// looks at it soon. It returns err.
func (b *Book) suspect(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Key != damageKey {
		return err
	}
	origin, _ := e.Args["Log"].(string)
	name, _, _ := strings.Cut(origin, "/")
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.suspects[core.MemberID(name)]; !known {
		b.suspects[core.MemberID(name)] = 0
	}
	return err
}

// checkLogs is the check job's look: all logs when a day is over, otherwise those
// that were found damaged.
func (b *Book) checkLogs(ctx context.Context) error {
	ids, err := b.toCheck(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		repaired, err := b.Repair(ctx, id)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.checked(id, isDamage(err))
		switch {
		case err != nil:
			b.n.Log.Error("a log is damaged on this disk", "member", id, "error", err)
			if id == b.self() {
				b.unguard() // the guard compares again before anything is signed
			}
		case repaired:
			b.n.Log.Warn("a log was damaged on this disk and is repaired", "member", id)
		}
	}
	return nil
}

// toCheck are the members whose logs are to be compared now.
func (b *Book) toCheck(ctx context.Context) ([]core.MemberID, error) {
	if now := b.now(); b.checkIsDue(now) {
		members, err := allMembers(ctx, b.n.DB)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.checkedAll = now
		b.mu.Unlock()
		ids := make([]core.MemberID, len(members))
		for i, m := range members {
			ids[i] = m.id
		}
		return ids, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []core.MemberID
	for id, at := range b.suspects {
		if at <= b.now() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (b *Book) checkIsDue(now core.Moment) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	age := now.Sub(b.checkedAll)
	return b.checkedAll == 0 || age < 0 || age >= checkEvery
}

// checked takes a member off the list of suspects, or puts it on for later.
func (b *Book) checked(id core.MemberID, still bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.suspects, id)
	if still {
		b.suspects[id] = b.now().Add(checkAgain)
	}
}
