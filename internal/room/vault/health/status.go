package health

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
	"entrechat/internal/room/vault/upkeep"
)

// recentTrouble is how long a trouble that is over stays in the status.
const recentTrouble = 7 * 24 * time.Hour

// Level sums a backup up in one word.
type Level string

// The levels, best first.
const (
	LevelSafe    Level = "safe"    // everything off-site, at least one member may be lost
	LevelOneCopy Level = "onecopy" // everything off-site, but no member may be lost
	LevelWaiting Level = "waiting" // something is only on this disk
	LevelLost    Level = "lost"    // something cannot be read back now
	LevelLocked  Level = "locked"  // the password that is kept opens none of its keys
	LevelEmpty   Level = "empty"   // no snapshot yet
	LevelBehind  Level = "behind"  // the catalogue lacks what members hold: nothing is known
	LevelUnknown Level = "unknown" // the catalogue was not compared with the members yet
)

// Status is how one backup stands.
type Status struct {
	Name     string      `json:"name"`
	Level    Level       `json:"level"`
	Files    int64       `json:"files"`
	Bytes    int64       `json:"bytes"`            // as restic wrote them
	Stored   int64       `json:"stored"`           // at the members, with redundancy
	Snapshot core.Moment `json:"snapshot_us"`      // the newest; zero = none
	Offsite  core.Moment `json:"offsite_us"`       // the newest that is off-site
	Domains  int         `json:"domains"`          // of the object that lies on fewest
	Losses   int         `json:"survives_losses"`  // members that may be lost, counting those away now as lost
	Placed   int         `json:"placed_losses"`    // the same when all members are well
	Pending  int64       `json:"not_offsite"`      // files that were never off-site yet
	Waiting  int64       `json:"on_the_way"`       // files, those with a shard still to come included
	WaitSize int64       `json:"on_the_way_bytes"` // sealed
	Removed  int64       `json:"removed"`          // files removed and still kept by members
	// SharedKey counts files still sealed to the key that all backups shared.
	SharedKey int64                   `json:"shared_key_files"`
	Keyless   error                   `json:"-"`        // why its key cannot be read here; nil = it can
	Password  catalogue.PasswordState `json:"password"` // the kept one: "opens" a key, "wrong", or not known
	Members   []At                    `json:"members"`
	Kinds     []Kind                  `json:"kinds"`
}

// At is what one member has of a backup.
type At struct {
	Member core.MemberID `json:"member"`
	Shards int64         `json:"shards"`
	Bytes  int64         `json:"bytes"`
	Seen   core.Moment   `json:"seen_us"`  // every shard was seen since
	Well   bool          `json:"well"`     // it did what we last asked, within the hour
	Heard  core.Moment   `json:"heard_us"` // when it last did
	Since  core.Moment   `json:"bad_since_us,omitzero"`
}

// Kind is how the files of one restic type lie.
type Kind struct {
	Type    rest.Type `json:"type"`
	Code    string    `json:"code"` // "4/6", or "3 x 1" for copies; the least of them
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	Domains int       `json:"domains"`
	Losses  int       `json:"survives_losses"`
}

// Report is the answer of `vault status`.
type Report struct {
	Backups  []Status            `json:"backups"`
	Troubles []catalogue.Trouble `json:"troubles"`
	Lenders  int                 `json:"lenders"`           // members that grant us room
	Domains  int                 `json:"domains"`           // failure domains among them
	Silent   []Silent            `json:"silent_lenders"`    // of these members
	Leaving  []upkeep.Leaver     `json:"leaving_lenders"`   // that have shards of ours and give nothing new
	NoRoom   *pool.NoRoom        `json:"no_room,omitempty"` // nil = there is room for what waits
	// Readers are the members that may fetch the ciphertext of all backups at their holders.
	Readers []core.MemberID `json:"readers"`
	// Untold are the holders that do not know so yet.
	Untold []core.MemberID `json:"readers_untold"`
	// Catalogue says whether what is said above can be believed.
	Catalogue recovery.Standing `json:"catalogue"`
	NoLender  error             `json:"-"` // says whose answer is missing; nil while somebody lends
}

