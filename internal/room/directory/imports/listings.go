package imports

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// grace is how long what a list dropped is still kept.
const grace = 7 * 24 * time.Hour

// listings hands to the catalogue what a hoster's file and its services' say, if any
// of them was heard in this walk. A service that is a root stands for itself.
func (w *walk) listings(ctx context.Context, address string, r *Report) error {
	f := w.files[address]
	var links []link
	var err error
	if f.Class == statool.ClassOrganization {
		if links, _, err = w.m.links(ctx, address, statool.ClassService); err != nil {
			return err
		}
	}
	heard := w.heard(address)
	for _, l := range links {
		heard = heard || w.heard(l.Child)
	}
	if !heard {
		return nil
	}
	if f.Class == statool.ClassService {
		return w.lone(ctx, f, r)
	}
	now := w.m.n.Now()
	doc, err := w.m.document(ctx, address)
	if doc == nil {
		return err
	}
	h := catalogue.HosterOf(doc, now)
	h.Author.Key, h.Author.Heard, h.File = address, f.Heard, address
	var all []catalogue.Service
	for _, l := range links {
		s, ok, err := w.m.service(ctx, l.Child, l.Slug, now)
		if err != nil {
			return err
		}
		if ok {
			s.Author.Key, s.Unverified = address, !controls(address, l.Child)
			all = append(all, s)
		}
	}
	r.Hosters, r.Services = r.Hosters+1, r.Services+len(all)
	return w.m.n.Catalogue.Put(ctx, h, all)
}

// links are what a file leads to, each address once, of services as many as a hoster
// may have in the catalogue; more is the line of the first one beyond, 0 for none.
func (m *Importer) links(ctx context.Context, parent string, class statool.Class) (links []link, more int, err error) {
	all, err := linksFrom(ctx, m.n.DB, parent)
	seen := map[string]bool{}
	for _, l := range all {
		switch {
		case l.Child != "" && seen[l.Child]:
		case class == statool.ClassService && len(links) == catalogue.MaxServices:
			return links, l.Line, err
		default:
			links, seen[l.Child] = append(links, l), true
		}
	}
	return links, 0, err
}

func (w *walk) heard(address string) bool {
	o, visited := w.done[address]
	return visited && (o == isGood || o == isUnchanged)
}

// lone is a service that somebody imported by itself: nobody says whose it is, so it
// goes by its host's name, and only as long as no hoster's file leads to it.
func (w *walk) lone(ctx context.Context, f File, r *Report) error {
	parents, err := parentsOf(ctx, w.m.n.DB, f.URL)
	if err != nil {
		return err
	}
	if len(parents) > 0 {
		return w.m.n.Catalogue.Forget(ctx, f.URL)
	}
	s, ok, err := w.m.service(ctx, f.URL, "service", w.m.n.Now())
	if err != nil || !ok {
		return err
	}
	s.Author.Key = f.URL
	r.Hosters, r.Services = r.Hosters+1, r.Services+1
	return w.m.n.Catalogue.Put(ctx, catalogue.Hoster{Author: s.Author, Name: host(f.URL)}, []catalogue.Service{s})
}

// service is the listing of a service's last good version, if there is one.
func (m *Importer) service(ctx context.Context, address, slug string, now time.Time) (catalogue.Service, bool, error) {
	f, _, err := fileAt(ctx, m.n.DB, address)
	if err != nil || f.Class != statool.ClassService {
		return catalogue.Service{}, false, err
	}
	doc, err := m.document(ctx, address)
	if doc == nil {
		return catalogue.Service{}, false, err
	}
	s := catalogue.ServiceOf(doc, slug, now)
	s.Author.Heard = f.Heard
	return s, true, nil
}

// document is the last good version; nil when there is none.
func (m *Importer) document(ctx context.Context, address string) (*statool.Document, error) {
	body, err := bodyOf(ctx, m.n.DB, address)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	return statool.Parse(body)
}

// sweep lets go what nothing leads to any more.
func (m *Importer) sweep(ctx context.Context) (gone []string, err error) {
	gone, err = sweep(ctx, m.n.DB, core.At(m.n.Now().Add(-grace)))
	if err != nil {
		return nil, err
	}
	for _, address := range gone {
		if err := m.n.Catalogue.Forget(ctx, address); err != nil {
			return gone, err
		}
	}
	return gone, nil
}
