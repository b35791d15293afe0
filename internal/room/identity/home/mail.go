package home

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

// A member proves that a mail domain is its own by a TXT record at core.DomainProof.DOMAIN
// with the Proof of its root key.
// spec: docs/spec/identity.md#mail
const (
	proofLife  = 24 * time.Hour     // then it is proved again
	proofGrace = 7 * 24 * time.Hour // one that cannot be renewed, as no DNS answers, holds so long still
	proofRetry = time.Hour
	lookUpTime = 20 * time.Second
	lookUpCrew = 4 // at once
)

func (p proof) holds(now core.Moment) bool {
	return p.proved != 0 && now.Sub(p.proved) < proofLife+proofGrace
}

// Mail says whether a home may vouch for an address: its domain is the member's own name,
// or one that it claims and that was proved within the last eight days. Anything else is
// an address that somebody told, and is not verified here.
func (h *Homes) Mail(ctx context.Context, found Home, address string) (bool, error) {
	address, err := person.ParseMail(address)
	if err != nil {
		return false, nil //nolint:nilerr // what is no address is vouched for by nobody
	}
	domain := person.MailDomain(address)
	if domain == string(found.Member) {
		return true, nil
	}
	if !slices.Contains(found.Domains, domain) {
		return false, nil
	}
	known, err := proofs(ctx, h.DB, found.Member)
	if err != nil {
		return false, err
	}
	now := core.At(h.Now())
	return slices.ContainsFunc(known, func(p proof) bool { return p.domain == domain && p.holds(now) }), nil
}

// Prove asks the DNS for the domains of every home whose people may sign in here, those
// that are due, four at once. One domain's trouble does not stop another.
func (h *Homes) Prove(ctx context.Context) error {
	homes, err := h.Letting(ctx)
	if err != nil {
		return err
	}
	var crew errgroup.Group
	crew.SetLimit(lookUpCrew)
	errs := make(chan error, len(homes)*(maxDomains+1))
	for _, one := range homes {
		due, root, err := h.due(ctx, one)
		errs <- err
		for _, p := range due {
			crew.Go(func() error {
				errs <- h.prove(ctx, one.Member, root, p)
				return nil
			})
		}
	}
	_ = crew.Wait() // none returns any
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// due lists the domains of a home that have to be asked for now, and the key that proves them.
func (h *Homes) due(ctx context.Context, one Home) (due []proof, root core.RootKey, err error) {
	known, err := proofs(ctx, h.DB, one.Member)
	if err != nil || len(one.Domains) == 0 {
		return nil, root, err
	}
	now := core.At(h.Now())
	for _, domain := range one.Domains[:min(len(one.Domains), maxDomains)] {
		p := proof{domain: domain}
		if i := slices.IndexFunc(known, func(p proof) bool { return p.domain == domain }); i >= 0 {
			p = known[i]
		}
		if p.tried != 0 && now.Sub(p.tried) < proofRetry || p.proved != 0 && now.Sub(p.proved) < proofLife {
			continue
		}
		due = append(due, p)
	}
	if len(due) > 0 {
		root, err = h.Root(ctx, one.Member)
	}
	if err != nil {
		return nil, root, err
	}
	return due, root, nil
}

// prove asks for one domain, and keeps the answer.
func (h *Homes) prove(ctx context.Context, member core.MemberID, root core.RootKey, p proof) error {
	now := core.At(h.Now())
	p.tried = now
	lines, err := h.lookUp(ctx, core.DomainProof+"."+p.domain)
	switch {
	case err != nil && !none(err): // not known now: what was proved holds until it is old
	case slices.ContainsFunc(lines, func(line string) bool { return strings.TrimSpace(line) == root.Proof() }):
		p.proved = now
	default:
		p.proved = 0 // the DNS answered, and does not name them: at once no longer theirs
	}
	return putProof(ctx, h.DB, member, p)
}

// lookUp asks the DNS, which may not keep the other domains waiting.
func (h *Homes) lookUp(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	return h.LookupTXT(ctx, name)
}

// none says whether the DNS answered that there is no such name.
func none(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}