// Silent is a lender of whom nothing good is known now.
type Silent struct {
	Member core.MemberID `json:"member"`
	Since  core.Moment   `json:"bad_since_us"` // fails since; zero = it was not asked for long
	Heard  core.Moment   `json:"heard_us"`     // when it last did what we asked; zero = never
}

// silent lists the lenders that fail, or of whom nothing was heard; one that was never
// sent anything has nothing to answer for.
func (f Facts) silent(now core.Moment) []Silent {
	out := []Silent{}
	for _, l := range f.lenders {
		if s, asked := f.states[l.ID]; asked && s.Silent(now) {
			out = append(out, Silent{l.ID, s.Bad, s.Good})
		}
	}
	return out
}

// Status answers how every backup stands, or one. Returns CodeNotFound.
func (r *Doctor) Status(ctx context.Context, name string) (Report, error) {
	out := Report{Backups: []Status{}, Troubles: []catalogue.Trouble{}}
	repos, err := r.store.Repos.All(ctx)
	if err != nil {
		return out, err
	}
	if name != "" {
		repo, err := r.store.Repos.Get(ctx, name)
		if core.CodeOf(err) == core.CodeNotFound {
			err = cmp.Or(r.recovery.Whole(ctx), err) // it may only be unknown
		}
		if err != nil {
			return out, err
		}
		repos = []catalogue.Repo{repo}
	}
	if out.Catalogue, err = r.recovery.Standing(ctx); err != nil {
		return out, err
	}
	facts, err := r.Facts(ctx)
	if err != nil {
		return out, err
	}
	for _, repo := range repos {
		s := facts.Status(repo, core.At(r.n.Now()))
		if repo.Recipient != "" {
			if _, s.Keyless = r.keyring.Own(repo); s.Keyless != nil {
				s.Level = LevelLost
			}
		}
		s.Level = s.Level.under(out.Catalogue.Standing)
		out.Backups = append(out.Backups, s)
	}
	out.Silent = facts.silent(core.At(r.n.Now()))
	out.Lenders, out.Domains = len(facts.lenders), shard.Domains(facts.lenders)
	if out.Domains == 0 {
		out.NoLender = r.pool.NoLender(ctx)
	}
	if out.Leaving, err = r.upkeep.Leavers(ctx, facts.lenders); err != nil {
		return out, err
	}
	if out.NoRoom, err = r.admission.NoRoom(ctx); err != nil {
		return out, err
	}
	reading, err := r.n.Heirs.Reading(ctx)
	if err != nil {
		return out, err
	}
	out.Readers, out.Untold = append([]core.MemberID{}, reading.Members...), append([]core.MemberID{}, reading.Untold...)
	troubles, err := r.store.Troubles.Since(ctx, core.At(r.n.Now().Add(-recentTrouble)))
	out.Troubles = append(out.Troubles, troubles...)
	return out, err
}

// Facts is everything the status is made of, read once.
type Facts struct {
	summaries []catalogue.Summary
	byMember  []catalogue.MemberSummary
	newest    map[string][2]core.Moment
	waiting   map[string][2]int64
	removed   map[string]int64
	shared    map[string]int64
	states    map[core.MemberID]catalogue.LenderState
	lenders   []core.Lender
}

// Facts reads them.
func (r *Doctor) Facts(ctx context.Context) (f Facts, err error) {
	if f.summaries, err = r.store.Summaries.All(ctx); err != nil {
		return f, err
	}
	if f.byMember, err = r.store.Summaries.ByMember(ctx); err != nil {
		return f, err
	}
	if f.newest, err = r.store.Summaries.NewestSnapshots(ctx); err != nil {
		return f, err
	}
	if f.waiting, err = r.store.Summaries.OnTheWay(ctx); err != nil {
		return f, err
	}
	if f.removed, err = r.store.Summaries.Removed(ctx); err != nil {
		return f, err
	}
	if f.shared, err = r.store.Summaries.SharedKey(ctx); err != nil {
		return f, err
	}
	if f.states, err = r.store.Lenders.States(ctx); err != nil {
		return f, err
	}
	f.lenders, err = r.pool.All(ctx)
	return f, err
}

