package directory

import (
	"context"
	"fmt"
	"os"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// Reclaim writes our own files anew from what we said in our logbook, after a recovery
// from nothing, and answers how many: the hoster's first. A file that is there stays. What a
// logbook never carried, legal notice, funding, people's remarks, is for people to add.
func (r *Room) Reclaim(ctx context.Context) (int, error) {
	h, services, err := r.Catalogue.Hoster(ctx, string(r.n.Self))
	if core.CodeOf(err) == core.CodeNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(r.n.Dir, 0o700); err != nil {
		return 0, fmt.Errorf("make the folder of own files: %w", err)
	}
	count := 0
	write := func(name string, doc *statool.Document, err error) error {
		if err != nil {
			return err
		}
		if _, err := r.Own.Text(name); core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		count++
		return own.Replace(r.n.Dir, name+own.Suffix, doc.Bytes())
	}
	doc, err := hosterDocument(h, services, r.Own.Address)
	if err := write(own.HosterName, doc, err); err != nil {
		return count, err
	}
	for _, s := range services {
		if s.Ended || !own.IsName(s.Slug) || s.Slug == own.HosterName {
			continue
		}
		doc, err := s.Document(statool.Generator, r.Own.Address(s.Slug))
		if err := write(s.Slug, doc, err); err != nil {
			return count, err
		}
	}
	return count, nil
}

// hosterDocument leads to the services' files, as link does.
func hosterDocument(h catalogue.Hoster, services []catalogue.Service, address func(string) string) (*statool.Document, error) {
	doc, err := h.Document(statool.Generator)
	for _, s := range services {
		if err == nil && !s.Ended && own.IsName(s.Slug) {
			err = doc.Set("subs."+s.Slug, address(s.Slug))
		}
	}
	return doc, err
}
