package signin

import (
	"context"
	"time"

	"entrechat/internal/kit/jobs"
)

// Jobs send mails, and forget what has run out.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "identity-sign-in", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: func(ctx context.Context) error {
			return forget(ctx, s.n.DB, s.now(), s.now().Add(-mailKept))
		}},
		{Name: "identity-mail", Every: time.Second, Run: s.deliver},
	}
}
