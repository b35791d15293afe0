package member

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Settle follows whoever the members we trust vouch for, and the founders of the
// collectives we follow, and stops following those nobody vouches for any more.
//
// spec: docs/spec/trust.md#following
func (s *Service) Settle(ctx context.Context) error {
	list, err := All(ctx, s.DB)
	if err != nil {
		return err
	}
	wanted, err := s.wanted(ctx, list)
	if err != nil {
		return err
	}
	var problems []error
	for _, m := range list {
		if m.Standing != Met || m.Refused {
			continue
		}
		i := slices.IndexFunc(wanted, func(a Address) bool { return a.Member == m.ID() })
		if i < 0 || wanted[i].Root != m.Root {
			problems = append(problems, s.drop(ctx, m.ID()))
		} else {
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	for _, a := range wanted {
		if err := s.meet(ctx, a); err != nil {
			problems = append(problems, fmt.Errorf("follow %s: %w", a.Member, err))
		}
	}
	return errors.Join(problems...)
}

func (s *Service) meet(ctx context.Context, a Address) error {
	if err := s.Follower.Follow(ctx, a.Member, a.URL, a.Root); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := s.pinned(ctx, q, a)
		if err != nil || m.Standing == Added {
			return err
		}
		return Put(ctx, q, Member{Address: a, Standing: Met, Refused: m.Refused, Since: s.now()})
	})
}

// wanted is who should be followed for no other reason than a vouch.
func (s *Service) wanted(ctx context.Context, list []Member) ([]Address, error) {
	trusted := map[core.MemberID]bool{s.self(): true}
	settled := map[core.MemberID]bool{s.self(): true}
	for _, m := range list {
		trusted[m.ID()] = m.Standing == Added && !m.Refused
		settled[m.ID()] = m.Standing == Added || m.Refused
	}
	admitted, founders, err := s.Introduced(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := Vouches(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	for _, id := range admitted {
		trusted[id] = true
	}
	claims = append(claims, founders...)
	claims = slices.DeleteFunc(claims, func(v Vouch) bool { return settled[v.For.Member] })
	return Meetings(claims, func(id core.MemberID) bool { return trusted[id] }, maxMet), nil
}
