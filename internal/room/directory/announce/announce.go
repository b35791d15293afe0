package announce

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/own"
)

// What a hoster says in its logbook: of itself, and of one service. The last one
// said counts.
// spec: docs/spec/directory.md#entries
const (
	TypeHoster  = "entrechat/hoster/1"
	TypeService = "entrechat/service/1"
)

// Book is the logbook as we write into it.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Needs is what telling and hearing are made of; all of it is required.
type Needs struct {
	DB        *db.DB // with migrations.Files applied
	Own       *own.Files
	Catalogue *catalogue.Store
	Book      Book
	Self      core.MemberID
	Now       func() time.Time
	Log       *slog.Logger
}

// Announcer tells and hears. Safe for concurrent use.
type Announcer struct{ n Needs }

// New makes it.
func New(n Needs) *Announcer { return &Announcer{n} }

// Say tells the others what changed in our own files since we last told them.
// Nothing is said as long as there is no file about us.
func (a *Announcer) Say(ctx context.Context) error {
	h, services, err := a.n.Own.Listings(ctx)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	before, said, err := a.n.Catalogue.Hoster(ctx, h.Author.Key)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if !sameListing(h, before) || sayAgain(h.Author, before.Author) {
		if err := a.tell(ctx, TypeHoster, h, func(by catalogue.Author) error {
			h.Author = by
			return a.n.Catalogue.PutHoster(ctx, h)
		}); err != nil {
			return err
		}
		if h.State != before.State && h.State != catalogue.StateUnknown {
			if err := a.AddChange(ctx, Change{At: a.now(), What: "state", Name: h.Name, Value: string(h.State)}); err != nil {
				return err
			}
		}
	}
	unread, err := a.n.Own.Unread(ctx)
	if err != nil {
		return err
	}
	for _, s := range changes(said, services) {
		if unread[s.Slug] {
			continue
		}
		if err := a.tellService(ctx, said, s); err != nil {
			return err
		}
	}
	return nil
}

