package target

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
)

// ProofPath is where a file may prove that a domain is its owner's, by a line that is the
// Proof of its root key; a TXT record at core.DomainProof.DOMAIN does too, or that its node
// answers there.
// spec: docs/spec/watch.md#proof
const ProofPath = "/.well-known/entrechat-watch.txt"

const (
	proofLife  = 7 * 24 * time.Hour // then it is proved again
	proofGrace = 24 * time.Hour     // a proof that cannot be renewed holds so long still
	proofRetry = 10 * time.Minute
	maxProof   = 16 << 10 // bytes of the file
	ahead      = 10 * time.Minute
	maxDomains = 6 // names that are tried for one host

	// What one owner has us ask in one run, and about one registered name: that name may be a
	// stranger's. Owners do not wait for one another.
	triesOfOwner = 10
	triesOfName  = 2
	ownersAtOnce = 8
	ownerTime    = 2 * time.Minute
)

// Home is where a member's node is, and its root key.
type Home struct {
	ID   core.MemberID
	URL  string
	Root core.RootKey
}

// ProofNeeds is what a Prover is made of; all of it but Plain is required.
type ProofNeeds struct {
	DB    *db.DB // with the room's migrations applied
	Known *Known
	// Home answers where a member is. Returns CodeNotFound.
	Home func(ctx context.Context, id core.MemberID) (Home, error)
	// Root is the root key of the node that answers at an address now.
	Root func(ctx context.Context, address string) (core.RootKey, error)
	// Fetch gets a public document, guarded against private addresses.
	Fetch func(ctx context.Context, address string, limit int64) ([]byte, error)
	// LookupTXT asks the DNS; net.Resolver's.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
	// Plain allows http, for demos and tests.
	Plain bool
	Now   func() time.Time
}

// Prover says whether a target's host is its owner's. Safe for concurrent use.
type Prover struct{ n ProofNeeds }

// NewProver makes one.
func NewProver(n ProofNeeds) *Prover { return &Prover{n} }

// Proof is what we know of one domain of an owner.
type Proof struct {
	Owner  core.MemberID
	Domain string
	Proved core.Moment // last time; zero = never
	Tried  core.Moment
}

// Holds says whether a proof counts now.
func (p Proof) Holds(now core.Moment) bool {
	return p.Proved != 0 && p.Proved <= now.Add(ahead) && now.Sub(p.Proved) < proofLife+proofGrace
}

// due says whether it is time to try again.
func (p Proof) due(now core.Moment) bool {
	if p.Tried > now.Add(ahead) {
		return true // our clock was wrong then
	}
	if now.Sub(p.Tried) < proofRetry {
		return false
	}
	return p.Proved == 0 || now.Sub(p.Proved) >= proofLife
}

// Domains are the names below which a host lies, the longest first, down to the one that
// somebody registered. An address is below itself only.
func Domains(host string) []string {
	if net.ParseIP(host) != nil {
		return []string{host}
	}
	base, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return nil
	}
	all := []string{host}
	for host != base {
		_, host, _ = strings.Cut(host, ".")
		all = append(all, host)
	}
	if len(all) > maxDomains {
		all = slices.Delete(all, 1, 1+len(all)-maxDomains)
	}
	return all
}

