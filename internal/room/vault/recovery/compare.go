package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/shard"
)

const (
	// summaryLimit bounds the wait for one member's summary: an answer of a few kilobytes.
	summaryLimit = 30 * time.Second
	// stragglers is how long the others get for a summary once enough members have answered.
	stragglers = 5 * time.Second
	// compareStart bounds the wait for all members when the node starts: it serves then.
	compareStart = time.Minute
	// leastShard is less than a shard file takes of a pledge, in bytes.
	leastShard = 256
	// compareEvery is how often the catalogue is compared while all is well.
	compareEvery = 24 * time.Hour
	// manyBuckets is from how many buckets on that differ the whole list is asked for.
	manyBuckets = 64
	// bucketPage is how many shards are asked for in one bucket at a time.
	bucketPage = 300
)

// Comparison is one look at what the members hold, beside what the catalogue says.
// Members outrank our own disk: it may be old, or have lost what it wrote last.
type Comparison struct {
	room   *Recovery
	all    bool          // ask for whole lists, and count every shard, known or not
	limit  time.Duration // for all members; zero = none
	began  core.Moment
	repo   string // whose shards seen counts as wanted; empty = all
	ours   map[core.MemberID]holder.Summary
	Census *census
	asked  []core.MemberID
	needed map[core.MemberID]bool // those whose silence counts
	newest core.Moment            // what was made later than this, this disk may have lost

	mu    sync.Mutex
	Seen  map[core.MemberID]*seen
	Taken map[shard.Hash]bool // objects that the catalogue did not have, and has now
	// undeleted counts shards that members had deleted and nobody here had removed.
	undeleted int
}

// seen is what one member showed.
type seen struct {
	Err    error
	want   int // shards the catalogue said it has, of live objects
	Lost   int // of them, it lists no such shard
	beyond []stray
}

// stray is a shard that we signed, alive, of an object that the catalogue does not know.
type stray struct {
	object shard.Hash
	made   core.Moment
}

// Compare asks the members what they hold, notes what they lost, and takes in what the
// catalogue does not have. It answers what it saw, also when too few members answered
// to say that the catalogue is whole; an error is our own. One runs at a time.
func (r *Recovery) Compare(ctx context.Context, all bool, repo string) (*Comparison, error) {
	return r.compareWithin(ctx, 0, all, repo)
}

// compareWithin is compare with an end: members that are not through by then count as
// silent.
func (r *Recovery) compareWithin(ctx context.Context, limit time.Duration, all bool, repo string) (*Comparison, error) {
	r.comparing.Lock()
	defer r.comparing.Unlock()
	keys, err := r.n.OwnKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("our own keys: %w", err)
	}
	identities, err := r.keyring.LabelKeys()
	if err != nil {
		return nil, err
	}
	unnamed, err := r.store.Repos.Unnamed(ctx)
	if err != nil {
		return nil, err
	}
	c := &Comparison{
		// A repository without its row is named from the heads of its shards.
		room: r, limit: limit, all: all || len(unnamed) > 0, repo: repo, began: core.At(r.n.Now()),
		Census: &census{room: r, identity: identities, keys: keys, objects: map[shape]*found{}},
		Seen:   map[core.MemberID]*seen{}, Taken: map[shard.Hash]bool{},
	}
	if err := c.whom(ctx); err != nil {
		return nil, err
	}
	if c.ours, err = r.store.Placements.Expected(ctx); err != nil {
		return nil, err
	}
	c.askAll(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.takeIn(ctx); err != nil {
		return nil, err
	}
	return c, c.conclude(ctx)
}

// whom finds the members to ask: all that lend, and all that ever held anything but those
// whose pact is over. One
// that has been away too long to count is asked, and not waited for.
func (c *Comparison) whom(ctx context.Context) error {
	lenders, err := c.room.pool.All(ctx)
	if err != nil {
		return err
	}
	ever, err := c.room.store.Placements.PossibleHolders(ctx)
	if err != nil {
		return err
	}
	now, err := c.room.store.Placements.Holders(ctx)
	if err != nil {
		return err
	}
	states, err := c.room.store.Lenders.States(ctx)
	if err != nil {
		return err
	}
	for _, l := range lenders {
		now = append(now, l.ID)
	}
	c.needed = map[core.MemberID]bool{}
	for _, id := range now {
		bad := states[id].Bad
		c.needed[id] = bad == 0 || c.began.Sub(bad) < catalogue.Absent
	}
	c.asked = slices.Compact(slices.Sorted(slices.Values(append(ever, now...))))
	c.room.mu.Lock()
	defer c.room.mu.Unlock()
	for _, id := range c.asked {
		c.room.asked[id] = true
	}
	return nil
}

