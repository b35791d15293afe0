package pack

import (
	"context"
	"errors"

	"entrechat/internal/core"
)

// LastEqual is the newest restore of ours of an owner's service where everything counted was equal:
// of which pack, and when. Returns CodeNotFound "succession.pack.none".
func (s *Service) LastEqual(ctx context.Context, owner core.MemberID, service string) (pack string, at core.Moment, err error) {
	all, err := restoresOf(ctx, s.n.DB, owner, service)
	for _, r := range all {
		if r.By == s.self() && r.Equal() && r.At > at && r.At <= s.now().Add(hotFor) {
			pack, at = r.Pack, r.At
		}
	}
	if err == nil && pack == "" {
		err = core.NotFound("succession.pack.none", errors.New("no equal restore"))
	}
	return pack, at, err
}
