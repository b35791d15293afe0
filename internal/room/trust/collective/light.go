package collective

import (
	"context"

	"entrechat/internal/core"
)

// Light lists the grants of every charter that both we and the member are
// admitted to.
func (s *Service) Light(ctx context.Context, who core.MemberID) ([]core.Grant, error) {
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []core.Grant
	for _, c := range list {
		both := 0
		for _, a := range c.Admissions() {
			if a.Admitted && (a.Member == who || a.Member == s.self()) {
				both++
			}
		}
		if both == 2 {
			out = append(out, c.Charter.Grants...)
		}
	}
	return out, nil
}
