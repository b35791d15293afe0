package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
)

// What the catalogue remembers of its own standing.
const (
	NoteBehind   = "behind"      // why it is known to lack something; gone when it is whole
	NoteCompared = "compared_us" // when it last was compared with enough members
	NoteStarted  = "started_us"  // when the node last started
	noteSilent   = "silent"      // members that did not answer then, by name
	noteBeyond   = "beyond"      // objects that members hold and it does not know
	NoteUnread   = "unread"      // of them, those newer than what it knew: it is behind
	// noteNewest is when the newest object was made that it knew at the start; gone when
	// it is whole. What is saved meanwhile hides nothing.
	noteNewest = "newest_us"

	behindMark    = "mark"    // the file beside the database is ahead of it
	behindMembers = "members" // members hold what it does not know
	behindLocal   = "local"   // this disk lost files, and too few members could be asked
	BehindRows    = "rows"    // rows of it are not what was written
)

// compareStale is after how long a comparison no longer says anything.
const compareStale = 3 * compareEvery

// State says whether the catalogue is known to be whole: three answers, never two.
type State string

// The standings.
const (
	Whole  State = "whole"   // compared with enough members since the node started
	Behind State = "behind"  // it lacks what members hold; being put right
	NotYet State = "not_yet" // not compared: too few members answered, or nobody asked
)

// Standing is how the catalogue stands beside what the members hold.
type Standing struct {
	Standing State           `json:"standing"`
	Compared core.Moment     `json:"compared_us"` // with enough members; zero = never
	Silent   []core.MemberID `json:"silent"`      // did not answer the last time
	Beyond   int64           `json:"beyond"`      // objects that members hold and it does not know
	Unread   int64           `json:"unread"`      // of them, those newer than what it knew
}

// Standing reads the standing.
func (r *Recovery) Standing(ctx context.Context) (c Standing, err error) {
	c.Silent = []core.MemberID{}
	if c.Compared, err = r.store.Notes.Moment(ctx, NoteCompared); err != nil {
		return c, err
	}
	started, err := r.store.Notes.Moment(ctx, NoteStarted)
	if err != nil {
		return c, err
	}
	// What lies ahead was written while the clock was wrong: nobody knows when it was.
	now := core.At(r.n.Now())
	if c.Compared > now {
		c.Compared = 0
	}
	if started > now {
		started = 0
	}
	silent, err := r.store.Notes.Members(ctx, noteSilent)
	if err != nil {
		return c, err
	}
	c.Silent = append(c.Silent, silent...)
	beyond, err := r.store.Notes.Get(ctx, noteBeyond)
	if err != nil {
		return c, err
	}
	c.Beyond, _ = strconv.ParseInt(beyond, 10, 64)
	if c.Unread, err = r.unread(ctx); err != nil {
		return c, err
	}
	switch behind, err := r.behind(ctx); {
	case err != nil:
		return c, err
	case behind:
		c.Standing = Behind
	case c.Compared < started || c.Compared == 0 || now.Sub(c.Compared) > compareStale:
		c.Standing = NotYet
	default:
		c.Standing = Whole
	}
	if c.Standing != NotYet || c.Compared != 0 {
		return c, nil
	}
	held, err := r.store.Placements.EverHolders(ctx)
	if err == nil && len(held) == 0 {
		c.Standing = Whole // nobody has anything of ours yet
	}
	return c, err
}

// behind says whether the catalogue is known to lack something: it was found out, or
// the file beside the database says so. A recovery under way is another matter.
func (r *Recovery) behind(ctx context.Context) (bool, error) {
	for _, name := range []string{NoteBehind, NoteUnread} {
		note, err := r.store.Notes.Get(ctx, name)
		if err != nil || note != "" {
			return note != "", err
		}
	}
	return r.Mark.below(ctx)
}

