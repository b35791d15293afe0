package debate

import "context"

// counted is the body of TypeCount.
// spec: docs/spec/debate.md#counts
type counted struct {
	Opened  int64 `json:"opened"`
	Closed  int64 `json:"closed"`
	Actions int64 `json:"actions"`
	Done    int64 `json:"done"`
	Late    int64 `json:"late"`
}

// Say tells the other members once a month what became of our incidents, in numbers. Where no
// debate was ever public, nothing is said.
func (s *Service) Say(ctx context.Context) error {
	month := s.n.Now().UTC().Format("2006-01")
	said, err := lastSaid(ctx, s.n.DB)
	if err != nil || said == month {
		return err
	}
	c, err := s.Stats(ctx)
	if err != nil || c.Opened == 0 {
		return err
	}
	if err := s.n.Append(ctx, TypeCount, nil, counted{c.Opened, c.Closed, c.Actions, c.Done, c.Late}); err != nil {
		return err
	}
	return noteSaid(ctx, s.n.DB, month)
}