func (a *Announcer) tellService(ctx context.Context, said []catalogue.Service, s catalogue.Service) error {
	if err := a.tell(ctx, TypeService, s, func(by catalogue.Author) error {
		s.Author = by
		return a.n.Catalogue.PutService(ctx, s)
	}); err != nil {
		return err
	}
	var was *catalogue.Service
	if at := slices.IndexFunc(said, func(b catalogue.Service) bool { return b.Slug == s.Slug }); at >= 0 {
		was = &said[at]
	}
	for _, c := range whatChanged(was, s) {
		c.At = a.now()
		if err := a.AddChange(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (a *Announcer) now() core.Moment { return core.At(a.n.Now()) }

// SayNow is Say for somebody who just changed a file: when it does not work now, the
// job does it later.
func (a *Announcer) SayNow(ctx context.Context) {
	if err := a.Say(ctx); err != nil {
		a.n.Log.Info("not said in the logbook yet", "error", err)
	}
}

// tell writes one listing into our logbook, and stores it at once: the next comparison
// must not find it missing.
func (a *Announcer) tell(ctx context.Context, typ string, listing any, store func(catalogue.Author) error) error {
	e, err := a.n.Book.Append(ctx, typ, nil, 0, listing)
	if err != nil {
		return err
	}
	return store(a.authorOf(e))
}

// changes are the services of which something else is to be said than was said
// last; those that have no file any more are over.
func changes(said, now []catalogue.Service) (out []catalogue.Service) {
	before := map[string]catalogue.Service{}
	for _, s := range said {
		before[s.Slug] = s
	}
	for _, s := range now {
		if was, ok := before[s.Slug]; !ok || !sameListing(s, was) || !s.Ended && sayAgain(s.Author, was.Author) {
			out = append(out, s)
		}
		delete(before, s.Slug)
	}
	for _, s := range said {
		if _, gone := before[s.Slug]; gone && !s.Ended {
			out = append(out, catalogue.Service{Author: s.Author, Slug: s.Slug, Name: s.Name, Kind: s.Kind, Ended: true})
		}
	}
	return out
}

// again is how much newer a file must be than what the members were told for the
// same words to be told again.
const again = 7 * 24 * time.Hour

// sayAgain says that a file was confirmed since its words were told: others count
// their age from then.
func sayAgain(now, told catalogue.Author) bool { return now.Said > told.Said.Add(again) }

// sameListing compares what two listings say, whoever said it and when.
func sameListing(a, b any) bool {
	one, err := wire.Encode(a)
	other, err2 := wire.Encode(b)
	return err == nil && err2 == nil && bytes.Equal(one, other)
}

// Readers hear what members say of themselves.
func (a *Announcer) Readers() []logbook.Reader {
	return []logbook.Reader{{Name: "directory", Types: []string{TypeHoster, TypeService}, Read: a.read, Truncated: a.cut}}
}

// read takes one entry in. What makes no sense is skipped: it must not stop the
// rest of that logbook.
func (a *Announcer) read(ctx context.Context, e logbook.Entry) error {
	if stale, err := a.saidSince(ctx, e); err != nil || stale {
		return err
	}
	if e.Typ == TypeHoster {
		var h catalogue.Hoster
		if wire.Peek(e.Body, &h) != nil {
			return nil //nolint:nilerr // a stranger's mistake
		}
		h.Author = a.authorOf(e)
		return a.n.Catalogue.PutHoster(ctx, h.Tidy())
	}
	var s catalogue.Service
	if wire.Peek(e.Body, &s) != nil {
		return nil //nolint:nilerr // as above
	}
	s, err := s.Tidy()
	if err != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	s.Author = a.authorOf(e)
	err = a.n.Catalogue.PutService(ctx, s)
	if core.CodeOf(err) == core.CodeFull {
		return nil // more services than we store of one hoster
	}
	return err
}

// saidSince says whether an entry of our own is older than what we know of ourselves:
// it was told before it comes back to us here.
func (a *Announcer) saidSince(ctx context.Context, e logbook.Entry) (bool, error) {
	if e.Log != a.n.Self {
		return false, nil
	}
	h, all, err := a.n.Catalogue.Hoster(ctx, string(e.Log))
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	last := h.Author.Said
	if e.Typ == TypeService {
		var s catalogue.Service
		if wire.Peek(e.Body, &s) != nil {
			return true, nil //nolint:nilerr // read skips it anyway
		}
		last = 0
		for _, have := range all {
			if have.Slug == s.Slug {
				last = have.Author.Said
			}
		}
	}
	return e.Iat < last, nil
}

// cut forgets what a member said when some of it was taken back: its own node says
// anew what holds.
func (a *Announcer) cut(ctx context.Context, log core.MemberID, _ int64) error {
	return a.n.Catalogue.Forget(ctx, string(log))
}

func (a *Announcer) authorOf(e logbook.Entry) catalogue.Author {
	now := core.At(a.n.Now())
	return catalogue.Author{Key: string(e.Log), Source: catalogue.FromLog, Said: min(e.Iat, now), Heard: now}
}

// whatChanged compares a service with what was said of it before; was is nil the
// first time. A word that was corrected is nothing that people subscribe to.
func whatChanged(was *catalogue.Service, now catalogue.Service) (all []Change) {
	add := func(what, value string) {
		all = append(all, Change{What: what, Slug: now.Slug, Name: now.Name, Value: value})
	}
	switch {
	case now.Ended && was != nil && !was.Ended:
		add("ended", "")
		return all
	case now.Ended:
		return nil
	case was == nil || was.Ended:
		add("new", "")
		return all
	}
	full := func(s catalogue.Service) bool { return s.Access.Load == access.LoadFull }
	if full(now) != full(*was) {
		add(map[bool]string{true: "full", false: "open"}[full(now)], "")
	}
	if now.Level != was.Level && now.Level != catalogue.LevelUnknown {
		add("level", strings.ToUpper(string(now.Level)))
	}
	return all
}
