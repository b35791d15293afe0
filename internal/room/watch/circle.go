package watch

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// circle answers what verdicts and alerts ask about the other members: who looks for us,
// and for whom we look.
type circle struct {
	*Room
	mu     sync.Mutex
	places map[core.MemberID]place
	duties map[core.MemberID]duty
	served []verdict.Watched // whom we look for, when targets were assigned last
}

// duty is whether we look at a member's services, how seldom at least, and when trust was
// asked.
type duty struct {
	every int64 // seconds
	ok    bool
	at    time.Time
}

// Jobs ask every few seconds about every owner: an answer of trust is believed so long, and
// of so many members.
const (
	dutyAgain = 2 * time.Second
	dutyMost  = 1000
)

// place is where a node was found, and when it was looked up.
type place struct {
	prefix string
	at     time.Time
}

// placeAgain is how long a place is believed, placeFailed how long nobody asks again for one
// that could not be found.
const (
	placeAgain  = time.Hour
	placeFailed = 5 * time.Minute
)

// Lenders promised to look at our targets.
func (c *circle) Lenders(ctx context.Context) ([]core.Lender, error) {
	return c.Trust.Lenders(ctx, KindWatch)
}

// Owners are those whose targets we promised to look at.
func (c *circle) Owners(ctx context.Context) ([]verdict.Watched, error) {
	known, err := c.Known(ctx)
	if err != nil {
		return nil, err
	}
	var all []verdict.Watched
	for _, m := range known {
		every, ok, err := c.serves(ctx, m)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, verdict.Watched{Member: m, Every: every})
		}
	}
	return all, nil
}

// notePromises has pages made anew as soon as we promised somebody to look, or do so no
// longer. Only the job that assigns calls it.
func (c *circle) notePromises(ctx context.Context) error {
	owners, err := c.Owners(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(owners, c.served) {
		c.served = owners
		c.news()
	}
	return nil
}

// serves says whether we promised a member to look at its services, and at least how many
// seconds lie between two looks; a promise that began or ended is known dutyAgain later.
func (c *circle) serves(ctx context.Context, m core.MemberID) (every int64, ok bool, err error) {
	now := c.Now()
	c.mu.Lock()
	d, have := c.duties[m]
	c.mu.Unlock()
	if have && now.Sub(d.at).Abs() < dutyAgain {
		return d.every, d.ok, nil
	}
	a, err := c.Trust.May(ctx, m, KindWatch)
	d = duty{at: now}
	switch {
	case core.CodeOf(err) == core.CodeDenied || err == nil && a.ReadOnly:
	case err != nil:
		return 0, false, err
	default:
		d.every, d.ok = max(a.Grant.Amount(FieldEvery), int64(target.MinEvery/time.Second)), true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.duties) >= dutyMost {
		clear(c.duties)
	}
	c.duties[m] = d
	return d.every, d.ok, nil
}

// Known are all members whose logbook we hold, without ourselves.
func (c *circle) Known(ctx context.Context) ([]core.MemberID, error) { return c.Members(ctx) }

// Keys are all keys a member signed with that were not revoked whole.
func (c *circle) Keys(ctx context.Context, m core.MemberID) ([]ed25519.PublicKey, error) {
	return c.Room.Keys(ctx, m)
}

// Place is where a member's node stands: what we call our own site, and the network of its
// address. Both may be empty.
func (c *circle) Place(ctx context.Context, m core.MemberID) (site, prefix string) {
	if m == c.Signer.ID() {
		site = c.Site
	}
	c.mu.Lock()
	known, ok := c.places[m]
	c.mu.Unlock()
	if ok && c.Now().Sub(known.at) < placeAgain {
		return site, known.prefix
	}
	now := place{at: c.Now()}
	var err error
	if now.prefix, err = c.prefix(ctx, m); err != nil {
		c.Log.Debug("where a member stands is not known now", "member", m, "error", err)
		now = place{known.prefix, now.at.Add(placeFailed - placeAgain)} // what was known counts on
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.places[m] = now
	return site, now.prefix
}

// prefix is the IPv4 /16 or the IPv6 /32 of a member's node; empty for an address of a
// private network, which says nothing.
func (c *circle) prefix(ctx context.Context, m core.MemberID) (string, error) {
	home, err := c.Home(ctx, m)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(home.URL)
	if err != nil {
		return "", fmt.Errorf("read the address of %s: %w", m, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("find the address of %s: %w", m, err)
	}
	return network(found[0].Unmap()), nil
}

func network(at netip.Addr) string {
	if !at.IsGlobalUnicast() || at.IsPrivate() {
		return ""
	}
	bits := 16
	if at.Is6() {
		bits = 32
	}
	p, err := at.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// meetMost bounds how many members one run meets, meetBound how long each may take.
const (
	meetMost  = 4
	meetBound = 10 * time.Second
)

// meet fetches the keys of those we are to vote with and know by name only: the exchange of
// logbooks would bring them within minutes, and until then their votes are refused.
func (c *circle) meet(ctx context.Context) error {
	all, err := c.targets(ctx)
	if err != nil {
		return err
	}
	met := map[core.MemberID]bool{c.Signer.ID(): true}
	left := meetMost
	// From another one on each time: some that never answer must not use up the attempts.
	first := int(c.Now().Unix() / 60)
	for i := range all {
		t := all[(first+i)%len(all)]
		for _, seat := range c.Verdicts.Voters(t.Owner, t.ID).Seats {
			if met[seat.Member] || left == 0 {
				continue
			}
			met[seat.Member] = true
			keys, err := c.Keys(ctx, seat.Member)
			if err == nil && len(keys) > 0 {
				continue
			}
			left--
			if err := c.fetchLog(ctx, seat.Member); err != nil {
				c.Log.Debug("a voter is not known yet", "member", seat.Member, "error", err)
			}
		}
	}
	return nil
}

func (c *circle) fetchLog(ctx context.Context, m core.MemberID) error {
	ctx, cancel := context.WithTimeout(ctx, meetBound)
	defer cancel()
	return c.Meet(ctx, m)
}

// unproved says whether nothing proves that a target's host is its owner's.
func (c *circle) unproved(ctx context.Context, t target.Target) bool {
	good, err := c.Prover.Allowed(ctx, []target.Target{t})
	return err == nil && len(good) == 0
}
