package task

import (
	"context"

	"entrechat/internal/core"
)

// Waiting is something still to be told or fetched.
type Waiting struct {
	What   string        `json:"what"`
	Member core.MemberID `json:"member"`
	Tries  int64         `json:"tries"`
	Next   core.Moment   `json:"next_us"`
	Error  string        `json:"error,omitempty"`
	// About is what the task is about: a pact, a charter, a member.
	About string `json:"-"`
}

// Waiting lists what is still to be told or fetched.
func (q *Queue) Waiting(ctx context.Context) ([]Waiting, error) {
	list, err := All(ctx, q.DB)
	if err != nil {
		return nil, err
	}
	out := make([]Waiting, 0, len(list))
	for _, t := range list {
		out = append(out, Waiting{string(t.Kind), t.Peer, t.Tries, t.Next, t.Error, t.Subject})
	}
	return out, nil
}
