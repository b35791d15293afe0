package directory

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// What a hoster says in its logbook: of itself, and of one service. The last one
// said counts.
// spec: docs/spec/directory.md#entries
const (
	typeHoster  = "entrechat/hoster/1"
	typeService = "entrechat/service/1"
)

var errNothingSaid = errors.New("nothing is said of us yet")

// say tells the others what changed in our own files since we last told them.
// Nothing is said as long as there is no file about us.
func (r *Room) say(ctx context.Context) error {
	h, services, err := r.ownSheets(ctx)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	before, said, err := r.Catalogue.Hoster(ctx, h.Author.Key)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if !sameSheet(h, before) || sayAgain(h.Author, before.Author) {
		if err := r.tell(ctx, typeHoster, h, func(a catalogue.Author) error {
			h.Author = a
			return r.Catalogue.PutHoster(ctx, h)
		}); err != nil {
			return err
		}
		if h.State != before.State && h.State != catalogue.StateUnknown {
			if err := r.addChange(ctx, change{at: r.now(), what: "state", name: h.Name, value: string(h.State)}); err != nil {
				return err
			}
		}
	}
	unread, err := r.unread(ctx)
	if err != nil {
		return err
	}
	for _, s := range changes(said, services) {
		if unread[s.Slug] {
			continue
		}
		if err := r.tellService(ctx, said, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) tellService(ctx context.Context, said []catalogue.Service, s catalogue.Service) error {
	if err := r.tell(ctx, typeService, s, func(a catalogue.Author) error {
		s.Author = a
		return r.Catalogue.PutService(ctx, s)
	}); err != nil {
		return err
	}
	var was *catalogue.Service
	if at := slices.IndexFunc(said, func(b catalogue.Service) bool { return b.Slug == s.Slug }); at >= 0 {
		was = &said[at]
	}
	for _, c := range whatChanged(was, s) {
		c.at = r.now()
		if err := r.addChange(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *Room) now() core.Moment { return core.At(r.n.Now()) }

// sayNow is say for somebody who just changed a file: when it does not work now, the
// job does it later.
func (r *Room) sayNow(ctx context.Context) {
	if r.Catalogue == nil {
		return
	}
	if err := r.say(ctx); err != nil {
		r.n.Log.Info("not said in the logbook yet", "error", err)
	}
}

// tell writes one sheet into our logbook, and keeps it at once: the next comparison
// must not find it missing.
func (r *Room) tell(ctx context.Context, typ string, sheet any, keep func(catalogue.Author) error) error {
	e, err := r.n.Book.Append(ctx, typ, nil, 0, sheet)
	if err != nil {
		return err
	}
	return keep(r.authorOf(e))
}

// ownSheets are our own files as others read them. Returns CodeNotFound while there
// is none about us.
func (r *Room) ownSheets(ctx context.Context) (h catalogue.Hoster, all []catalogue.Service, err error) {
	own, err := r.Own(ctx)
	if err != nil {
		return h, nil, err
	}
	// When a file was written is when its words were said.
	author := func(a catalogue.Author) catalogue.Author {
		return catalogue.Author{Key: string(r.n.Self), Source: catalogue.FromLog, Said: a.Said}
	}
	known := false
	for _, f := range own {
		doc, err := statool.Parse(f.Text)
		if err != nil {
			continue // doctor says so; what was said of it stays: see unread
		}
		if f.Name == hoster {
			known, h = true, catalogue.HosterOf(doc, r.n.Now())
			h.Author = author(h.Author)
			h = h.Tidy()
			continue
		}
		s, err := catalogue.ServiceOf(doc, f.Name, r.n.Now()).Tidy()
		if err != nil {
			return h, nil, err
		}
		s.Author = author(s.Author)
		all = append(all, s)
	}
	if !known {
		return h, nil, core.NotFound("directory.no_own_file", errNothingSaid).With("Name", hoster)
	}
	return h, all[:min(len(all), catalogue.MaxServices)], nil
}

// unread are the names of our files that are there and cannot be read: what was said of
// them stays.
func (r *Room) unread(ctx context.Context) (map[string]bool, error) {
	own, err := r.Own(ctx)
	names := map[string]bool{}
	for _, f := range own {
		if _, bad := statool.Parse(f.Text); bad != nil {
			names[f.Name] = true
		}
	}
	return names, err
}

// changes are the services of which something else is to be said than was said
// last; those that have no file any more are over.
func changes(said, now []catalogue.Service) (out []catalogue.Service) {
	before := map[string]catalogue.Service{}
	for _, s := range said {
		before[s.Slug] = s
	}
	for _, s := range now {
		if was, ok := before[s.Slug]; !ok || !sameSheet(s, was) || !s.Ended && sayAgain(s.Author, was.Author) {
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

// sameSheet compares what two sheets say, whoever said it and when.
func sameSheet(a, b any) bool {
	one, err := wire.Encode(a)
	other, err2 := wire.Encode(b)
	return err == nil && err2 == nil && bytes.Equal(one, other)
}

// readers hear what members say of themselves.
func (r *Room) readers() []logbook.Reader {
	return []logbook.Reader{{Name: "directory", Types: []string{typeHoster, typeService}, Read: r.read, Cut: r.cut}}
}

// read takes one entry in. What makes no sense is skipped: it must not stop the
// rest of that logbook.
func (r *Room) read(ctx context.Context, e logbook.Entry) error {
	if stale, err := r.saidSince(ctx, e); err != nil || stale {
		return err
	}
	if e.Typ == typeHoster {
		var h catalogue.Hoster
		if wire.Peek(e.Body, &h) != nil {
			return nil //nolint:nilerr // a stranger's mistake
		}
		h.Author = r.authorOf(e)
		return r.Catalogue.PutHoster(ctx, h.Tidy())
	}
	var s catalogue.Service
	if wire.Peek(e.Body, &s) != nil {
		return nil //nolint:nilerr // as above
	}
	s, err := s.Tidy()
	if err != nil {
		return nil //nolint:nilerr // a stranger's mistake
	}
	s.Author = r.authorOf(e)
	err = r.Catalogue.PutService(ctx, s)
	if core.CodeOf(err) == core.CodeFull {
		return nil // more services than we keep of one hoster
	}
	return err
}

// saidSince says whether an entry of our own is older than what we keep of ourselves:
// it was told before it comes back to us here.
func (r *Room) saidSince(ctx context.Context, e logbook.Entry) (bool, error) {
	if e.Log != r.n.Self {
		return false, nil
	}
	h, all, err := r.Catalogue.Hoster(ctx, string(e.Log))
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	last := h.Author.Said
	if e.Typ == typeService {
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
func (r *Room) cut(ctx context.Context, log core.MemberID, _ int64) error {
	return r.Catalogue.Forget(ctx, string(log))
}

func (r *Room) authorOf(e logbook.Entry) catalogue.Author {
	now := core.At(r.n.Now())
	return catalogue.Author{Key: string(e.Log), Source: catalogue.FromLog, Said: min(e.Iat, now), Heard: now}
}
