package watch

import (
	"context"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/status/gather"
	"entrechat/internal/room/watch/target"
)

// silentFor is from when a hoster's node is missed.
const silentFor = 15 * time.Minute

// board makes what everybody sees.
func (r *Room) board() *status.Board {
	return status.New(status.Needs{Signer: r.Signer, Now: r.Now, Source: gather.New(gather.Needs{
		Hosters: r.hosters, Verdicts: r.Verdicts, Looks: r.Recorder, Said: r.Publisher, Words: r.Words, Behind: r.Versions.PublicOf,
		Targets: func(ctx context.Context, owner core.MemberID) ([]target.Target, error) {
			return r.list.Of(ctx, owner)
		},
	})})
}

// hosters are those whose pages this node has, ourselves first.
func (r *Room) hosters(ctx context.Context) ([]status.Hoster, error) {
	owners, err := r.circle.Owners(ctx)
	if err != nil {
		return nil, err
	}
	now := core.At(r.Now())
	all := append(make([]status.Hoster, 0, len(owners)+1), status.Hoster{ID: r.Signer.ID(), Heard: now})
	for _, o := range owners {
		h := status.Hoster{ID: o.Member}
		if h.Heard, err = r.Heard(ctx, o.Member); err != nil {
			return nil, err
		}
		h.Silent = now.Sub(h.Heard) > silentFor
		all = append(all, h)
	}
	for i, h := range all {
		all[i].Zone, all[i].Name = r.Zone.String(), r.Name(ctx, h.ID)
		if host := hostOf(h.ID); !strings.Contains(string(h.ID), ":") {
			all[i].Hosts = []string{"status." + host}
		}
	}
	return all, nil
}

// news has what everybody sees made anew soon.
func (r *Room) news() {
	select {
	case r.fresh <- struct{}{}:
	default: // it is to be made already
	}
}

// showNews makes it anew once there is news, and then not again for a moment: much may
// change at once.
func (r *Room) showNews(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.fresh:
	}
	pause := time.NewTimer(newsPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-pause.C:
	}
	return r.Board.Rebuild(ctx)
}

// newsPause is how long news gathers before pages are made anew.
const newsPause = 2 * time.Second
