package trust

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/trust/fact"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/task"
)

const day = 24 * time.Hour

// Jobs is the room's periodic work.
func (r *Room) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "trust-deliver", Every: 15 * time.Second, Jitter: 5 * time.Second, Run: r.Tasks.Run},
		{Name: "trust-follow", Every: 5 * time.Second, Jitter: time.Second, Run: r.follow},
		{Name: "trust-tidy", Every: day, Jitter: time.Hour, Run: r.tidy},
	}
}

// followAgain is how soon the members to follow are looked for again although nobody
// vouched since: what failed is tried again then.
const followAgain = time.Minute

// follow is member.Service.Settle, as soon as somebody vouches or takes it back.
func (r *Room) follow(ctx context.Context) error {
	revision, err := fact.Revision(ctx, r.DB)
	if err != nil {
		return err
	}
	r.following.Lock()
	defer r.following.Unlock()
	if revision == r.followed && r.Now().Sub(r.followedAt) < followAgain {
		return nil
	}
	if err := r.Members.Settle(ctx); err != nil {
		return err
	}
	// What Settle itself wrote raised the revision: it runs once more, and then rests.
	r.followed, r.followedAt = revision, r.Now()
	return nil
}

// tidy forgets proposals that came to nothing half a year ago, and old
// invitations and requests.
func (r *Room) tidy(ctx context.Context) error {
	now := r.now()
	_, invites := member.DropInvites(ctx, r.DB, now)
	asked := member.DropAsked(ctx, r.DB, now.Add(-member.AskedLife))
	return errors.Join(invites, asked, pact.DropStale(ctx, r.DB, now.Add(-180*day)))
}

// do carries one task out.
func (r *Room) do(ctx context.Context, t task.Task) error {
	switch t.Kind {
	case task.Hello:
		return r.Members.SayHello(ctx, t.Peer)
	case task.Follow:
		return r.Members.Follow(ctx, t.Peer)
	case task.GetCharter:
		return r.Collectives.FetchCharter(ctx, t.Subject)
	case task.Offer, task.Answer, task.Close, task.LogPact, task.LogEnd, task.GetPact:
		return r.Pacts.Do(ctx, t)
	}
	return errors.New("unknown task " + string(t.Kind))
}