// unread counts the newer objects that members hold and that cannot be taken in.
func (r *Recovery) unread(ctx context.Context) (int64, error) {
	text, err := r.store.Notes.Get(ctx, NoteUnread)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// newestKnown is when the newest object was made that this disk came up with.
func (r *Recovery) newestKnown(ctx context.Context) (core.Moment, error) {
	if text, err := r.store.Notes.Get(ctx, noteNewest); err != nil || text != "" {
		us, bad := strconv.ParseInt(text, 10, 64)
		return core.Moment(us), cmp.Or(err, bad)
	}
	return r.store.Objects.NewestMade(ctx)
}

// CompareAtStart asks the members before anything is believed or cleaned up. That they
// cannot be asked stops nobody: a lone node must work.
func (r *Recovery) CompareAtStart(ctx context.Context) error {
	if err := r.store.Notes.SetMoment(ctx, NoteStarted, core.At(r.n.Now())); err != nil {
		return err
	}
	newest, err := r.newestKnown(ctx)
	if err == nil {
		err = r.store.Notes.SetMoment(ctx, noteNewest, newest)
	}
	if err != nil {
		return err
	}
	below, err := r.Mark.below(ctx)
	if err == nil && below {
		r.n.Log.Warn("the database is older than the mark beside it: it lost what came last")
		err = r.store.Notes.Set(ctx, NoteBehind, behindMark)
	}
	if err == nil {
		err = r.Disk.CheckRows(ctx)
	}
	if err != nil {
		return err
	}
	_, err = r.compareWithin(ctx, r.CompareStart, false, "")
	return err
}

const (
	// CompareTick is how often compareDue looks whether it is time.
	CompareTick = 5 * time.Second
	// comparePatience bounds the pause while too few members answer, doubled each time.
	comparePatience = 2 * time.Minute
)

// NeverAsked says whether a member lends that this process has not compared with: after a
// recovery it may hold what the others do not.
func (r *Recovery) NeverAsked(ctx context.Context) (bool, error) {
	lenders, err := r.pool.All(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(lenders, func(l core.Lender) bool { return !r.asked[l.ID] }), err
}

// CompareDue compares again: daily, until enough members answered since the start, and
// when a member begins to lend.
func (r *Recovery) CompareDue(ctx context.Context) error {
	now := r.n.Now()
	r.mu.Lock()
	early := now.Before(r.compareNext)
	r.mu.Unlock()
	if early {
		return nil
	}
	c, err := r.Standing(ctx)
	if err != nil {
		return err
	}
	fresh, err := r.NeverAsked(ctx)
	if err != nil || !fresh && c.Standing == Whole && core.At(now).Sub(c.Compared) < compareEvery {
		return err
	}
	if err = r.Disk.CheckRows(ctx); err == nil {
		_, err = r.Compare(ctx, false, "")
	}
	if err == nil {
		err = errors.Join(r.Disk.CheckCodes(ctx), r.Tidy(ctx))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compareTries++
	r.compareNext = r.n.Now().Add(min(CompareTick<<min(r.compareTries, 10), comparePatience))
	return err
}

// LearnRemoved writes down what members keep of removed files that this catalogue does
// not know: they were removed on an earlier disk. It answers who was heard. Returns
// CodeUnsure when nobody was.
func (r *Recovery) LearnRemoved(ctx context.Context) (heard map[core.MemberID]bool, err error) {
	c, err := r.Compare(ctx, true, "")
	if err != nil {
		return nil, err
	}
	heard = map[core.MemberID]bool{}
	for _, m := range c.asked {
		if c.Seen[m].Err == nil {
			heard[m] = true
		}
	}
	if len(heard) == 0 {
		return nil, core.Unsure("vault.undelete_unheard", fmt.Errorf("none of %d members answers", len(c.asked)))
	}
	var gone []*found
	for _, f := range c.Census.ours(c.began) {
		if !f.signed || f.o.Deleted == 0 {
			continue
		}
		switch _, err := r.store.Objects.Get(ctx, f.o.ID); core.CodeOf(err) {
		case "":
		case core.CodeNotFound:
			gone = append(gone, f)
		default:
			return nil, err
		}
	}
	return heard, c.Census.write(ctx, gone)
}

// restoreUnexplained brings back what nobody removed.
func (r *Recovery) restoreUnexplained(ctx context.Context) error {
	lost, err := r.store.Objects.Unexplained(ctx)
	if err != nil {
		return err
	}
	for _, o := range lost {
		r.n.Log.Error("the database's file lost that a file is there; members hold it", "repo", o.Repo, "file", o.File.String())
		if err := r.store.Tombstones.Undelete(ctx, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// Whole says whether the catalogue holds everything, as far as it can be known: not while
// a recovery has not come to its end, nor on a disk that is older than what members hold.
func (r *Recovery) Whole(ctx context.Context) error {
	note, err := r.store.Notes.Get(ctx, NoteRecovering)
	if err != nil {
		return core.Unsure("vault.catalogue_away", err)
	}
	if note != "" {
		unheard, err := r.Unheard(ctx)
		switch {
		case err != nil:
			return core.Unsure("vault.catalogue_away", err)
		case len(unheard) > 0:
			return core.Unsure("vault.recovery_waits", fmt.Errorf("recovery began %s", note)).With("Members", catalogue.Joined(unheard))
		}
		return core.Unsure("vault.recovering", fmt.Errorf("recovery began %s", note))
	}
	unread, err := r.unread(ctx)
	if err != nil {
		return core.Unsure("vault.catalogue_away", err)
	}
	if unread > 0 {
		return core.Unsure("vault.unread", fmt.Errorf("members hold %d newer objects", unread)).With("Count", unread)
	}
	behind, err := r.behind(ctx)
	if err != nil {
		return core.Unsure("vault.catalogue_away", err)
	}
	if behind {
		return core.Unsure("vault.behind", errors.New("the catalogue lacks what members hold"))
	}
	return nil
}

// Settled says that nothing is known to be missing from the catalogue.
func (r *Recovery) Settled(ctx context.Context) bool { return r.Whole(ctx) == nil }
