package alert

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch/alert/delivery"
)

// did is what one teller knows of one notice.
type did struct {
	Receipts []delivery.Receipt `json:"receipts"`
}

// serveDid tells another teller of the same owner what we know of a notice.
func (s endpoints) serveDid(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	owner, list, err := s.queue.Did(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	if owner != "" {
		tellers, err := s.tellers(r.Context(), owner)
		if err != nil {
			return err
		}
		if !slices.Contains(tellers, from) {
			return core.Denied("watch.alert.not_teller", errors.New("not one who tells this member's people"))
		}
	}
	return peer.WriteJSON(w, did{append([]delivery.Receipt{}, list...)})
}

const (
	// askBound is how long a teller waits for what the others say.
	askBound = 4 * time.Second
	maxAsked = 8
)

// asker asks the other tellers.
type asker struct{ *Service }

// ask asks all other tellers of an owner side by side what they know of a notice.
func (s asker) ask(ctx context.Context, owner core.MemberID, key string) (out map[core.MemberID][]delivery.Receipt, others int) {
	out = map[core.MemberID][]delivery.Receipt{}
	if s.n.Calls == nil {
		return out, 0
	}
	tellers, err := s.tellers(ctx, owner)
	if err != nil {
		return out, 0
	}
	ctx, cancel := context.WithTimeout(ctx, askBound)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, member := range tellers[:min(len(tellers), maxAsked)] {
		if member == s.self() || slices.Contains(tellers[:i], member) {
			continue
		}
		others++
		all.Go(func() {
			var answer did
			if s.n.Calls.JSON(ctx, member, http.MethodGet, PathTold+"/"+key, nil, &answer) != nil || len(answer.Receipts) > 500 {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[member] = answer.Receipts
		})
	}
	all.Wait()
	return out, others
}
