package app

import (
	"context"
	"slices"
	"strings"

	"entrechat/internal/room/directory"
	"entrechat/internal/room/watch"
)

// offersForWatch lets the watch ask the directory.
func offersForWatch(a *App) any {
	if room, ok := opened[*directory.Room](a); ok {
		return directoryOffers{room}
	}
	return nil
}

type directoryOffers struct{ room *directory.Room }

// Offers are our published services that have an address.
func (d directoryOffers) Offers(ctx context.Context) ([]watch.Offer, error) {
	services, err := d.room.Own.Services(ctx)
	var out []watch.Offer
	for _, s := range services {
		if s.Listing.Website != "" && !s.Listing.Ended {
			out = append(out, watch.Offer{Service: s.Listing.Name, Address: s.Listing.Website})
		}
	}
	slices.SortFunc(out, func(a, b watch.Offer) int { return strings.Compare(a.Service, b.Service) })
	return out, err
}
