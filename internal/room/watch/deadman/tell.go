package deadman

import (
	"context"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch/target"
)

const (
	// pathNews is the endpoint members tell each other at.
	pathNews = "/ec/v1/watch/pings"
	// MaxNews is how many pings one call tells of.
	MaxNews = 100
	newsAge = 7 * 24 * time.Hour // an older ping says nothing any more
	tellGap = 20 * time.Second   // until who did not answer is called again
)

// News is what one member tells another of pings.
// spec: docs/spec/watch.md#pings
type News struct {
	Pings []NewsPing `json:"pings,omitempty"`
	Away  []NewsAway `json:"away,omitempty"`
}

// NewsPing is a ping that the calling member got. Line goes to the target's owner only.
type NewsPing struct {
	Owner  core.MemberID `json:"owner"`
	Target string        `json:"target"`
	Kind   Kind          `json:"kind"`
	Code   int           `json:"code,omitempty"`
	At     core.Moment   `json:"at_us"`
	Bytes  int           `json:"bytes,omitempty"`
	Line   string        `json:"line,omitempty"`
}

// NewsAway is a time in which the calling member could hear no ping.
type NewsAway struct {
	From core.Moment `json:"from_us"`
	To   core.Moment `json:"to_us"`
}

// Remote tells members over the network.
type Remote struct{ Client *peer.Client }

// Tell implements Members.
func (r Remote) Tell(ctx context.Context, to core.MemberID, news News) error {
	return r.Client.JSON(ctx, to, http.MethodPost, pathNews, news, nil)
}

// PeerRoutes are the endpoints for members.
func (p *Pings) PeerRoutes() []peer.Route {
	return []peer.Route{{Pattern: "POST " + pathNews, Digest: true, Handle: func(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
		var news News
		if err := peer.ReadJSON(r, &news); err != nil {
			return err
		}
		if err := p.Told(r.Context(), from, news); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}}}
}

// Told takes in what a member tells. Pings of targets that we do not hear for, or that
// the member is not in the circle of, are passed over: it may know more than we do.
// Returns CodeInvalid for more than MaxNews.
func (p *Pings) Told(ctx context.Context, from core.MemberID, news News) error {
	if len(news.Pings) > MaxNews || len(news.Away) > MaxNews {
		return core.Invalid("watch.deadman.too_much", nil).With("Most", MaxNews)
	}
	now := core.At(p.n.Now())
	for _, n := range news.Pings {
		t, ok := p.known(n.Owner, n.Target)
		if !ok || !plausible(n, now) {
			continue
		}
		circle, err := p.n.Circle.Circle(ctx, t.Owner, t.ID)
		if err != nil {
			return err
		}
		if !slices.Contains(circle, from) {
			continue
		}
		if err := p.hear(ctx, t, p.pingOf(t, n, from)); err != nil {
			return err
		}
	}
	return p.toldAway(ctx, from, news.Away, now)
}

// toldAway takes in when a member could hear nothing. Only who is in the circle of a
// target we hear for can excuse anything.
func (p *Pings) toldAway(ctx context.Context, from core.MemberID, all []NewsAway, now core.Moment) error {
	if len(all) == 0 {
		return nil
	}
	if ok, err := p.inCircle(ctx, from); err != nil || !ok {
		return err
	}
	for _, a := range all {
		if a.From <= 0 || a.From >= a.To || a.To > now.Add(skew) || now.Sub(a.From) > keptAway {
			continue
		}
		if err := putAway(ctx, p.n.DB, from, a.From, a.To); err != nil {
			return err
		}
	}
	return nil
}

// pingOf is a ping as a member told it. What it says of a body is for owners alone.
func (p *Pings) pingOf(t target.Target, n NewsPing, from core.MemberID) Ping {
	ping := Ping{Owner: t.Owner, Target: t.ID, Kind: n.Kind, Code: n.Code, At: n.At, Via: from, Bytes: n.Bytes}
	if t.Owner == p.n.Self {
		ping.Line = tidy(n.Line)
	}
	return ping
}

// plausible says whether a ping may be as it is told.
func plausible(n NewsPing, now core.Moment) bool {
	kinds := slices.Contains([]Kind{Success, Start, Fail, Log}, n.Kind)
	codes := n.Code == 0 || n.Kind == Fail && n.Code > 0 && n.Code < 256
	return kinds && codes && n.At <= now.Add(skew) && n.At > now.Add(-newsAge) && n.Bytes >= 0 && n.Bytes <= MaxBody && len(n.Line) <= 4*maxLine
}

// inCircle says whether a member is in the circle of any target that we hear for.
func (p *Pings) inCircle(ctx context.Context, member core.MemberID) (bool, error) {
	all, err := p.n.Circle.Targets(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range all {
		circle, err := p.n.Circle.Circle(ctx, t.Owner, t.ID)
		if err != nil {
			return false, err
		}
		if slices.Contains(circle, member) {
			return true, nil
		}
	}
	return false, nil
}

// wait tells the others as soon as there is something to tell, and now and then again
// those that did not answer.
func (p *Pings) wait(ctx context.Context) error {
	again := time.NewTimer(tellGap)
	defer again.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-again.C:
	case <-p.wake:
	}
	return p.Tell(ctx)
}

// Tell tells each member what it does not know yet. Who does not answer holds nobody
// else up.
func (p *Pings) Tell(ctx context.Context) error {
	members, err := outTo(ctx, p.n.DB)
	if err != nil {
		return err
	}
	var all errgroup.Group
	all.SetLimit(tellAtOnce)
	for _, m := range members {
		all.Go(func() error {
			if err := p.tell(ctx, m); err != nil && ctx.Err() == nil {
				p.n.Log.Info("a member was not told of pings yet", "member", m, "error", err)
			}
			return nil
		})
	}
	return all.Wait()
}

// tellAtOnce is how many members are told at once.
const tellAtOnce = 8

// tellTime bounds one call.
const tellTime = 10 * time.Second

func (p *Pings) tell(ctx context.Context, to core.MemberID) error {
	for {
		all, err := outOf(ctx, p.n.DB, to, MaxNews)
		if err != nil || len(all) == 0 {
			return err
		}
		var news News
		for _, o := range all {
			if o.Kind == kindAway {
				news.Away = append(news.Away, NewsAway{From: o.At, To: o.At + core.Moment(o.Bytes)})
				continue
			}
			news.Pings = append(news.Pings, NewsPing{Owner: o.Owner, Target: o.Target, Kind: o.Kind, Code: o.Code, At: o.At, Bytes: o.Bytes, Line: o.Line})
		}
		call, cancel := context.WithTimeout(ctx, tellTime)
		err = p.n.Members.Tell(call, to, news)
		cancel()
		if err != nil && core.CodeOf(err) != core.CodeInvalid && core.CodeOf(err) != core.CodeDenied && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		// A member that refuses it will refuse it again.
		if err := told(ctx, p.n.DB, to, all); err != nil {
			return err
		}
	}
}