// Allowed lists which targets may be looked at: those whose host is below a domain that
// holds as proved. It asks nobody.
func (p *Prover) Allowed(ctx context.Context, all []Target) ([]Target, error) {
	proofs, err := p.n.Known.proved(ctx)
	if err != nil {
		return nil, err
	}
	now := core.At(p.n.Now())
	good := map[string]bool{}
	for _, proof := range proofs {
		if proof.Holds(now) {
			good[string(proof.Owner)+" "+proof.Domain] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(t Target) bool {
		return t.Kind.Called() && !slices.ContainsFunc(Domains(t.Host()), func(d string) bool { return good[string(t.Owner)+" "+d] })
	}), nil
}

// Prove tries what is due for these targets: the domains of one owner one after the other,
// some owners side by side.
func (p *Prover) Prove(ctx context.Context, all []Target) error {
	known, err := proofs(ctx, p.n.DB)
	if err != nil {
		return err
	}
	owners := map[core.MemberID]*proving{}
	for _, t := range all {
		if !t.Kind.Called() {
			continue
		}
		of := owners[t.Owner]
		if of == nil {
			of = &proving{Prover: p, owner: t.Owner, known: map[string]Proof{}, names: map[string]int{}}
			owners[t.Owner] = of
		}
		if host := t.Host(); !slices.Contains(of.hosts, host) {
			of.hosts = append(of.hosts, host)
		}
	}
	for _, proof := range known {
		if of := owners[proof.Owner]; of != nil {
			of.known[proof.Domain] = proof
		}
	}
	var group errgroup.Group
	group.SetLimit(ownersAtOnce)
	for _, of := range owners {
		group.Go(func() error { return of.run(ctx) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return forgetProofs(ctx, p.n.DB, core.At(p.n.Now()).Add(-4*proofLife))
}

// proving is one run for one owner.
type proving struct {
	*Prover
	owner core.MemberID
	hosts []string
	known map[string]Proof // by domain
	tries int
	names map[string]int // tries by registered name
}

func (p *proving) run(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, ownerTime)
	defer cancel()
	for _, host := range p.hosts {
		if err := p.prove(within, Domains(host)); err != nil {
			return err
		}
		if within.Err() != nil {
			break // the rest in the next run
		}
	}
	return ctx.Err()
}

// spent says that this run asks nothing more about a registered name.
func (p *proving) spent(ctx context.Context, name string) bool {
	return p.tries >= triesOfOwner || p.names[name] >= triesOfName || ctx.Err() != nil
}

// prove makes sure that one of the domains is proved, when it can be.
func (p *proving) prove(ctx context.Context, domains []string) error {
	now := core.At(p.n.Now())
	slices.Reverse(domains) // the registered name first: one proof for all below it
	for _, d := range domains {
		if proof := p.known[d]; proof.Proved != 0 && !proof.due(now) && proof.Holds(now) {
			return nil
		}
	}
	for _, d := range domains {
		proof := p.known[d]
		if !proof.due(now) {
			continue
		}
		if p.spent(ctx, domains[0]) {
			return nil
		}
		p.tries++
		p.names[domains[0]]++
		proof.Owner, proof.Domain, proof.Tried = p.owner, d, now
		if proof.Proved > now {
			proof.Proved = 0
		}
		ok := p.try(ctx, p.owner, d) == nil
		if ok {
			proof.Proved = now
		}
		p.known[d] = proof
		if err := putProof(context.WithoutCancel(ctx), p.n.DB, proof); err != nil || ok {
			return err
		}
	}
	return nil
}

// try returns nil when a domain is the owner's now.
func (p *Prover) try(ctx context.Context, owner core.MemberID, domain string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	home, err := p.n.Home(ctx, owner)
	if err != nil {
		return err
	}
	var tried []error
	if u, err := url.Parse(home.URL); err == nil && u.Hostname() == domain {
		if root, err := p.n.Root(ctx, home.URL); err == nil && root == home.Root {
			return nil
		}
	}
	if net.ParseIP(domain) == nil {
		lines, err := p.n.LookupTXT(ctx, core.DomainProof+"."+domain)
		if err == nil && slices.Contains(lines, home.Root.Proof()) {
			return nil
		}
		tried = append(tried, err)
	}
	schemes := []string{"https"}
	if p.n.Plain {
		schemes = append(schemes, "http")
	}
	for _, scheme := range schemes {
		text, err := p.n.Fetch(ctx, scheme+"://"+domain+ProofPath, maxProof)
		if err == nil && hasLine(text, home.Root.Proof()) {
			return nil
		}
		tried = append(tried, err)
	}
	return fmt.Errorf("nothing at %s says that it is %s's: %w", domain, owner, errors.Join(tried...))
}

func hasLine(text []byte, line string) bool {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == line {
			return true
		}
	}
	return false
}

// Jobs prove again what is due for the targets that list answers.
func (p *Prover) Jobs(list func(ctx context.Context) ([]Target, error)) []jobs.Job {
	return []jobs.Job{{Name: "watch-prove", Every: 10 * time.Second, Jitter: 2 * time.Second, Run: func(ctx context.Context) error {
		all, err := list(ctx)
		if err != nil {
			return err
		}
		return p.Prove(ctx, all)
	}}}
}
