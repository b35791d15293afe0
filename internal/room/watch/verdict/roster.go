package verdict

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// TypeRoster and TypeDuty are what an owner and a voter say in their logbooks.
// spec: docs/spec/watch.md#verdicts
const (
	TypeRoster = "entrechat/watch-roster/1"
	TypeDuty   = "entrechat/watch-duty/1"
)

// Bounds of what is said.
const (
	maxMembers = 64
	// MaxOwners bounds a duty.
	MaxOwners = 128
	// MaxSite bounds a site, in bytes.
	MaxSite = 100
	// maxBody leaves room in an entry for what stands around its body, in bytes.
	maxBody = 15 << 10
)

// Roster is whom an owner may be voted on by, this month: every member that promised it
// looks, and says so in its own logbook. Who votes on which target follows from it alone.
type Roster struct {
	Month   string   `json:"month"` // "2026-11", UTC
	Site    string   `json:"site,omitempty"`
	Prefix  string   `json:"prefix,omitempty"` // of the owner, as below
	Members []Member `json:"members"`
}

// Member is one member of a roster, with what tells how independent it is of others.
type Member struct {
	Member core.MemberID `json:"member"`
	// Site is what the pact says of the place or network it stands in; may be empty.
	Site string `json:"site,omitempty"`
	// Prefix is the IPv4 /16 or the IPv6 /32 of its node as the owner resolved it; may be
	// empty.
	Prefix string `json:"prefix,omitempty"`
	// With is another member of the roster that the same people administer; may be empty.
	With core.MemberID `json:"with,omitempty"`
}

// Duty is whom a member looks at: those it granted `watch` to.
type Duty struct {
	Site   string    `json:"site,omitempty"`
	Owners []Watched `json:"owners"`
}

// Watched is one owner of a Duty, and the least time between two looks at a target of its.
type Watched struct {
	Member core.MemberID `json:"member"`
	Every  int64         `json:"every_s"`
}

var (
	monthForm  = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)
	prefixForm = regexp.MustCompile(`^[0-9a-f.:]{3,32}/(16|32)$`)
	targetForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
	nonceForm  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	// HashForm is a leaf hash as documents write it.
	HashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ParseRoster reads the body of a roster entry. Returns CodeInvalid.
func ParseRoster(body []byte) (Roster, error) {
	var r Roster
	if err := wire.Peek(body, &r); err != nil {
		return r, err
	}
	seen := map[core.MemberID]bool{}
	bad := !monthForm.MatchString(r.Month) || len(r.Members) > maxMembers || !SiteAndPrefix(r.Site, r.Prefix)
	for _, m := range r.Members {
		bad = bad || !m.Member.Valid() || seen[m.Member] || !SiteAndPrefix(m.Site, m.Prefix) || m.With != "" && !m.With.Valid()
		seen[m.Member] = true
	}
	if bad {
		return Roster{}, core.Invalid("watch.verdict.bad_entry", fmt.Errorf("a roster for %.20q makes no sense", r.Month))
	}
	return r, nil
}

// ParseDuty reads the body of a duty entry. Returns CodeInvalid.
func ParseDuty(body []byte) (Duty, error) {
	var d Duty
	if err := wire.Peek(body, &d); err != nil {
		return d, err
	}
	bad := len(d.Owners) > MaxOwners || !SiteAndPrefix(d.Site, "")
	for _, o := range d.Owners {
		bad = bad || !o.Member.Valid() || o.Every < 1 || o.Every > 86400
	}
	if bad {
		return Duty{}, core.Invalid("watch.verdict.bad_entry", fmt.Errorf("a duty for %d owners makes no sense", len(d.Owners)))
	}
	return d, nil
}

// SiteAndPrefix says whether both have a form that an entry takes; either may be empty.
func SiteAndPrefix(site, prefix string) bool {
	return len(site) <= MaxSite && !strings.ContainsFunc(site, func(r rune) bool { return r < ' ' || r == 0x7f }) &&
		(prefix == "" || prefixForm.MatchString(prefix))
}

// Fit leaves members out, the last ones first, until a roster fits into an entry.
func (r Roster) Fit() Roster {
	r.Members = r.Members[:min(len(r.Members), maxMembers)]
	for len(r.Members) > 0 {
		if text, err := wire.Encode(r); err == nil && len(text) <= maxBody {
			break
		}
		r.Members = r.Members[:len(r.Members)-1]
	}
	return r
}

