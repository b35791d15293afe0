package domain

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/miekg/dns"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Registries tell of a domain: when it ends (0 = not said), its status, its registrar, and what kind its
// holder is (HolderGroup, HolderPerson, empty = not said). CodeUnsure where no registry answers.
type Registries interface {
	Registered(ctx context.Context, domain string) (expires core.Moment, status []string, registrar, holder string, err error)
}

// Source reads facts from name servers.
type Source interface {
	Read(ctx context.Context, ask Ask) (Facts, error)
}

// Needs is what looks are made of; all of it is required.
type Needs struct {
	DB         *db.DB
	Source     Source
	Registries func() (Registries, bool) // false while nobody asks them
	Now        func() time.Time
}

// Service looks at domains. Safe for concurrent use.
type Service struct{ n Needs }

// New makes it.
func New(n Needs) *Service { return &Service{n} }

// Report is a look, and what it means.
type Report struct {
	Facts    Facts     `json:"facts"`
	Findings []Finding `json:"findings"`
	Ready    bool      `json:"ready"`
}

var selector = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62})$`)

// normal checks what was typed. Returns CodeInvalid.
func (a Ask) normal() (Ask, error) {
	a.Name = plain(strings.TrimSpace(a.Name))
	if _, ok := dns.IsDomainName(a.Name); !ok || !strings.Contains(a.Name, ".") || strings.ContainsFunc(a.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return a, core.Invalid("succession.domain.bad_name", errors.New("no domain")).With("Name", a.Name)
	}
	if len(a.Next) > maxServers || len(a.Selectors) > maxServers {
		return a, core.Invalid("succession.domain.too_many", errors.New("too many")).With("Most", maxServers)
	}
	for i, s := range a.Selectors {
		a.Selectors[i] = strings.ToLower(s)
		if !selector.MatchString(a.Selectors[i]) {
			return a, core.Invalid("succession.domain.bad_selector", errors.New("no selector")).With("Selector", s)
		}
	}
	return a, nil
}

// Check looks at a domain, keeps how long its records live, and judges. Returns CodeInvalid for what is
// no domain, CodeUnsure where it cannot be read.
func (s *Service) Check(ctx context.Context, ask Ask) (Report, error) {
	ask, err := ask.normal()
	if err != nil {
		return Report{}, err
	}
	f, err := s.n.Source.Read(ctx, ask)
	if err != nil {
		return Report{}, err
	}
	if registries, ok := s.n.Registries(); ok {
		r := &f.Registry
		r.Expires, r.Status, r.Registrar, r.Holder, err = registries.Registered(ctx, f.Zone)
		if err != nil && core.CodeOf(err) != core.CodeUnsure {
			return Report{}, err
		}
		r.Known = err == nil
	}
	if err := s.remember(ctx, &f); err != nil {
		return Report{}, err
	}
	all := Judge(f)
	return Report{f, all, len(Stops(all)) == 0}, nil
}

// remember joins a look with those before.
func (s *Service) remember(ctx context.Context, f *Facts) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		known, err := seen(ctx, q, f.Zone)
		if err != nil {
			return err
		}
		before := map[[2]string]Seen{}
		for _, k := range known {
			before[[2]string{k.Name, k.Type}] = k
		}
		keep := func(name, kind string, ttl uint32) (old Seen, now Seen, err error) {
			old = before[[2]string{name, kind}]
			now = old
			now.Name, now.Type = name, kind
			now = now.Next(ttl, f.At)
			return old, now, see(ctx, q, f.Zone, now)
		}
		for i, set := range f.Sets {
			old, now, err := keep(set.Name, set.Type, set.TTL)
			if err != nil {
				return err
			}
			f.Sets[i].Since, f.Sets[i].Holds = old.Since, now.Holds
		}
		old, now, err := keep(f.Zone, "DS", f.Parent.DSTTL)
		if err != nil {
			return err
		}
		f.Parent.Seen, f.Parent.Holds = old.At != 0, now.Holds
		return forget(ctx, q, f.At)
	})
}

// Ready says whether nothing about a domain keeps a service that needs it from moving: the first
// finding that does is its error, CodeConflict. Other codes as for Check.
func (s *Service) Ready(ctx context.Context, name string) error {
	r, err := s.Check(ctx, Ask{Name: name})
	if err != nil {
		return err
	}
	stops := Stops(r.Findings)
	if len(stops) == 0 {
		return nil
	}
	e := core.Conflict(key(stops[0]), errors.New("the domain is not ready"))
	for k, v := range stops[0].Args {
		e = e.With(k, v)
	}
	return e
}

func key(f Finding) string { return "succession.domain." + f.Key }
