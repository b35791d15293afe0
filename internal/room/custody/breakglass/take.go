package breakglass

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/heir"
)

const (
	// perDeal is how many asks about one deal may be open, perStranger how many of those
	// nobody signed whom we know.
	perDeal, perStranger = 20, 3
)

// Take notes an ask that came, and who has to be told of it. The same ask again changes
// nothing. Returns CodeNotFound "custody.breakglass.not_held", CodeDenied for who may not ask,
// CodeFull "custody.breakglass.too_many".
func (a *base) Take(ctx context.Context, env seal.Envelope) (collect.Status, error) {
	s, err := ask.Read(env)
	if err != nil {
		return collect.Status{}, err
	}
	if known, err := get(ctx, a.n.DB, s.ID); core.CodeOf(err) != core.CodeNotFound {
		if err != nil {
			return collect.Status{}, err
		}
		v, err := a.judge(ctx, known)
		return collect.StatusOf(v), err
	}
	if err := s.Timely(a.now()); err != nil {
		return collect.Status{}, err
	}
	d, held, err := a.about(ctx, s.Ask)
	if err != nil {
		return collect.Status{}, err
	}
	if err := a.mayAsk(ctx, s, d, held); err != nil {
		return collect.Status{}, err
	}
	told, err := a.whoIsTold(ctx, s, d, held)
	if err != nil {
		return collect.Status{}, err
	}
	return a.note(ctx, s, held, told)
}

// about finds the deal of an ask: one that we keep a share of, or our own. held says which.
// After a loss our logbook alone names our deals, which then have no K; the ask is shown all the
// same. About any other id strangers could ask without end.
func (a *base) about(ctx context.Context, s ask.Ask) (d collect.Deal, held bool, err error) {
	if s.Owner == a.self() {
		if d, err = a.n.Deals.Own(ctx, s.Deal); err == nil && d.K == 0 {
			return collect.Deal{ID: s.Deal, Owner: s.Owner, Scope: s.Scope}, false, nil
		}
	} else {
		held = true
		d, err = a.n.Deals.Held(ctx, s.Deal)
	}
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return d, held, core.NotFound("custody.breakglass.not_held", err)
	case err != nil:
		return d, held, err
	case d.Owner != s.Owner || d.Scope != s.Scope:
		return d, held, ask.Bad(errors.New("another owner or scope than the deal's"))
	case d.Ended != 0:
		return d, held, core.Denied("custody.breakglass.deal_ended", errors.New("the deal ended"))
	}
	return d, held, nil
}

// mayAsk checks who asks. The owner's own node takes in all that its holders hand on.
func (a *base) mayAsk(ctx context.Context, s ask.Signed, d collect.Deal, held bool) error {
	if s.Role == ask.AsDomain {
		return s.Verify(nil)
	}
	keys, err := a.n.Book.Keys(ctx, s.Asker)
	if err != nil {
		return err
	}
	if err := s.Verify(keys); err != nil {
		return err
	}
	if held && !d.MayAsk(s.Asker) {
		if _, err := heir.Allow(ctx, a.n.Successors, s.Ask); err != nil {
			return err
		}
	}
	asker, known, err := a.member(ctx, s.Asker)
	if err != nil {
		return err
	}
	if known && asker.Suspended != 0 {
		return core.Denied("custody.breakglass.suspended", errors.New("the asker is suspended"))
	}
	if s.Reason == ask.SilentOwner && held {
		owner, _, err := a.member(ctx, s.Owner)
		if err == nil && owner.Heard > a.now().Add(-a.n.Alive) {
			err = core.Denied("custody.breakglass.alive", errors.New("the owner's logbook grows")).With("Member", string(s.Owner))
		}
		return err
	}
	return nil
}

// mails are the addresses to be told of an ask: ours, or those on the owner's contacts.
func (a *base) mails(ctx context.Context, s ask.Ask, held bool) ([]string, error) {
	if !held {
		return a.n.Mails(ctx)
	}
	text, err := a.n.Deals.Contacts(ctx, s.Deal)
	return collect.Addresses(text), err
}

// whoIsTold lists the owner's node, the owner's people, and the fellow holders.
func (a *base) whoIsTold(ctx context.Context, s ask.Signed, d collect.Deal, held bool) ([]string, error) {
	var out []string
	if s.Owner != a.self() {
		out = append(out, "member/"+string(s.Owner))
	}
	if held || s.Asker == a.self() {
		for _, m := range d.Members {
			if m != a.self() {
				out = append(out, "member/"+string(m))
			}
		}
	}
	mails, err := a.mails(ctx, s.Ask, held)
	for i := range min(len(mails), collect.MaxMails) {
		out = append(out, fmt.Sprintf("mail/%d", i))
	}
	return out, err
}

