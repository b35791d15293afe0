package closing

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/paper"
)

// CheckSlip says whether a person's choice is in the last count that an owner's logbook has of a
// service; it answers that count. A number of people that is not the tree's is noticed here.
// Returns CodeDenied "succession.choice.not_in", CodeNotFound "succession.choice.no_count".
func (s *Service) CheckSlip(ctx context.Context, slip choice.Slip) (paper.Choices, error) {
	said, _, ok, err := s.papers.Counted(ctx, slip.Owner, slip.Service)
	if err == nil && !ok {
		err = core.NotFound("succession.choice.no_count", errors.New("no count was said")).With("Member", string(slip.Owner)).With("Service", slip.Service)
	}
	if err != nil {
		return said, err
	}
	return said, slip.Check(said.Root, said.Total())
}
