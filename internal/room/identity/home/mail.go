package home

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

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
// that are due. One domain's trouble does not stop another.
func (h *Homes) Prove(ctx context.Context) error {
	homes, err := h.Letting(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, one := range homes {
		errs = append(errs, h.prove(ctx, one))
	}
	return errors.Join(errs...)
}

func (h *Homes) prove(ctx context.Context, one Home) error {
	known, err := proofs(ctx, h.DB, one.Member)
	if err != nil || len(one.Domains) == 0 {
		return err
	}
	root, err := h.Root(ctx, one.Member)
	if err != nil {
		return err
	}
	now := core.At(h.Now())
	for _, domain := range one.Domains {
		p := proof{domain: domain}
		if i := slices.IndexFunc(known, func(p proof) bool { return p.domain == domain }); i >= 0 {
			p = known[i]
		}
		if p.tried != 0 && now.Sub(p.tried) < proofRetry || p.proved != 0 && now.Sub(p.proved) < proofLife {
			continue
		}
		p.tried = now
		lines, err := h.lookUp(ctx, core.DomainProof+"."+domain)
		switch {
		case err != nil && !none(err): // not known now: what was proved holds until it is old
		case slices.ContainsFunc(lines, func(line string) bool { return strings.TrimSpace(line) == root.Proof() }):
			p.proved = now
		default:
			p.proved = 0 // the DNS answered, and does not name them: at once no longer theirs
		}
		if err := putProof(ctx, h.DB, one.Member, p); err != nil {
			return err
		}
	}
	return nil
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