// note writes the ask down.
func (a *base) note(ctx context.Context, s ask.Signed, held bool, told []string) (collect.Status, error) {
	r := row{Signed: s, held: held, received: a.now()}
	err := a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := readClock(ctx, q)
		if err != nil {
			return err
		}
		r.receivedRan = c.Ran
		if err := a.room(ctx, q, s); err != nil {
			return err
		}
		if err := put(ctx, q, r); err != nil {
			return err
		}
		for _, who := range told {
			if err := putNotice(ctx, q, notice{ask: s.ID, who: who, what: "ask", next: r.received}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return collect.Status{}, err
	}
	a.wake()
	v, err := a.judge(ctx, r)
	return collect.StatusOf(v), err
}

// room refuses more asks about a deal than people can look at. Strangers do not use up what
// members may.
func (a *base) room(ctx context.Context, q db.Querier, s ask.Signed) error {
	all, err := open(ctx, q, s.Deal, a.now())
	if err != nil {
		return err
	}
	strangers := 0
	for _, r := range all {
		if r.Role == ask.AsDomain {
			strangers++
		}
	}
	if s.Role == ask.AsDomain && strangers >= perStranger || len(all)-strangers >= perDeal {
		return core.Full("custody.breakglass.too_many", fmt.Errorf("%d asks, %d of strangers", len(all), strangers))
	}
	return nil
}

// facts are what decides about an ask beside what lies with it.
type facts struct {
	deal      collect.Deal
	heir      heir.Heir // as whom a successor asks
	noHeir    bool      // who asks is no successor any more
	ended     bool      // it was opened, another took its place, or we forgot it
	ownerSaid core.Moment
	suspended bool
}

func (a *base) facts(ctx context.Context, s ask.Signed) (f facts, err error) {
	var held bool
	f.deal, held, err = a.about(ctx, s.Ask)
	switch core.CodeOf(err) {
	case "":
	case core.CodeDenied, core.CodeNotFound, core.CodeInvalid: // invalid: its id is another deal's by now
		f.ended = true
	default:
		return f, err
	}
	owner, _, err := a.member(ctx, s.Owner)
	if err != nil {
		return f, err
	}
	f.ownerSaid = owner.Heard
	asker, known, err := a.member(ctx, s.Asker)
	f.suspended = known && s.Role == ask.AsMember && asker.Suspended != 0
	if err == nil && held && !f.ended && s.Role == ask.AsMember && !f.deal.MayAsk(s.Asker) {
		f.heir, err = heir.Allow(ctx, a.n.Successors, s.Ask)
		if f.noHeir = core.CodeOf(err) == core.CodeDenied; f.noHeir {
			err = nil
		}
	}
	return f, err
}

// standing puts together what decides about an ask.
func (a *base) standing(ctx context.Context, q db.Querier, r row, f facts) (ask.Standing, error) {
	s := ask.Standing{
		Reason: r.Reason, Made: r.Made, Expires: r.Expires, Wait: f.deal.Wait, Least: a.n.Least(r.Scope), Needed: f.deal.K,
		ReceivedAt: r.received, ReceivedRan: r.receivedRan, Noticed: r.noticed != 0, OwnerSaid: f.ownerSaid, Alive: a.n.Alive,
		AskerSuspended: f.suspended, NoHeir: f.noHeir, Burnt: f.ended || r.burnt != 0, Declined: r.declined != 0, ReleasedAt: r.release,
	}
	heard, err := entriesOf(ctx, q, r.ID)
	s.Fetched = r.burnt != 0 && slices.ContainsFunc(heard, func(e heardEntry) bool { return e.kind == "opened" && e.log == r.Asker })
	words, bad := allSaid(ctx, q, r.ID)
	for _, w := range words {
		switch w.kind {
		case ask.Stop:
			s.Vetoes = append(s.Vetoes, ask.Veto{Strength: w.strength, Ran: w.ran})
		case ask.Sooner:
			s.Sooner++
		case ask.Overrule:
			s.Overrule++
		}
	}
	return s, errors.Join(err, bad)
}

// judge says how an ask stands here, now.
func (a *base) judge(ctx context.Context, r row) (ask.Verdict, error) {
	v, _, err := a.judgeBy(ctx, r)
	return v, err
}

func (a *base) judgeBy(ctx context.Context, r row) (v ask.Verdict, f facts, err error) {
	if f, err = a.facts(ctx, r.Signed); err != nil {
		return v, f, err
	}
	s, err := a.standing(ctx, a.n.DB, r, f)
	if err != nil {
		return v, f, err
	}
	c, err := readClock(ctx, a.n.DB)
	return s.Judge(a.now(), c.Ran), f, err
}
