package proof

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/share"
)

// TypeState is the entry by which a member says how many shares of a deal are proved.
// spec: docs/spec/custody.md#proof-document
const TypeState = "entrechat/custody-state/1"

type stateBody struct {
	Deal   share.ID `json:"deal"`
	Proved int64    `json:"proved"`
	N      int64    `json:"n"`
}

// Share is one share of a deal of ours with what is known of it.
type Share struct {
	deal.HolderView
	Standing Standing    `json:"standing"`
	Last     core.Moment `json:"last_proof_us"` // the last good one; 0 = none
}

// View is a deal of ours with its shares.
type View struct {
	deal.View
	Shares []Share `json:"shares"`
	Good   int64   `json:"good"` // shares that count
}

// Enough says that one more share than needed is good: below, it has to be dealt again.
func (v View) Enough() bool { return v.Good > v.K }

// Late says that a share is late, missing, false or lost.
func (v View) Late() bool {
	for _, s := range v.Shares {
		if s.Standing != Proved && s.Standing != Waiting {
			return true
		}
	}
	return false
}

// Views shows our deals that go on, with what is known of each share; a rehearsal is none.
func (p *Proofs) Views(ctx context.Context) ([]View, error) {
	deals, err := p.Deals.Views(ctx)
	if err != nil {
		return nil, err
	}
	out := []View{}
	for _, d := range deals {
		if d.State != deal.Standing && d.State != deal.Pending || d.Scope == box.Rehearsal {
			continue
		}
		v, err := p.View(ctx, d)
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

// View adds to a deal of ours what is known of each share.
func (p *Proofs) View(ctx context.Context, d deal.View) (View, error) {
	list, err := allSeen(ctx, p.DB, d.ID)
	if err != nil {
		return View{}, err
	}
	v := View{View: d, Shares: []Share{}}
	for _, h := range d.Holders {
		f, s := facts{person: h.Member == "", acked: h.Acked}, Share{HolderView: h}
		for _, one := range list {
			if one.number != h.Number {
				continue
			}
			if f.worse = one.verdict; one.verdict == Good {
				f.good, f.worse, s.Last = one.period, "", one.at
			}
		}
		if s.Standing = f.standing(p.now()); s.Standing.Counts() {
			v.Good++
		}
		v.Shares = append(v.Shares, s)
	}
	return v, nil
}

// Say writes to our logbook how many shares of each deal that stands are proved: once a month,
// when all are or half of the month is over, and whenever the number fell.
func (p *Proofs) Say(ctx context.Context) error {
	list, err := p.Views(ctx)
	if err != nil {
		return err
	}
	now := p.now()
	for _, v := range list {
		if v.State != deal.Standing {
			continue
		}
		last, err := lastSaid(ctx, p.DB, v.ID)
		if err != nil {
			return err
		}
		period := PeriodOf(now)
		due := last.period != period && (v.provedIn(period) == v.N || now.Time().Day() > 15)
		if !due {
			if last.period == "" || v.Good >= last.proved {
				continue
			}
			period = last.period // it fell: that is said at once, beside what is said each month
		}
		if _, err := p.Book.Append(ctx, TypeState, nil, 0, stateBody{v.ID, v.Good, v.N}); err != nil {
			return err
		}
		if err := putSaid(ctx, p.DB, v.ID, said{period, v.Good}); err != nil {
			return err
		}
	}
	return nil
}

// provedIn counts the shares whose last good proof is of a month.
func (v View) provedIn(period string) (n int64) {
	for _, s := range v.Shares {
		if s.Last != 0 && PeriodOf(s.Last) == period {
			n++
		}
	}
	return n
}