// Status makes one backup's answer.
func (f Facts) Status(repo catalogue.Repo, now core.Moment) Status {
	name := repo.Name
	s := Status{
		Name: name, Snapshot: f.newest[name][0], Offsite: f.newest[name][1],
		Waiting: f.waiting[name][0], WaitSize: f.waiting[name][1], Removed: f.removed[name],
		SharedKey: f.shared[name], Password: repo.Password,
		Members: []At{}, Kinds: []Kind{},
	}
	first := true
	for _, h := range f.summaries {
		if h.Repo != name {
			continue
		}
		if h.Kind != catalogue.Meta {
			s.Files, s.Bytes = s.Files+h.Objects, s.Bytes+h.Size
		}
		if h.Pending {
			s.Pending += h.Objects
			continue
		}
		s.Kinds = addKind(s.Kinds, h)
		code := shard.Code{K: h.K, N: h.N}
		if first || h.Stored < s.Domains {
			s.Domains = h.Stored
		}
		if now := catalogue.Losses(code, h.Reached); first || now < s.Losses {
			s.Losses = now
		}
		if placed := catalogue.Losses(code, h.Stored); first || placed < s.Placed {
			s.Placed = placed
		}
		first = false
	}
	for _, k := range f.byMember {
		if k.Repo != name {
			continue
		}
		state := f.states[k.Member]
		s.Members = append(s.Members, At{k.Member, k.Shards, k.Bytes, k.Seen, !state.Silent(now), state.Good, state.Bad})
		s.Stored += k.Bytes
	}
	s.Level = s.level()
	return s
}

func (s Status) level() Level {
	switch {
	case s.Losses < 0:
		return LevelLost
	case s.Password == catalogue.PasswordWrong:
		return LevelLocked
	case s.Snapshot == 0:
		return LevelEmpty
	case s.Pending > 0:
		return LevelWaiting
	case s.Losses == 0:
		return LevelOneCopy
	}
	return LevelSafe
}

// Doubted says that the backup cannot be read back whole now, or that nobody knows.
func (s Status) Doubted() bool {
	switch s.Level {
	case LevelSafe, LevelOneCopy, LevelWaiting, LevelEmpty:
		return false
	case LevelLost, LevelLocked, LevelBehind, LevelUnknown:
	}
	return true
}

// under is what a level is worth where the catalogue stands so: on an old or unproved
// disk, that nothing is missing cannot be known.
func (l Level) under(s recovery.State) Level {
	switch {
	case s == recovery.Behind:
		return LevelBehind
	case s == recovery.NotYet && l != LevelLost && l != LevelWaiting && l != LevelLocked:
		return LevelUnknown
	}
	return l
}

func addKind(kinds []Kind, h catalogue.Summary) []Kind {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Type == h.Kind })
	code := shard.Code{K: h.K, N: h.N}
	if i < 0 {
		k := Kind{h.Kind, codeText(code), h.Objects, h.Size, h.Stored, catalogue.Losses(code, h.Reached)}
		kinds = append(kinds, k)
		slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Compare(a.Type, b.Type) })
		return kinds
	}
	k := &kinds[i]
	k.Files, k.Bytes, k.Domains = k.Files+h.Objects, k.Bytes+h.Size, min(k.Domains, h.Stored)
	if l := catalogue.Losses(code, h.Reached); l < k.Losses {
		k.Losses, k.Code = l, codeText(code)
	}
	return kinds
}

// codeText is how people read a code: "4/6", or how many copies.
func codeText(c shard.Code) string {
	if c.K <= 1 {
		return fmt.Sprintf("%d x 1", max(c.N, 0))
	}
	return fmt.Sprintf("%d/%d", c.K, c.N)
}

// Readable says whether one backup, or all of them, can be read back whole: that members
// have what is expected of them does not say so, because what they lost is not expected
// any more. Returns CodeUnsure with the first that cannot.
func (r *Doctor) Readable(ctx context.Context, name string) error {
	report, err := r.Status(ctx, name)
	if err != nil {
		return err
	}
	for _, s := range report.Backups {
		if s.Level == LevelLost || s.Level == LevelBehind {
			return r.unsafe(s)
		}
	}
	return nil
}
