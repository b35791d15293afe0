package directory

import (
	"context"
	"maps"
	"slices"
)

// EachService calls fn for each of our services that has not ended, by the name of its file, for
// other rooms. title is what users know it as, terms the address of its terms; what the file does
// not say is empty. Returns the first error of fn.
func (r *Room) EachService(ctx context.Context, fn func(name, title, program, version, website, terms string) error) error {
	all, err := r.Own.Services(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if s.Listing.Ended {
			continue
		}
		if err := fn(name, s.Listing.Name, s.Listing.Software, s.Listing.Version, s.Listing.Website, s.Legal); err != nil {
			return err
		}
	}
	return nil
}
