package app

import (
	"context"
	"slices"
	"strings"

	"entrechat/internal/core"
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

// Name is how people call a hoster; empty while nobody said it.
func (d directoryOffers) Name(ctx context.Context, id core.MemberID) string {
	if h, _, err := d.room.Catalogue.Hoster(ctx, string(id)); err == nil {
		return h.Name
	}
	return ""
}
