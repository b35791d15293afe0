package own

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

var errNothingSaid = errors.New("nothing is said of us yet")

// Hoster is what our own file says of us; ok is false while there is none.
func (o *Files) Hoster() (org statool.Organization, ok bool, err error) {
	text, err := o.Text(HosterName)
	if core.CodeOf(err) == core.CodeNotFound {
		return org, false, nil
	}
	if err != nil {
		return org, false, err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return org, false, err
	}
	return statool.Read[statool.Organization](doc), true, nil
}

// Service is one of our services: its file's view, and its listing, which has what
// our own section says too.
type Service struct {
	statool.Service
	Listing catalogue.Service
}

// Services are ours, by their files' names.
func (o *Files) Services(ctx context.Context) (map[string]Service, error) {
	own, err := o.List(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]Service{}
	for _, f := range own {
		if doc, err := statool.Parse(f.Text); err == nil && f.Name != HosterName {
			all[f.Name] = Service{statool.Read[statool.Service](doc), catalogue.ServiceOf(doc, f.Name, o.n.Now())}
		}
	}
	return all, nil
}

// Listings are our own files as others read them. Returns CodeNotFound while there
// is none about us.
func (o *Files) Listings(ctx context.Context) (h catalogue.Hoster, all []catalogue.Service, err error) {
	own, err := o.List(ctx)
	if err != nil {
		return h, nil, err
	}
	// When a file was written is when its words were said.
	author := func(a catalogue.Author) catalogue.Author {
		return catalogue.Author{Key: string(o.n.Self), Source: catalogue.FromLog, Said: a.Said}
	}
	known := false
	for _, f := range own {
		doc, err := statool.Parse(f.Text)
		if err != nil {
			continue // doctor says so; what was said of it stays: see unread
		}
		if f.Name == HosterName {
			known, h = true, catalogue.HosterOf(doc, o.n.Now())
			h.Author = author(h.Author)
			h = h.Tidy()
			continue
		}
		s, err := catalogue.ServiceOf(doc, f.Name, o.n.Now()).Tidy()
		if err != nil {
			return h, nil, err
		}
		s.Author = author(s.Author)
		all = append(all, s)
	}
	if !known {
		return h, nil, core.NotFound("directory.no_own_file", errNothingSaid).With("Name", HosterName)
	}
	return h, all[:min(len(all), catalogue.MaxServices)], nil
}

// Unread are the names of our files that are there and cannot be read: what was said of
// them stays.
func (o *Files) Unread(ctx context.Context) (map[string]bool, error) {
	own, err := o.List(ctx)
	names := map[string]bool{}
	for _, f := range own {
		if _, bad := statool.Parse(f.Text); bad != nil {
			names[f.Name] = true
		}
	}
	return names, err
}