// Seat is one voter of a target.
type Seat struct {
	Member core.MemberID
	// Network numbers what fails together: members of one network count as one.
	Network int
	// Looks routinely, with its phase; the others confirm, and look seldom.
	Looks bool
}

// Assignment is who votes on one target.
type Assignment struct {
	Owner  core.MemberID
	Target string
	Roster string // leaf hash of the roster it follows from, hex
	Seats  []Seat // in rank order
	// Networks is how many different ones the seats stand in.
	Networks int
	// Weak: fewer than five networks, so that two of one network sit here, or few sit here.
	Weak bool
}

// Seats for each target: five look, two confirm only.
const (
	lookers = 5
	voters  = 7
)

// Assign draws the voters of a target from a roster: by hash, so that nobody chooses whom
// it looks at; never the owner; one of each network, and only where there are fewer than
// five networks several of one.
// spec: docs/spec/watch.md#assignment
func Assign(owner core.MemberID, target, roster string, r Roster) Assignment {
	a := Assignment{Owner: owner, Target: target, Roster: roster}
	type drawn struct {
		Member
		order   [sha256.Size]byte
		network int
	}
	var all []drawn
	networks := networksOf(owner, r)
	for _, m := range r.Members {
		if m.Member != owner {
			all = append(all, drawn{m, sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", roster, owner, target, m.Member)), networks[m.Member]})
		}
	}
	slices.SortFunc(all, func(a, b drawn) int {
		return cmp.Or(bytes.Compare(a.order[:], b.order[:]), cmp.Compare(a.Member.Member, b.Member.Member))
	})
	taken, sat := map[int]bool{}, map[core.MemberID]bool{}
	sit := func(d drawn) {
		if len(a.Seats) < voters && !sat[d.Member.Member] {
			a.Seats = append(a.Seats, Seat{Member: d.Member.Member, Network: d.network, Looks: len(a.Seats) < lookers})
			taken[d.network], sat[d.Member.Member] = true, true
		}
	}
	home := networks[owner]
	for _, d := range all {
		if d.network != home && !taken[d.network] {
			sit(d)
		}
	}
	a.Weak = len(taken) < lookers
	for _, d := range all {
		if a.Weak && d.network != home {
			sit(d)
		}
	}
	// Who stands beside the owner sees less than others, but more than nobody.
	for _, d := range all {
		if len(a.Seats) < MinFit {
			sit(d)
		}
	}
	a.Networks = len(taken)
	return a
}

// networksOf numbers what the members of a roster, and its owner, stand in: who shares a
// site, a prefix or an administration with another is in one network with it.
func networksOf(owner core.MemberID, r Roster) map[core.MemberID]int {
	all := append([]Member{{Member: owner, Site: r.Site, Prefix: r.Prefix}}, r.Members...)
	root := make([]int, len(all))
	first := map[string]int{}
	find := func(i int) int {
		for root[i] != i {
			i = root[i]
		}
		return i
	}
	for i, m := range all {
		root[i] = i
		for _, mark := range []string{"m " + string(m.Member), "s " + PlainSite(m.Site), "p " + m.Prefix, "m " + string(m.With)} {
			if len(mark) == 2 {
				continue
			}
			if j, ok := first[mark]; ok {
				a, b := find(i), find(j)
				root[max(a, b)] = min(a, b)
			} else {
				first[mark] = i
			}
		}
	}
	networks := make(map[core.MemberID]int, len(all))
	for i, m := range all {
		networks[m.Member] = find(i)
	}
	return networks
}

// PlainSite is a site as two people write one: case and spaces do not matter.
func PlainSite(site string) string { return strings.Join(strings.Fields(strings.ToLower(site)), " ") }

// Seat finds a member's place; rank is -1 for who has none.
func (a Assignment) Seat(m core.MemberID) (s Seat, rank int) {
	rank = slices.IndexFunc(a.Seats, func(s Seat) bool { return s.Member == m })
	if rank < 0 {
		return Seat{}, rank
	}
	return a.Seats[rank], rank
}

// Lookers counts those that look routinely.
func (a Assignment) Lookers() int { return min(len(a.Seats), lookers) }

// HexHash writes a leaf hash as documents do.
func HexHash(h [32]byte) string { return hex.EncodeToString(h[:]) }
