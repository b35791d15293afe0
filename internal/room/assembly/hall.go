package assembly

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/assembly/debate"
	"entrechat/internal/room/assembly/hall"
	"entrechat/internal/room/assembly/need"
)

// hall are the pages of decisions.
func (r *Room) hall(site *web.Site, accounts Accounts) web.Pages {
	n := r.hallNeeds()
	if accounts != nil {
		n.Account = accounts.SignedIn
	}
	return hall.Pages(site, n)
}

func (r *Room) hallNeeds() hall.Needs {
	return hall.Needs{
		Decisions: r.Decisions, Followed: r.Electors.Followed, Need: r.needOrigin, Incident: r.incidentOrigin, Words: r.Words, Self: r.Self, URL: r.URL, Now: r.Now,
	}
}

// needOrigin is a need of ours that everybody may read, as what a proposal comes from.
func (r *Room) needOrigin(ctx context.Context, id string) (hall.Origin, error) {
	n, err := r.Told.Get(ctx, id)
	if err != nil {
		return hall.Origin{}, err
	}
	if n.Standing != need.Published {
		return hall.Origin{}, core.NotFound("assembly.need.unknown", errors.New("not published"))
	}
	text := n.ShownGoal
	if n.ShownObstacle != "" {
		text += "\n\n" + n.ShownObstacle
	}
	return hall.Origin{Title: n.ShownGoal, Text: text, Page: need.Path + "#need-" + n.ID}, nil
}

// mostDebates is how many debates an incident is looked for in.
const mostDebates = 200

// incidentOrigin is a public debate of ours, by the id of its question, as what a proposal comes
// from.
func (r *Room) incidentOrigin(ctx context.Context, id string) (hall.Origin, error) {
	all, err := r.Debates.List(ctx, []debate.State{debate.Public, debate.Closed}, mostDebates, 0)
	if err != nil {
		return hall.Origin{}, err
	}
	for _, d := range all {
		if d.Doc == id && !d.Withdrawn {
			return hall.Origin{Title: d.Title, Text: d.Question, Page: debate.Path + "/" + d.ID}, nil
		}
	}
	return hall.Origin{}, core.NotFound("assembly.need.unknown", errors.New("no such debate"))
}

// proposals are where everybody reads what comes from a need, by need.
func (r *Room) proposals(ctx context.Context) (map[string]string, error) {
	all, err := r.Decisions.ByNeed(ctx)
	for need, id := range all {
		all[need] = hall.Path + "/" + id
	}
	return all, err
}
