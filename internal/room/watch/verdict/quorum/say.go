package quorum

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/verdict"
)

// Jobs keep the engine going.
func (e *Engine) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-verdicts", Run: e.Run},
		{Name: "watch-rosters", Every: 10 * time.Second, Jitter: 2 * time.Second, Run: e.Say},
		{Name: "watch-verdicts-told", Every: 30 * time.Second, Jitter: 5 * time.Second, Run: e.Tidy},
	}
}

// mostDrawn is how many draws are remembered.
const mostDrawn = 20_000

// Tidy tells what could not be told, logs what could not be logged, and forgets what is
// over.
func (e *Engine) Tidy(ctx context.Context) error {
	if err := e.turnedBack(ctx); err != nil {
		return err
	}
	err := e.refresh(ctx, 50*time.Second)
	teller{e}.reassure(ctx)
	err = errors.Join(err, teller{e}.settleAll(ctx), e.empty(ctx))
	e.mu.Lock()
	now := e.now()
	hourly := now >= e.lastHour.Add(time.Hour)
	if hourly {
		e.lastHour = now
		e.prune(now)
	}
	e.mu.Unlock()
	if hourly {
		err = errors.Join(err, reader{e}.tryPending(ctx, ""), e.facts.Forget(ctx, row{Kind: kindVoted, At: now.Add(-time.Hour)}))
	}
	return err
}

// turnedBack begins anew from what is stored when our clock went back: what we remember from
// before would have us wait until it is that late again.
func (e *Engine) turnedBack(ctx context.Context) error {
	now := e.now()
	e.mu.Lock()
	back := now < e.tidied.Add(-time.Minute)
	e.tidied = now
	e.mu.Unlock()
	if !back {
		return nil
	}
	e.n.Log.Warn("the clock of this machine went back: all verdicts are read again")
	return reader{e}.again(ctx)
}

// prune forgets what nobody asks for any more.
func (e *memory) prune(now core.Moment) {
	yesterday, hour := now.Add(-24*time.Hour), now.Add(-time.Hour)
	maps.DeleteFunc(e.charged, func(_ charge, b *bucket) bool { return b.at < yesterday })
	read := !e.fetched.IsZero() // before targets are read, all of them would seem gone
	for k, w := range e.watched {
		maps.DeleteFunc(w.unclosed, func(_ core.MemberID, at core.Moment) bool { return at < hour })
		if _, ok := e.targets[k]; read && !ok && len(w.events) == 0 && w.looked < yesterday {
			delete(e.watched, k)
			e.owned[k.Owner] = slices.DeleteFunc(e.owned[k.Owner], func(o verdict.Key) bool { return o == k })
		}
	}
}

