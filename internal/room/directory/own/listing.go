package own

import (
	"context"
	"errors"
	"io/fs"
	"maps"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

var errNothingSaid = errors.New("nothing is said of us yet")

// Hoster is what our own file says of us; ok is false while there is none. Returns
// CodeInvalid for a file that cannot be read as one.
func (o *Files) Hoster() (org statool.Organization, ok bool, err error) {
	o.read.Lock()
	defer o.read.Unlock()
	root, err := o.root()
	if errors.Is(err, fs.ErrNotExist) {
		return org, false, nil
	}
	if err != nil {
		return org, false, err
	}
	defer root.Close() //nolint:errcheck // only read
	p, err := o.parsed(root, HosterName)
	if errors.Is(err, fs.ErrNotExist) {
		return org, false, nil
	}
	if err != nil {
		return org, false, err
	}
	return p.org, p.bad == nil, p.bad
}

// Service is one of our services: its file's view, and its listing, which has what
// our own section says too.
type Service struct {
	statool.Service
	Listing catalogue.Service
}

// Services are ours, by their files' names.
func (o *Files) Services(ctx context.Context) (map[string]Service, error) {
	s, err := o.snapshot(ctx)
	return maps.Clone(s.services), err
}

// Listings are our own files as others read them; they are shared, and not to be
// changed. Returns CodeNotFound while there is none about us.
func (o *Files) Listings(ctx context.Context) (h catalogue.Hoster, all []catalogue.Service, err error) {
	s, err := o.snapshot(ctx)
	switch {
	case err != nil:
		return h, nil, err
	case s.failed != nil:
		return h, nil, s.failed
	case !s.known:
		return h, nil, core.NotFound("directory.no_own_file", errNothingSaid).With("Name", HosterName)
	}
	return s.hoster, s.listings, nil
}

// Unread are the names of our files that are there and cannot be read: what was said of
// them stays.
func (o *Files) Unread(ctx context.Context) (map[string]bool, error) {
	s, err := o.snapshot(ctx)
	return maps.Clone(s.unread), err
}

// Figures are the newest numbers of our services' files, in the files' words; they are
// shared, and not to be changed.
func (o *Files) Figures(ctx context.Context) ([]Figure, error) {
	s, err := o.snapshot(ctx)
	return s.figures, err
}
