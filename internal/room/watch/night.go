package watch

import (
	"context"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/status/tonight"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// night fills the page "tonight".
type night struct{ *Room }

// nightBack is how far back an open incident may have begun; nightMost bounds the page.
const (
	nightBack = 90 * 24 * time.Hour
	nightMost = 100
)

// Night is what an admin has to know now.
func (n night) Night(ctx context.Context) (tonight.Night, error) {
	out := tonight.Night{Isolated: n.Verdicts.CutOff()}
	recent, err := n.Publisher.Incidents.Incidents(ctx, "", core.At(n.Now()).Add(-nightBack), nightMost)
	if err != nil {
		return out, err
	}
	for _, i := range recent {
		if !i.Open() {
			continue
		}
		t, err := n.trouble(ctx, i)
		if err != nil {
			return out, err
		}
		out.Troubles = append(out.Troubles, t)
	}
	if err := n.looked(ctx, &out); err != nil {
		return out, err
	}
	who, err := n.Alerts.Who(ctx)
	if core.CodeOf(err) == core.CodeNotFound {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	asleep := map[string]bool{}
	for _, id := range who.Asleep {
		asleep[id] = true
	}
	for _, id := range who.OnCall {
		out.Awake = append(out.Awake, tonight.Person{Name: n.personName(ctx, id), Quiet: asleep[id]})
	}
	return out, nil
}

// looked fills in how far our own looks say how our services are.
func (n night) looked(ctx context.Context, out *tonight.Night) error {
	all, err := doctor(n).looks(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		out.Watched++
		out.Newest = max(out.Newest, l.newest.At)
		if l.old {
			out.Unseen = append(out.Unseen, l.target.Service)
		}
	}
	return nil
}

// personName is how a person of our plan is called.
func (n night) personName(ctx context.Context, id string) string {
	plan, ok, err := n.Alerts.Plan(ctx, n.Signer.ID())
	if err != nil || !ok {
		return id
	}
	for _, p := range plan.People {
		if p.ID == id && p.Name != "" {
			return p.Name
		}
	}
	return id
}

func (n night) trouble(ctx context.Context, i incident.Incident) (tonight.Trouble, error) {
	t := tonight.Trouble{
		ID: i.ID, Hoster: i.Owner, Name: n.Name(ctx, i.Owner), Ours: i.Owner == n.Signer.ID(), Services: i.Services, Weak: i.Weak, Since: i.Opened,
		State: verdict.Unknown,
	}
	switch {
	case len(i.Down) > 0:
		t.State = verdict.Down
	case len(i.Unsure) > 0:
		t.State = verdict.Partial
	}
	if t.Ours {
		t.Write = incident.Path + "/" + i.ID
	}
	notices, sent, err := n.Alerts.Incident(ctx, i.Owner, i.ID)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return t, err
	}
	for _, notice := range notices {
		if notice.Acked != 0 {
			t.Acknowledged, t.By = notice.Acked, notice.By
		}
	}
	for _, d := range sent {
		t.Told = append(t.Told, tonight.Told{Person: n.personName(ctx, d.Person), Channel: d.Channel, At: d.Done, State: deliveryOf(d.State)})
	}
	for _, id := range i.Targets {
		found, err := target.Find(ctx, n.DB, i.Owner, id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return t, err
		}
		view, err := n.views(ctx, found)
		if err != nil {
			return t, err
		}
		t.Targets = append(t.Targets, view)
	}
	return t, nil
}

func deliveryOf(s delivery.State) tonight.Delivery {
	switch s {
	case delivery.Sent, delivery.Summary, delivery.Told:
		return tonight.Sent
	case delivery.Failed, delivery.Unsure:
		return tonight.Failed
	default:
		return tonight.Waiting
	}
}

// views is a target as we see it, and as each voter saw it when it was asked last.
func (n night) views(ctx context.Context, t target.Target) (tonight.Target, error) {
	out := tonight.Target{Service: t.Service, Address: t.Address}
	newest, ok, err := n.Recorder.Latest(ctx, t.Owner, t.ID)
	if err != nil {
		return out, err
	}
	if ok {
		out.Here = tonight.View{Who: n.Signer.ID(), At: newest.At, State: stateOf(newest.Class), Class: newest.Class, Took: newest.Latency}
		if t.Owner == n.Signer.ID() {
			out.Here.Detail = newest.Detail
		}
	}
	for _, s := range n.Verdicts.Voters(t.Owner, t.ID).Seats {
		if s.Member == n.Signer.ID() {
			continue
		}
		v := tonight.View{Who: s.Member}
		if a, ok := n.onDemand.last(t.ID, s.Member); ok {
			v.At, v.State, v.Class, v.Took = a.At, stateOf(a.Class), a.Class, time.Duration(a.Milli)*time.Millisecond
		}
		out.Voters = append(out.Voters, v)
	}
	return out, nil
}

// stateOf is what one look alone says.
func stateOf(c look.Class) verdict.State {
	switch {
	case c == look.Unfit:
		return verdict.Unknown
	case c.Failure():
		return verdict.Down
	default:
		return verdict.Up
	}
}

// Acknowledge says that whoever is signed in takes care of an incident.
func (n night) Acknowledge(ctx context.Context, id string) error {
	i, err := n.Publisher.Incidents.Find(ctx, id)
	if err != nil {
		return err
	}
	notices, _, err := n.Alerts.Incident(ctx, i.Owner, i.ID)
	if err != nil {
		return err
	}
	for _, notice := range notices {
		if _, err := n.Alerts.Acknowledge(ctx, notice.Key, ""); err != nil {
			return err
		}
	}
	return nil
}

// Again has all vantage points look at an incident's targets now.
func (n night) Again(ctx context.Context, id string) error {
	i, err := n.Publisher.Incidents.Find(ctx, id)
	if err != nil {
		return err
	}
	var looks sync.WaitGroup
	defer looks.Wait()
	for _, id := range i.Targets[:min(len(i.Targets), 10)] {
		t, err := target.Find(ctx, n.DB, i.Owner, id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		looks.Go(func() { n.onDemand.all(ctx, t) }) // each waits for the slowest voter
	}
	return nil
}
