package promise

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"entrechat/internal/core"
)

// TypeNaming is the kind of the entry by which an owner names successors.
const TypeNaming = "entrechat/succession/1"

// Accounts is the name of the service that is the hoster's accounts.
const Accounts = "accounts"

// Bounds of a naming.
const (
	MaxSuccessors = 3
	MaxBackups    = 8
	MaxServices   = 64 // of one owner
)

// Settled is how long a member has to be named before it may act without the owner.
const Settled = 30 * 24 * time.Hour

var serviceForm = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ValidService says whether a text is the name of a service.
func ValidService(name string) bool { return serviceForm.MatchString(name) }

// Naming is the body of an entry: the last of a service counts.
type Naming struct {
	Service string   `json:"service"`
	Backups []string `json:"backups"` // repositories of the vault, none for Accounts
	// Successors are in the order of choice; none = nobody any more.
	Successors []core.MemberID `json:"successors"`
}

// Check returns CodeInvalid "succession.promise.naming" for what no reader takes.
func (n Naming) Check(owner core.MemberID) error {
	seen := map[core.MemberID]bool{owner: true}
	for _, m := range n.Successors {
		if !m.Valid() || seen[m] {
			return bad("a member twice, or no member")
		}
		seen[m] = true
	}
	switch {
	case !ValidService(n.Service):
		return bad("no name of a service")
	case len(n.Successors) > MaxSuccessors || len(n.Backups) > MaxBackups:
		return bad("too many")
	case n.Service == Accounts && len(n.Backups) > 0:
		return bad("accounts are in no backup")
	case slices.Contains(n.Backups, Accounts): // its box would be that of the accounts
		return bad("a backup with the name of the accounts")
	case slices.ContainsFunc(n.Backups, func(b string) bool { return !serviceForm.MatchString(b) }):
		return bad("no name of a backup")
	}
	return nil
}

func bad(why string) error { return core.Invalid("succession.promise.naming", errors.New(why)) }

// Successor is a member that an owner named for a service.
type Successor struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Member  core.MemberID `json:"member"`
	Rank    int           `json:"rank"` // from 1
	Backups []string      `json:"backups"`
	// Since is from when the member was named without a gap: the later of what the owner said
	// and of when we heard it, so that nobody is named in the past.
	Since core.Moment `json:"since_us"`

	// added is from when backups are named that came to the service after the member did.
	added map[string]core.Moment
}

// Settled says whether the member was named long enough to act without the owner.
func (s Successor) Settled(now core.Moment) bool { return now >= s.Since.Add(Settled) }

// SinceFor is from when the member was named for a backup of the service without a gap; false where
// the backup is none of them.
func (s Successor) SinceFor(backup string) (since core.Moment, named bool) {
	return max(s.Since, s.added[backup]), slices.Contains(s.Backups, backup)
}

// Newest is from when the last was added to what the member is named for: Since, or later.
func (s Successor) Newest() core.Moment {
	newest := s.Since
	for _, at := range s.added {
		newest = max(newest, at)
	}
	return newest
}

// follow is what a naming makes of who was named before it.
func follow(before []Successor, owner core.MemberID, n Naming, at core.Moment) []Successor {
	out := make([]Successor, 0, len(n.Successors))
	for i, m := range n.Successors {
		s := Successor{Owner: owner, Service: n.Service, Member: m, Rank: i + 1, Backups: n.Backups, Since: at, added: map[string]core.Moment{}}
		if j := slices.IndexFunc(before, func(s Successor) bool { return s.Member == m }); j >= 0 {
			s.Since = min(before[j].Since, at)
			for _, b := range n.Backups {
				if since, named := before[j].SinceFor(b); !named {
					s.added[b] = at
				} else if since > s.Since {
					s.added[b] = min(since, at)
				}
			}
		}
		out = append(out, s)
	}
	return out
}