// askAll asks all at once. When enough have answered the others get a little longer, but
// for whole lists: a slow line that moves is left alone.
func (c *Comparison) askAll(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.limit > 0 {
		end := time.AfterFunc(c.limit, cancel)
		defer end.Stop()
	}
	done := make(chan struct{})
	for _, m := range c.asked {
		go func() {
			s := &seen{}
			s.Err = c.ask(ctx, m, s)
			c.mu.Lock()
			c.Seen[m] = s
			c.mu.Unlock()
			done <- struct{}{}
		}()
	}
	var late *time.Timer
	for range c.asked {
		<-done
		if late == nil && !c.all && c.enough() {
			late = time.AfterFunc(c.room.Stragglers, cancel)
			defer late.Stop()
		}
	}
}

// enough says whether the members that answered can have shown everything: what was
// acknowledged lies at Enough members, any K of which give it back.
func (c *Comparison) enough() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) == 0 {
		return true
	}
	answered, silent, needed := 0, 0, 0
	for _, m := range c.asked {
		s := c.Seen[m]
		well := s != nil && s.Err == nil
		switch {
		case well:
			answered++
		case c.needed[m]:
			silent++
		}
		if c.needed[m] {
			needed++
		}
	}
	code := shard.CodeFor(max(needed, 1))
	return answered > 0 && silent <= code.Enough()-code.K
}

