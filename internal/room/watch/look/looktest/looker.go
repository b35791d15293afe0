package looktest

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// Looker looks at real servers on this machine: names and their known ports stand for the
// ports where the servers are ("mail.chaton-a.test:465" -> "127.0.0.1:40123"). A host:port
// without an entry is refused. It believes one authority only. A dns that is not empty is
// the address of the server that answers for all names.
func Looker(roots *x509.CertPool, probes map[target.Kind]look.Probe, places map[string]string, dns string, now func() time.Time) *look.Looker {
	return look.New(look.Needs{
		Private: true, Roots: roots, Kinds: probes, Agent: "entrechat-test", Now: now,
		Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, dns)
		}},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			to, ok := places[address]
			if !ok {
				to = "127.0.0.1:1" // nobody listens there
			}
			var d net.Dialer
			return d.DialContext(ctx, network, to)
		},
	})
}

// Case is one look of several.
type Case struct {
	target target.Target
	by     *look.Looker // nil = the one of the call
	want   look.Class
	checks []func(r look.Result) bool
}

// Is a look at a target that must end in a class, and hold what more is checked.
func Is(t target.Target, want look.Class, checks ...func(r look.Result) bool) Case {
	return Case{target: t, want: want, checks: checks}
}

// By is the case with a looker of its own.
func (c Case) By(l *look.Looker) Case {
	c.by = l
	return c
}

// But is the case with another end, and without its checks.
func (c Case) But(want look.Class) Case {
	c.want, c.checks = want, nil
	return c
}

// Look looks once, as All does.
func Look(tb testing.TB, l *look.Looker, t target.Target, want look.Class) {
	tb.Helper()
	All(tb, l, map[string]Case{t.Address: Is(t, want)})
}

// All looks at all cases at once: most of a failing look is waiting. A look that is to hang
// is given less time.
func All(tb testing.TB, l *look.Looker, cases map[string]Case) {
	tb.Helper()
	var wg sync.WaitGroup
	for name, c := range cases {
		wg.Go(func() {
			within := look.Bound
			if c.want == look.Timeout {
				within = Short
			}
			ctx, cancel := context.WithTimeout(tb.Context(), within)
			defer cancel()
			by := c.by
			if by == nil {
				by = l
			}
			r := by.Look(ctx, c.target)
			if r.Class != c.want {
				tb.Errorf("%s: class %q (%s), not %q", name, r.Class, r.Detail, c.want)
				return
			}
			for _, check := range c.checks {
				if !check(r) {
					tb.Errorf("%s: %+v", name, r)
				}
			}
		})
	}
	wg.Wait()
}

// Short is enough time for a look that hangs.
const Short = 2 * time.Second
