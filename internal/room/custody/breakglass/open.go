package breakglass

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/share"
)

// Wish is an ask that somebody here wants to make.
type Wish struct {
	Scope   string
	Of      core.MemberID // whose box; empty = ours
	Reason  ask.Reason
	Purpose string
	// Decision of a collective, its id; may be empty.
	Decision string
}

// patience is how long an ask is open beyond two waits, for people who are away.
const patience = 30 * 24 * time.Hour

// Open asks for a box, and tells all holders that answer now; the others are tried again.
// Returns CodeNotFound for a box that nobody we can reach keeps shares of, CodeInvalid.
func (a opener) Open(ctx context.Context, w Wish) (ask.Signed, error) {
	if w.Of == "" {
		w.Of = a.self()
	}
	d, held, err := a.whose(ctx, w)
	if err != nil {
		return ask.Signed{}, err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return ask.Signed{}, err
	}
	now := a.now()
	s, err := ask.Sign(ask.Ask{
		Deal: d.ID, Owner: w.Of, Scope: w.Scope, Reason: w.Reason, Purpose: w.Purpose, Decision: w.Decision, Role: ask.AsMember, Asker: a.self(),
		Recipient: identity.Recipient().String(), Made: now, Expires: now.Add(min(2*d.Wait+patience, ask.MaxLife)),
	}, a.n.Signer)
	if err != nil {
		return s, err
	}
	told, err := a.whoIsTold(ctx, s, d, held)
	if err != nil {
		return s, err
	}
	err = a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		c, err := readClock(ctx, q)
		if err != nil {
			return err
		}
		if err := putOwn(ctx, q, s, a.n.Box.Seal(ownLabel(s.ID), []byte(identity.String()))); err != nil {
			return err
		}
		if err := put(ctx, q, row{Signed: s, held: held, received: now, receivedRan: c.Ran}); err != nil {
			return err
		}
		for _, who := range told {
			if err := putNotice(ctx, q, notice{ask: s.ID, who: who, what: "ask", next: now}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	return s, teller(a).notify(ctx)
}

func ownLabel(id string) string { return "custody ask " + id }

// whose finds the deal that a wish is about: ours, one that we keep a share of, or one that
// members we know keep shares of.
func (a opener) whose(ctx context.Context, w Wish) (d collect.Deal, held bool, err error) {
	if w.Of == a.self() {
		d, err = a.n.Boxes.Standing(ctx, w.Scope)
		return d, false, err
	}
	all, err := a.n.Boxes.HeldOf(ctx, w.Of)
	if err != nil {
		return d, false, err
	}
	for _, d := range all {
		if d.Scope == w.Scope {
			return d, true, nil
		}
	}
	d, err = a.lookAround(ctx, w)
	return d, false, err
}

// lookAround asks all members we know which deals of somebody they keep shares of.
func (a opener) lookAround(ctx context.Context, w Wish) (collect.Deal, error) {
	known, err := a.n.Book.Known(ctx)
	if err != nil {
		return collect.Deal{}, err
	}
	found := map[share.ID]*collect.Deal{}
	for _, m := range known {
		if m.ID == a.self() || m.ID == w.Of || m.Suspended != 0 {
			continue
		}
		var answer collect.HeldAnswer
		if a.n.Peer.JSON(ctx, m.ID, http.MethodPost, collect.PathHeld, collect.HeldMessage{Owner: w.Of}, &answer) == nil {
			merge(found, answer, w, m.ID)
		}
	}
	var best *collect.Deal
	for _, d := range found {
		if best == nil || len(d.Members) > len(best.Members) {
			best = d
		}
	}
	if best == nil {
		return collect.Deal{}, core.NotFound("custody.breakglass.nobody_holds", errors.New("no member keeps a share")).With("Member", string(w.Of)).With("Scope", w.Scope)
	}
	return *best, nil
}

// merge notes which deals a member says it keeps shares of.
func merge(found map[share.ID]*collect.Deal, answer collect.HeldAnswer, w Wish, from core.MemberID) {
	for _, h := range answer.Deals {
		d, ok := h.Claim(w.Of)
		if !ok || d.Scope != w.Scope {
			continue
		}
		if found[d.ID] == nil {
			found[d.ID] = &d
		}
		best := found[d.ID]
		best.Members, best.Wait = append(best.Members, from), max(best.Wait, d.Wait)
	}
}

// Collect fetches what holders released, with shares that were typed or read from paper. Once
// there are enough it opens the box and gives what it holds to deliver; only when deliver has
// it is the deal burnt. Returns CodeConflict "custody.breakglass.opened" for one opened before, CodeInvalid.
func (a opener) Collect(ctx context.Context, id string, paper []share.Share, deliver func(content []byte) error) (collect.Collected, error) {
	o, err := getOwn(ctx, a.n.DB, id)
	if err != nil {
		return collect.Collected{}, err
	}
	if o.opened != 0 {
		return collect.Collected{}, core.Conflict("custody.breakglass.opened", errors.New("opened before"))
	}
	if err := a.returned(ctx, o.Signed); err != nil {
		return collect.Collected{}, err
	}
	text, err := a.n.Box.Open(ownLabel(id), o.identity)
	if err != nil {
		return collect.Collected{}, err
	}
	identity, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return collect.Collected{}, errors.New("what is kept is no age identity")
	}
	p := collect.Puzzle{ID: id, Words: o.Words(), Deal: o.Deal, Identity: identity, Read: a.n.Boxes.Read, Unseal: a.n.Unseal, Paper: paper}
	if d, _, err := a.known(ctx, o.Ask); err == nil {
		p.Known = &d
		if box, err := a.n.Boxes.Sealed(ctx, o.Deal); err == nil {
			p.Boxes = append(p.Boxes, box)
		}
	}
	a.fetchAll(ctx, o, &p)
	content, result, err := p.Solve()
	if err != nil || content == nil {
		return result, err
	}
	if err := deliver(content); err != nil {
		return result, err
	}
	result.Opened = true
	return result, a.opened(ctx, o)
}

// known is the deal of an ask of ours, as far as we know it.
func (a opener) known(ctx context.Context, s ask.Ask) (collect.Deal, bool, error) {
	if s.Owner == a.self() {
		d, err := a.n.Deals.Own(ctx, s.Deal)
		if err == nil && d.K == 0 {
			err = core.NotFound("custody.breakglass.not_held", errors.New("only our logbook names it"))
		}
		return d, false, err
	}
	d, err := a.n.Deals.Held(ctx, s.Deal)
	return d, true, err
}

// fetchAll asks all holders we know of for their shares, at once; those that released name
// the others.
func (a opener) fetchAll(ctx context.Context, o own, p *collect.Puzzle) {
	var asked []core.MemberID
	todo := a.holders(ctx, o, p)
	for len(todo) > 0 {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, m := range todo {
			wg.Go(func() {
				h, err := a.fetch(ctx, m, o.ID)
				mu.Lock()
				defer mu.Unlock()
				p.Take(m, h, err)
			})
		}
		wg.Wait()
		asked = append(asked, todo...)
		todo = slices.DeleteFunc(p.Named(), func(m core.MemberID) bool { return slices.Contains(asked, m) })
	}
}

func (a opener) fetch(ctx context.Context, from core.MemberID, id string) (h collect.Handed, err error) {
	if from == a.self() {
		return a.Hand(ctx, id)
	}
	return h, a.n.Peer.JSON(ctx, from, http.MethodPost, collect.PathShare, collect.ShareMessage{Ask: id}, &h)
}

// holders are the members to ask: those of the deal, or whom we told of the ask.
func (a opener) holders(ctx context.Context, o own, p *collect.Puzzle) (out []core.MemberID) {
	if p.Known != nil {
		return slices.Clone(p.Known.Members)
	}
	told, err := notices(ctx, a.n.DB, o.ID)
	if err != nil {
		return nil
	}
	for _, n := range told {
		if m, ok := collect.MemberOf(n.who); ok && m != o.Owner {
			out = append(out, m)
		}
	}
	return out
}

// opened notes that the box of an ask of ours was opened: the deal is burnt, and what it held
// has to be changed.
func (a opener) opened(ctx context.Context, o own) error {
	from, err := a.ownSize(ctx)
	if err != nil {
		return err
	}
	holds, err := ledger(a).holds(ctx, o.Signed)
	if err != nil {
		return err
	}
	err = a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := setOpened(ctx, q, o.ID, from, a.now()); err != nil {
			return err
		}
		return ledger(a).burn(ctx, q, o.Signed, holds)
	})
	if err != nil {
		return err
	}
	return a.finishOpened(ctx)
}

// finishOpened writes into the logbook which boxes we opened, each once.
func (a opener) finishOpened(ctx context.Context) error {
	return disk.Alone(ctx, a.n.Lock, func() error {
		all, err := unloggedOwn(ctx, a.n.DB)
		if err != nil {
			return err
		}
		for _, o := range all {
			if err := a.write(ctx, TypeOpened, o.ID, o.logFrom); err != nil {
				return err
			}
			if err := setOwnLogged(ctx, a.n.DB, o.ID, a.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// returned refuses an ask about an owner that was silent and is heard again.
func (a opener) returned(ctx context.Context, s ask.Signed) error {
	if s.Reason != ask.SilentOwner || s.Owner == a.self() {
		return nil
	}
	owner, _, err := a.member(ctx, s.Owner)
	if err == nil && owner.Heard > s.Made.Add(-a.n.Alive) {
		err = core.Denied("custody.breakglass.alive", errors.New("the owner is heard again")).With("Member", string(s.Owner))
	}
	return err
}