// silent lists the members that should have answered and did not.
func (c *Comparison) silent() []core.MemberID {
	var out []core.MemberID
	for m, s := range c.Seen {
		if s.Err != nil && c.needed[m] {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// ask compares with one member: by its summary, and by its list where that differs.
func (c *Comparison) ask(ctx context.Context, member core.MemberID, s *seen) error {
	h := c.room.n.Holder(member)
	buckets, err := c.differing(ctx, h, member)
	for _, b := range buckets {
		if err == nil {
			err = c.bucket(ctx, member, b, s)
		}
	}
	if err != nil && ctx.Err() == nil { // what we cut off ourselves is nobody's fault
		c.room.pool.Bad(ctx, pool.TroubleOf(member, catalogue.Placement{}, err))
	}
	return err
}

// differing names the buckets that have to be listed; the one of no name is all.
func (c *Comparison) differing(ctx context.Context, h holder.Holder, member core.MemberID) ([]string, error) {
	whole := []string{""}
	asked, ok := h.(holder.Summarizer)
	if c.all || !ok {
		return whole, nil
	}
	quick, cancel := context.WithTimeout(ctx, summaryLimit)
	defer cancel()
	theirs, err := asked.Summary(quick, c.room.n.Signer.ID())
	if core.CodeOf(err) == core.CodeNotFound {
		return whole, nil // an older node
	}
	if err != nil {
		return nil, err
	}
	ours := c.ours[member]
	var out []string
	for _, b := range holder.Buckets() {
		if ours[b] != theirs[b] {
			out = append(out, b)
		}
	}
	if len(out) > manyBuckets {
		return whole, nil
	}
	return out, nil
}

// bucket lists one bucket at a member and settles what differs.
func (c *Comparison) bucket(ctx context.Context, member core.MemberID, bucket string, s *seen) error {
	// Read before the list: what is placed meanwhile is not missed in it.
	known, err := c.room.store.Placements.Known(ctx, member, bucket)
	if err != nil {
		return err
	}
	w := &weighing{Comparison: c, member: member, seen: s, known: known}
	for _, k := range known {
		if k.State == catalogue.Stored && k.ObjectDeleted == 0 && (c.repo == "" || k.Repo == c.repo) {
			s.want++
		}
	}
	limit := bucketPage
	if bucket == "" {
		limit = holder.MaxPage
	}
	foreign := int64(0)
	err = c.room.eachPage(ctx, member, lastBefore(bucket), limit, func(page holder.Page) (more bool, err error) {
		end := slices.IndexFunc(page.Shards, func(held holder.Entry) bool { return !strings.HasPrefix(held.Name(), bucket) })
		if end < 0 {
			end = len(page.Shards)
		}
		strange, err := w.page(ctx, page.Shards[:end])
		if err != nil {
			return false, err
		}
		if foreign += int64(strange); foreign > holder.MaxPage+page.Used/leastShard {
			return false, core.Invalid("vault.peer_wrong_bytes", fmt.Errorf("lists %d strange shards in %d bytes", foreign, page.Used)).With("Member", member)
		}
		return end == len(page.Shards), nil
	})
	if err != nil {
		return err
	}
	return w.missing(ctx)
}

// lastBefore is the last name that can stand before a bucket in a list; empty for the
// first.
func lastBefore(bucket string) string {
	i := slices.Index(holder.Buckets(), bucket)
	if i <= 0 {
		return ""
	}
	return holder.Buckets()[i-1] + strings.Repeat("f", 62) + fmt.Sprintf(".%d", shard.MaxShards-1)
}

// Checked is what was seen at each member.
func (c *Comparison) Checked() []Checked {
	out := make([]Checked, 0, len(c.asked))
	for _, m := range c.asked {
		s := c.Seen[m]
		one := Checked{Member: m, Want: s.want, Lost: s.Lost}
		for _, b := range s.beyond {
			if c.Taken[b.object] {
				one.TakenIn++
			} else {
				one.Unknown++
			}
		}
		if s.Err != nil {
			one.Error = s.Err.Error()
		}
		out = append(out, one)
	}
	return out
}

// conclude writes down what became of the comparison.
func (c *Comparison) conclude(ctx context.Context) error {
	s := c.room.store
	if err := s.Notes.SetMembers(ctx, noteSilent, c.silent()); err != nil {
		return err
	}
	if err := s.Notes.Set(ctx, noteBeyond, c.Beyond(-1)); err != nil {
		return err
	}
	enough, unread := c.enough(), c.Beyond(c.newest)
	if enough || unread != "" {
		if err := s.Notes.Set(ctx, NoteUnread, unread); err != nil {
			return err
		}
	}
	if !enough || unread != "" {
		return nil
	}
	if open, err := c.unexplained(ctx); open || err != nil {
		return err
	}
	if err := c.room.Mark.settle(ctx); err != nil {
		return err
	}
	for _, note := range []string{NoteBehind, noteNewest} {
		if err := s.Notes.Set(ctx, note, ""); err != nil {
			return err
		}
	}
	if len(c.Taken) > 0 {
		c.room.n.Log.Warn("this disk was older than what members hold; put right from their lists", "objects", len(c.Taken))
	}
	return s.Notes.SetMoment(ctx, NoteCompared, c.began)
}

// unexplained says that this disk is known to have lost something, that no member showed
// it, and that one of them is still silent: it may hold what is missing.
func (c *Comparison) unexplained(ctx context.Context) (bool, error) {
	if len(c.Taken) > 0 || len(c.silent()) == 0 {
		return false, nil
	}
	note, err := c.room.store.Notes.Get(ctx, NoteBehind)
	if err != nil || note == behindMark || note == BehindRows {
		return true, err
	}
	return c.room.Mark.below(ctx)
}

// Beyond counts the objects made after a moment that members hold and the catalogue did
// not take in, as a note: empty for none.
func (c *Comparison) Beyond(after core.Moment) string {
	left := map[shard.Hash]bool{}
	for _, s := range c.Seen {
		for _, b := range s.beyond {
			if !c.Taken[b.object] && b.made > after {
				left[b.object] = true
			}
		}
	}
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprint(len(left))
}

// membersOf counts the members that show a shard of an object alive.
func membersOf(f *found) int {
	at := map[core.MemberID]bool{}
	for _, c := range f.claims {
		if c.deleted == 0 {
			at[c.Member] = true
		}
	}
	return len(slices.Collect(maps.Keys(at)))
}

// Checked is what `vault check` saw at one member.
type Checked struct {
	Member  core.MemberID `json:"member"`
	Want    int           `json:"want"`     // shards the catalogue said it has
	Lost    int           `json:"lost"`     // of them, it lists no such shard
	TakenIn int           `json:"taken_in"` // shards the catalogue did not know, and knows now
	Unknown int           `json:"unknown"`  // shards of ours that the catalogue does not know
	Audited int           `json:"audited"`  // asked to prove a random 16 KiB
	Wrong   int           `json:"wrong"`    // of the audited, did not prove it
	Error   string        `json:"error,omitempty"`
}
