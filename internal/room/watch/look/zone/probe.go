package zone

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// maxServers are asked; a zone has rarely more.
const maxServers = 4

// Probe asks all servers of a name's zone (four of them at most) for the expected record.
// It is a look.Probe.
func Probe(ctx context.Context, a *look.Attempt, t target.Target) error {
	servers, err := inCharge(ctx, a.Resolver(), t.Address)
	if err != nil {
		return err
	}
	return examine(ctx, wire{a}, a, servers, t)
}

// resolver finds the servers of a zone.
type resolver interface {
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// inCharge are the servers of the zone that holds a name: those of the name itself, or of
// the nearest name above it, down to the registrable domain.
func inCharge(ctx context.Context, by resolver, name string) ([]string, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	top, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return nil, look.Fail(look.Blocked, "%.80q is below no domain", name)
	}
	for {
		found, err := by.LookupNS(ctx, name)
		if len(found) > 0 {
			return hosts(found), nil
		}
		var none *net.DNSError
		if err != nil && (!errors.As(err, &none) || !none.IsNotFound) {
			return nil, err
		}
		if name == top {
			return nil, look.Fail(look.DNS, "nobody knows name servers of %s", top)
		}
		_, name, _ = strings.Cut(name, ".")
	}
}

// hosts are the names of servers, some of them in any order when there are many.
func hosts(found []*net.NS) []string {
	out := make([]string, 0, len(found))
	for _, ns := range found {
		if host := strings.TrimSuffix(ns.Host, "."); host != "" {
			out = append(out, host)
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] }) //nolint:gosec // the order is no secret
	return out[:min(len(out), maxServers)]
}

// notes is where a look's findings go.
type notes interface {
	Now() time.Time
	First(d time.Duration)
	Ends(at time.Time)
	Note(format string, args ...any)
}

// settle is how long the other servers may take once one has answered well.
const settle = 300 * time.Millisecond

// outcome is what one server's answers came to.
type outcome struct {
	server string
	ends   time.Time // the first signature ends; zero = there is none
	took   time.Duration
	err    error
}

// examine asks all servers at once. One good answer makes the look well, and what is wrong
// with another server is noted; when none is good, the first failure is the look's that says
// something of a server.
func examine(ctx context.Context, by querier, a notes, servers []string, t target.Target) error {
	if len(servers) == 0 {
		return look.Fail(look.DNS, "the zone has no name servers")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := a.Now()
	all := make(chan outcome, len(servers))
	for _, server := range servers {
		go func() {
			ends, err := ask(ctx, by, a.Now(), server, t)
			all <- outcome{server, ends, a.Now().Sub(begun), err}
		}()
	}
	var failed *outcome
	well := false
	for range servers {
		o := <-all // each ends soon after ctx
		if o.err != nil {
			if failed == nil || look.IsUnfit(failed.err) && !look.IsUnfit(o.err) {
				failed = &o
			}
			continue
		}
		if !well {
			well = true
			a.First(o.took)
			defer time.AfterFunc(settle, cancel).Stop()
		}
		if !o.ends.IsZero() {
			a.Ends(o.ends)
		}
	}
	switch {
	case failed == nil:
		return nil
	case well && look.IsUnfit(failed.err): // it says nothing of the server
		return nil
	case well:
		a.Note("%s: %v", failed.server, failed.err)
		return nil
	}
	return failed.err
}