// empty puts into our logbook what could not be put there at once.
func (e *Engine) empty(ctx context.Context) error {
	waiting, err := e.facts.Load(ctx, kindOutbox, 0)
	if err != nil {
		return err
	}
	for _, r := range waiting {
		var c verdict.Certificate
		if err := wire.Decode(r.Body, &c); err != nil {
			e.n.Log.Warn("a certificate that waits for the logbook is damaged, and left out", "owner", r.Owner)
			if err := e.facts.Put(ctx, row{Kind: kindOutbox, Owner: r.Owner, ID: r.ID, gone: true}); err != nil {
				return err
			}
			continue
		}
		if err := (collector{e}).log(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Say puts our duty and our roster into our logbook when they changed, and each month.
func (e *Engine) Say(ctx context.Context) error {
	if err := (speaker{e}).sayDuty(ctx); err != nil {
		return err
	}
	return speaker{e}.sayRoster(ctx)
}

func (e speaker) sayDuty(ctx context.Context) error {
	owners, err := e.n.Members.Owners(ctx)
	if err != nil {
		return err
	}
	site, _ := e.n.Members.Place(ctx, e.self)
	d := verdict.Duty{Site: trim(site), Owners: slices.Clone(owners)}
	slices.SortFunc(d.Owners, func(a, b verdict.Watched) int { return cmp.Compare(a.Member, b.Member) })
	d.Owners = d.Owners[:min(len(d.Owners), verdict.MaxOwners)]
	e.mu.Lock()
	said, ok := e.duties[e.self]
	e.mu.Unlock()
	if ok && said.Site == d.Site && slices.Equal(said.Owners, d.Owners) || !ok && len(d.Owners) == 0 {
		return nil
	}
	return e.append(ctx, verdict.TypeDuty, kindDuty, d)
}

// append puts a roster or a duty into our logbook and believes it at once.
func (e speaker) append(ctx context.Context, typ, kind string, body any) error {
	entry, err := e.n.Book.Append(ctx, typ, nil, 0, body)
	if err != nil {
		return err
	}
	text, err := wire.Encode(body)
	if err != nil {
		return err
	}
	r := row{Kind: kind, Owner: e.self, ID: verdict.HexHash(entry.Hash), At: entry.Iat, Log: e.self, Index: entry.Index, Body: text}
	if err := e.facts.Put(ctx, r); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.takeSaid(r)
	return nil
}

func (e speaker) sayRoster(ctx context.Context) error {
	lenders, err := e.n.Members.Lenders(ctx)
	if err != nil {
		return err
	}
	now := e.now()
	site, prefix := e.n.Members.Place(ctx, e.self)
	r := verdict.Roster{Month: now.Time().Format("2006-01"), Site: trim(site), Prefix: prefix}
	admins := map[string]core.MemberID{}
	slices.SortFunc(lenders, func(a, b core.Lender) int { return cmp.Compare(a.ID, b.ID) })
	for _, l := range lenders {
		if !e.looksAtUs(l.ID) {
			continue // it does not say that it looks
		}
		m := verdict.Member{Member: l.ID, Site: trim(l.Site)}
		_, m.Prefix = e.n.Members.Place(ctx, l.ID)
		if l.Admin != "" {
			m.With = admins[l.Admin]
			if m.With == "" {
				admins[l.Admin] = l.ID
			}
		}
		r.Members = append(r.Members, m)
	}
	r = r.Fit()
	e.mu.Lock()
	all := e.rosters[e.self]
	e.mu.Unlock()
	if len(all) == 0 && len(r.Members) == 0 || len(all) > 0 && sameRoster(all[len(all)-1].Roster, r) {
		return nil
	}
	if _, err := wire.Encode(r); err != nil {
		return fmt.Errorf("a roster of %d members: %w", len(r.Members), err)
	}
	return e.append(ctx, verdict.TypeRoster, kindRoster, r)
}

func (e *memory) looksAtUs(m core.MemberID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.duties[m].Owners, func(o verdict.Watched) bool { return o.Member == e.self })
}

// sameRoster compares but for the addresses: a node that moves within the month changes no
// draw.
func sameRoster(a, b verdict.Roster) bool {
	return a.Month == b.Month && a.Site == b.Site && slices.EqualFunc(a.Members, b.Members, func(a, b verdict.Member) bool {
		return a.Member == b.Member && a.Site == b.Site && a.With == b.With
	})
}

// trim cuts a site to what an entry takes.
func trim(site string) string {
	site = verdict.PlainSite(site)
	for len(site) > verdict.MaxSite || !verdict.SiteAndPrefix(site, "") {
		r := []rune(site)
		site = string(r[:len(r)-1])
	}
	return site
}

// Rosters says how many rosters an owner said in a month, and how often its members
// changed in it: more rosters than changes are an owner that tried until it liked the
// draw.
func (e *Engine) Rosters(owner core.MemberID, month string) (said, changed int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var before []core.MemberID
	for _, r := range e.rosters[owner] {
		var members []core.MemberID
		for _, m := range r.Members {
			members = append(members, m.Member)
		}
		slices.Sort(members)
		if r.Month == month {
			said++
			if !slices.Equal(before, members) {
				changed++
			}
		}
		before = members
	}
	return said, changed
}
