package fill

import (
	"context"
	"slices"

	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

// Show is our pack of a service as it stands now, without asking anybody anew. Returns
// CodeNotFound "succession.pack.no_folder".
func (s *Filler) Show(ctx context.Context, service string) (pack.View, error) {
	d, err := s.draft(ctx, service, false)
	if err != nil {
		return pack.View{}, err
	}
	p := pack.Pack{Owner: s.self(), Service: service, Program: d.program, Version: d.version}
	last, _, _, err := s.n.Packs.Last(ctx, service)
	if err != nil {
		return pack.View{}, err
	}
	p.Number, p.ID, p.Made = last.Number, last.ID, last.Made
	if p.Items, err = s.items(ctx, d); err != nil {
		return pack.View{}, err
	}
	v := pack.ViewOf(p, s.now())
	for i := range v.Items {
		for _, g := range d.gaps {
			if g.Item == v.Items[i].Name {
				v.Items[i].Gaps = append(v.Items[i].Gaps, g)
			}
		}
		if l := v.Items[i]; l.Ended(s.now()) {
			v.Items[i].Gaps = append(l.Gaps, pack.Gap{Item: l.Name, Text: d.Domain.Name + ": " + l.Note})
		}
	}
	v.Dir = d.path
	recipient, err := s.recipient(ctx, d)
	if err != nil {
		return v, err
	}
	v.Unsealed = recipient == ""
	v.Successors, err = s.n.Packs.Successors(ctx, p)
	return v, err
}

// Ours are our packs, by service: of those with a folder, and of those that name a successor.
// An error of one is not that of all: broken names those that cannot be read.
func (s *Filler) Ours(ctx context.Context) (all []pack.View, broken map[string]error, err error) {
	services, err := s.Services()
	if err != nil {
		return nil, nil, err
	}
	broken = map[string]error{}
	for _, service := range services {
		v, err := s.Show(ctx, service)
		if err != nil && ctx.Err() != nil {
			return nil, nil, err
		}
		if err != nil {
			broken[service] = err
			continue
		}
		all = append(all, v)
	}
	return all, broken, nil
}

// Unnamed are our services that nobody would take over: those of the catalogue, and those with a
// folder.
func (s *Filler) Unnamed(ctx context.Context) (names []string, err error) {
	if names, err = s.Services(); err != nil {
		return nil, err
	}
	if offers, ok := find[Offers](s); ok {
		err = offers.EachService(ctx, func(name, _, _, _, _, _ string) error {
			if promise.ValidService(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	named, err := s.n.Promises.Of(ctx, s.self())
	return slices.DeleteFunc(names, func(service string) bool {
		return slices.ContainsFunc(named, func(n promise.Successor) bool { return n.Service == service })
	}), err
}
