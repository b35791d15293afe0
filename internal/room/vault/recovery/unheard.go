package recovery

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
)

// noteUnheard lists the members that a recovery has not heard to the end, for the
// running node to go on with.
const noteUnheard = "recover_unheard"

// LeaveOut has this process ask nothing of these members: one that is slow or lies need
// not be waited for. What they hold counts as out of reach for now.
func (r *Recovery) LeaveOut(ids ...core.MemberID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.without = append(r.without, ids...)
}

// LeftOut says whether a member is one of LeaveOut.
func (r *Recovery) LeftOut(id core.MemberID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.without, id)
}

// everybody says that nobody is left out.
func (r *Recovery) everybody() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.without) == 0
}

// Pages that bring less than this each, on the average of more than grace of them, are
// a list without an end.
const (
	PageGrace = 20
	pageLeast = 50
)

// EachHeld reads the list of all our shards that a member has, page by page. It ends:
// each page by the rule of progress, and their number with what they bring.
func (r *Recovery) EachHeld(ctx context.Context, member core.MemberID, tell func(holder.Entry)) error {
	pages, total := 0, 0
	return r.eachPage(ctx, member, "", holder.MaxPage, func(page holder.Page) (more bool, err error) {
		for _, held := range page.Shards {
			tell(held)
		}
		pages, total = pages+1, total+len(page.Shards)
		if page.Next == "" {
			return false, nil
		}
		return true, endless(member, pages, total)
	})
}

// eachPage reads the list of our shards that a member has, from behind a name on, limit
// shards at a time, while tell wants more.
func (r *Recovery) eachPage(ctx context.Context, member core.MemberID, after string, limit int, tell func(holder.Page) (more bool, err error)) error {
	for {
		page, err := r.n.Holder(member).List(ctx, r.n.Signer.ID(), after, limit)
		if err != nil {
			return err
		}
		if more, err := tell(page); err != nil || !more {
			return err
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// endless refuses a list of which so many pages brought so few shards.
func endless(member core.MemberID, pages, shards int) error {
	if pages <= PageGrace || shards >= pages*pageLeast {
		return nil
	}
	return core.Unsure("vault.member_slow", fmt.Errorf("%d shards in %d pages", shards, pages)).With("Member", member)
}

// MayHide says whether so many lenders are silent that a file may lie at them alone:
// what is kept whole in the fewest copies.
func MayHide(contacts []Contact, silent []core.MemberID) bool {
	lenders, away := 0, 0
	for _, c := range contacts {
		if !c.Lends {
			continue
		}
		lenders++
		if slices.Contains(silent, c.ID) {
			away++
		}
	}
	if lenders == 0 { // nobody knows who they are
		lenders, away = len(contacts), len(silent)
	}
	return away > 0 && away >= catalogue.CodeFor(rest.Index, lenders).N
}

// Unheard lists the members that a recovery has not heard to the end.
func (r *Recovery) Unheard(ctx context.Context) ([]core.MemberID, error) {
	return r.store.Notes.Members(ctx, noteUnheard)
}

func (r *Recovery) setUnheard(ctx context.Context, ids []core.MemberID) error {
	return r.store.Notes.SetMembers(context.WithoutCancel(ctx), noteUnheard, ids)
}

// HearMore goes on with a recovery: when a member answers that did not, everybody is
// asked again, because what became of an object only all of them together say. It waits
// for the start of the node to be through.
func (r *Recovery) HearMore(ctx context.Context) error {
	select {
	case <-r.n.Started:
	case <-ctx.Done():
		return ctx.Err()
	}
	unheard, err := r.Unheard(ctx)
	if err != nil || len(unheard) == 0 {
		return err
	}
	contacts, err := r.n.Contacts(ctx)
	if err != nil {
		return err
	}
	known := func(id core.MemberID) bool {
		return slices.ContainsFunc(contacts, func(c Contact) bool { return c.ID == id })
	}
	unheard = slices.DeleteFunc(unheard, func(id core.MemberID) bool { return !known(id) })
	if len(unheard) == 0 {
		return r.setUnheard(ctx, nil)
	}
	if !r.anyAnswers(ctx, unheard) {
		return nil
	}
	identity, err := r.keyring.LabelKeys()
	if err != nil {
		return err
	}
	found, err := r.retake(ctx, func(MemberFound) {}, identity)
	if core.CodeOf(err) == core.CodeUnsure {
		r.n.Log.Info("a recovery goes on later", "unheard", catalogue.Joined(found.Silent), "error", err)
		return nil
	}
	files, _ := found.Missing()
	r.n.Log.Info("a recovery went on", "unheard", catalogue.Joined(found.Silent), "missing", files)
	r.n.Work.Broadcast()
	return err
}

// anyAnswers asks members, all at once, for the first of our shards.
func (r *Recovery) anyAnswers(ctx context.Context, members []core.MemberID) bool {
	answers := make([]bool, len(members))
	var all sync.WaitGroup
	for i, id := range members {
		all.Go(func() {
			_, err := r.n.Holder(id).List(ctx, r.n.Signer.ID(), "", 1)
			answers[i] = err == nil
		})
	}
	all.Wait()
	return slices.Contains(answers, true)
}
