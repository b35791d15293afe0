package deal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
)

// plan finds the holders of a wish and holds it against the rules.
func (d dealer) plan(ctx context.Context, w Wish) (p plan, err error) {
	if !w.Scope.Valid() {
		return p, core.Invalid("custody.box.bad_scope", errors.New("no scope"))
	}
	if err := d.n.checkWait(w.Scope, w.wait()); err != nil {
		return p, err
	}
	if err := d.checkContent(ctx, w.Scope, w.Content); err != nil {
		return p, err
	}
	p = plan{k: w.K, alone: w.Alone}
	lenders, err := d.n.Trust.Lenders(ctx, d.n.Kind)
	if err != nil {
		return p, err
	}
	for _, typed := range w.To {
		c, err := d.candidate(ctx, lenders, typed)
		if err != nil {
			return p, err
		}
		p.holders = append(p.holders, c)
	}
	for _, label := range w.Paper {
		label = strings.TrimSpace(label)
		if label == "" || len(label) > 100 {
			return p, core.Invalid("custody.deal.bad_label", errors.New("no name for a sheet"))
		}
		p.holders = append(p.holders, candidate{Holder: Holder{Person: opaque()}, kind: byPaper, name: label})
	}
	return p, p.check()
}

// checkWait refuses a wait that no holder would keep to: ours is as short as we allow. For a
// rehearsal's dummy nobody waits.
func (n Needs) checkWait(scope box.Scope, wait time.Duration) error {
	least := n.LeastWait
	if scope == box.Rehearsal {
		least = 0
	}
	if wait < least || wait > longestWait || wait%time.Hour != 0 {
		return core.Invalid("custody.deal.bad_wait", fmt.Errorf("a wait of %v", wait)).With("Least", least).With("Most", longestWait)
	}
	return nil
}

// opaque names somebody to others without saying anything of them.
func opaque() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// candidate finds a holder: a person of ours, or a member that promised it.
func (d dealer) candidate(ctx context.Context, lenders []core.Lender, typed string) (c candidate, err error) {
	admin, err := d.n.People.Admin(ctx, typed)
	if err == nil {
		return candidate{
			Holder: Holder{Person: admin.ID}, kind: byPage, name: typed, together: []string{"place " + admin.Place}, seal: sealTo(admin.Recipient),
		}, nil
	}
	if core.CodeOf(err) != core.CodeNotFound {
		return c, err
	}
	id, err := core.ParseMemberID(typed)
	if err != nil {
		return c, core.NotFound("custody.deal.no_holder", err).With("Holder", typed)
	}
	for _, l := range lenders {
		if l.ID != id {
			continue
		}
		to, err := d.n.Recipients.Of(ctx, id)
		if err != nil {
			return c, err
		}
		c = candidate{Holder: Holder{Member: id}, kind: byNode, name: string(id), seal: sealTo(to)}
		if l.Site != "" {
			c.together = append(c.together, "site "+l.Site)
		}
		if l.Admin != "" {
			c.together = append(c.together, "admin "+l.Admin)
		}
		return c, nil
	}
	return c, core.NotFound("custody.deal.no_promise", fmt.Errorf("no pact with %s", id)).With("Member", string(id))
}

// checkContent refuses what a box of a scope must not hold: for root anything but our own 24
// words.
func (d dealer) checkContent(ctx context.Context, scope box.Scope, content []byte) error {
	if scope != box.Root {
		return nil
	}
	seed, err := seal.ParseSeed(string(content))
	if err != nil {
		return err
	}
	me, err := d.n.Book.Member(ctx, d.n.self())
	if err != nil {
		return err
	}
	if seed.Root() != me.Root {
		return core.Invalid("custody.deal.other_words", errors.New("words of another root key"))
	}
	return nil
}
