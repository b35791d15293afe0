package alert

import (
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// AddPerson adds a person to our plan. Returns CodeConflict for an id that is taken.
func (s *Service) AddPerson(ctx context.Context, person contact.Person) error {
	return s.Edit(ctx, func(plan *contact.Plan) error {
		if _, taken := plan.Person(person.ID); taken {
			return core.Conflict("watch.alert.person_there", errors.New("the id is taken")).With("Value", person.ID)
		}
		plan.People = append(plan.People, person)
		return nil
	})
}

// RemovePerson removes a person with the shifts. Returns CodeNotFound.
func (s *Service) RemovePerson(ctx context.Context, id string) error {
	return s.Edit(ctx, func(plan *contact.Plan) error {
		if _, err := find(plan, id); err != nil {
			return err
		}
		plan.People = slices.DeleteFunc(plan.People, func(p contact.Person) bool { return p.ID == id })
		plan.Rota.Shifts = slices.DeleteFunc(plan.Rota.Shifts, func(sh contact.Shift) bool { return sh.Person == id })
		return nil
	})
}

// AddChannel adds a channel to a person, as the last or the first to be tried, and names
// it when it has no ID. Returns CodeNotFound, CodeInvalid.
func (s *Service) AddChannel(ctx context.Context, id string, c contact.Channel, first bool) (contact.Channel, error) {
	err := s.Edit(ctx, func(plan *contact.Plan) error {
		person, err := find(plan, id)
		if err != nil {
			return err
		}
		if !slices.Contains(contact.Kinds(), c.Kind) {
			return core.Invalid("watch.alert.bad_kind", errors.New("unknown kind")).With("Value", string(c.Kind))
		}
		c.ID = freeID(*person, c.Kind)
		if first {
			person.Channels = slices.Insert(person.Channels, 0, c)
		} else {
			person.Channels = append(person.Channels, c)
		}
		return nil
	})
	return c, err
}

// RemoveChannel takes a channel from a person. Returns CodeNotFound.
func (s *Service) RemoveChannel(ctx context.Context, id, channel string) error {
	return s.Edit(ctx, func(plan *contact.Plan) error {
		person, err := find(plan, id)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(slices.Clone(person.Channels), func(c contact.Channel) bool { return c.ID == channel })
		if len(left) == len(person.Channels) {
			return core.NotFound("watch.alert.no_channel", errors.New("no such channel")).With("Value", channel)
		}
		person.Channels = left
		return nil
	})
}

// testKeys are the notices of tests since a moment.
func (s tester) testKeys(ctx context.Context, since core.Moment) (map[string]bool, error) {
	list, err := s.Recent(ctx, since, 200)
	out := map[string]bool{}
	for _, n := range list {
		out[n.Key] = n.Kind == delivery.Test
	}
	return out, err
}
