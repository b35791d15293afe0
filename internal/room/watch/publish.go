package watch

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/incident/maintenance"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/status/show"
	"entrechat/internal/room/watch/subscribe"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// teller has people told what was concluded and said: our admins, those of hosters we look
// at, and users who asked.
type teller struct{ *Room }

// publish makes what is told of verdicts: incidents, maintenance, promises.
func (r *Room) publish() {
	to := teller{r}
	r.Publisher = incident.NewPublisher(incident.PublisherNeeds{
		DB: r.DB, Book: r.Book, Self: r.Signer.ID(), Calls: r.Calls,
		ServiceOf: func(ctx context.Context, owner core.MemberID, id string) (string, error) {
			t, err := target.Find(ctx, r.DB, owner, id)
			return t.Service, err
		},
		History: r.Verdicts.Intervals, Watched: r.keys,
		Services:  func(ctx context.Context) ([]string, error) { return r.services(ctx, r.Signer.ID()) },
		VotersOf:  r.circle.Voters,
		Shown:     func(ctx context.Context, owner core.MemberID) (bool, error) { return r.shows(ctx, owner) },
		TargetsOf: r.deciding, Lines: []incident.LineSource{to.alertLines}, Tell: to.tell, TellPlan: to.tellPlan,
		Zone: r.Zone, Now: r.Now, Log: r.Log,
	})
}

// services are the names of a hoster's services.
func (r *Room) services(ctx context.Context, owner core.MemberID) ([]string, error) {
	all, err := r.list.Of(ctx, owner)
	var names []string
	for _, t := range all {
		if !slices.Contains(names, t.Service) {
			names = append(names, t.Service)
		}
	}
	return names, err
}

// shows says whether this node has a page of a hoster.
func (r *Room) shows(ctx context.Context, owner core.MemberID) (bool, error) {
	if owner == r.Signer.ID() {
		return true, nil
	}
	return r.circle.Serves(ctx, owner)
}

// changed takes in what was concluded: what follows from it is on the disk when it returns.
func (r *Room) changed(ctx context.Context, before, after verdict.Verdict) error {
	t, err := target.Find(ctx, r.DB, after.Owner, after.Target)
	if core.CodeOf(err) == core.CodeNotFound || err == nil && !t.Kind.Decides() {
		return nil // an echo is for diagnosis only
	}
	if err != nil {
		return err
	}
	if err := r.Publisher.Incidents.Changed(ctx, before, after); err != nil {
		return err
	}
	r.news()
	return nil
}

// keys are all targets of which there are verdicts.
func (r *Room) keys(ctx context.Context) ([]verdict.Key, error) {
	all, err := r.targets(ctx)
	keys := make([]verdict.Key, 0, len(all))
	for _, t := range all {
		if t.Kind.Decides() {
			keys = append(keys, verdict.Key{Owner: t.Owner, Target: t.ID})
		}
	}
	return keys, err
}

// deciding are the targets that decide of a service; an echo is for diagnosis only.
func (r *Room) deciding(ctx context.Context, owner core.MemberID, service string) ([]string, error) {
	all, err := r.list.Of(ctx, owner)
	var ids []string
	for _, t := range all {
		if t.Service == service && t.Kind.Decides() {
			ids = append(ids, t.ID)
		}
	}
	return ids, err
}

// tell has people told what became of an incident.
func (r teller) tell(ctx context.Context, e incident.Event) error {
	i := e.Incident
	switch e.Kind {
	case incident.Opened, incident.Changed:
		if err := r.write(ctx, e); err != nil {
			return err
		}
		if !i.Open() || i.Scope == incident.Manual {
			return nil
		}
		n := r.noticeOf(i, e.At)
		called, err := r.called(ctx, i)
		if err != nil {
			return err
		}
		if !called {
			n.Kind, n.Level = delivery.Silent, ""
		}
		if muted, err := r.muted(ctx, i, e.At); err != nil || muted {
			return err
		}
		return refusal(r.Alerts.Tell(ctx, n))
	case incident.Renamed:
		return r.Alerts.Replace(ctx, i.Owner, i.ID, e.Into)
	case incident.Void:
		if err := r.Alerts.Replace(ctx, i.Owner, i.ID, ""); err != nil {
			return err
		}
		return refusal(r.Alerts.Resolve(ctx, i.Owner, i.ID, e.At))
	case incident.Closed:
		if err := r.write(ctx, e); err != nil {
			return err
		}
		return refusal(r.Alerts.Resolve(ctx, i.Owner, i.ID, e.At))
	case incident.Merged:
		return refusal(r.merged(ctx, e))
	case incident.Lasts:
		return r.overdue(ctx, e)
	case incident.Noted:
		r.news()
		return r.write(ctx, e)
	default:
		return nil
	}
}

// overdue tells of an outage that announced maintenance held back, once it outlasts that.
func (r teller) overdue(ctx context.Context, e incident.Event) error {
	i := e.Incident
	if excused, err := r.Publisher.Excused(ctx, i); err != nil || !excused {
		return err
	}
	told, _, err := r.Alerts.Incident(ctx, i.Owner, i.ID)
	if err != nil || len(told) > 0 {
		return err
	}
	if muted, err := r.muted(ctx, i, e.At); err != nil || muted {
		return err
	}
	return refusal(r.Alerts.Tell(ctx, r.noticeOf(i, e.At)))
}

// merged ends the alerts of an incident that is a part of another now: in silence while that
// one lasts, whose alerts go on; else who was told of it is told that it is over.
func (r teller) merged(ctx context.Context, e incident.Event) error {
	i := e.Incident
	into, err := r.Publisher.Incidents.Find(ctx, e.Into)
	if core.CodeOf(err) == core.CodeNotFound {
		return r.Alerts.Resolve(ctx, i.Owner, i.ID, e.At)
	}
	if err != nil {
		return err
	}
	if into.Open() {
		return r.Alerts.Absorb(ctx, i.Owner, i.ID, e.At)
	}
	return r.Alerts.Resolve(ctx, i.Owner, i.ID, into.Closed)
}

// write has users told who asked for news.
func (r teller) write(ctx context.Context, e incident.Event) error {
	kind, ok := map[incident.EventKind]subscribe.Kind{
		incident.Opened: subscribe.Opened, incident.Noted: subscribe.Updated, incident.Closed: subscribe.Closed,
	}[e.Kind]
	if !ok {
		return nil
	}
	event := subscribe.Event{ID: e.ID, Hoster: e.Incident.Owner, Kind: kind, Services: e.Incident.Services, At: e.At, Link: r.linkOf(e.Incident)}
	if e.Note != nil && e.Note.Text != nil && e.Note.Text.State != note.Withdrawn {
		event.Note = e.Note.Text.Text
	}
	return refusal(r.Subscribers.Publish(ctx, event))
}

// linkOf is the page of an incident on this node.
func (r teller) linkOf(i incident.Incident) string {
	return r.URL + show.Path + "/" + string(i.Owner) + "/incidents/" + i.ID
}

// refusal passes over a notice that nobody will ever take: it must not hold up the others.
func refusal(err error) error {
	if core.CodeOf(err) == core.CodeInvalid {
		return nil
	}
	return err
}

func (r teller) noticeOf(i incident.Incident, at core.Moment) delivery.Notice {
	n := delivery.Notice{
		Owner: i.Owner, Incident: i.ID, Kind: delivery.Down, Weak: i.Weak, Services: i.Services, At: i.Opened,
		Link: r.linkOf(i),
	}
	switch {
	case i.Unstable:
		n.Kind = delivery.Unstable
	case len(i.Down) == 0:
		n.Kind = delivery.Partial
	}
	if i.Scope == incident.Hoster {
		n.Level = contact.Page
	}
	if n.At == 0 {
		n.At = at
	}
	return n
}

// called says whether an incident is about anything that is called. Where only pings did not
// come, it is told as that, at the level the plan gives to the name of the work.
func (r teller) called(ctx context.Context, i incident.Incident) (bool, error) {
	found := false
	for _, id := range i.Targets {
		t, err := target.Find(ctx, r.DB, i.Owner, id)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil || t.Kind.Called() {
			return true, err
		}
		found = true
	}
	return !found, nil
}

// muted says whether all that an incident is about lies in maintenance that was announced.
func (r teller) muted(ctx context.Context, i incident.Incident, at core.Moment) (bool, error) {
	for _, service := range i.Services {
		_, muted, err := r.Publisher.Plans.Muted(ctx, i.Owner, service, at)
		if err != nil || !muted {
			return false, err
		}
	}
	return len(i.Services) > 0, nil
}

// tellPlan has users told of a maintenance who asked for news.
func (r teller) tellPlan(ctx context.Context, p maintenance.Plan) error {
	event := subscribe.Event{
		ID: p.ID + " " + string(p.State(core.At(r.Now()))), Hoster: p.Owner, Kind: subscribe.Maintenance, Services: p.Services, At: p.Announced,
		Link: r.URL + show.Path + "/" + string(p.Owner),
	}
	if p.Text != nil && p.Text.State != note.Withdrawn {
		event.Note = p.Text.Text
	}
	return refusal(r.Subscribers.Publish(ctx, event))
}

// Hoster is a hoster's name for people and its services; false: we show nothing of it.
func (r teller) Hoster(ctx context.Context, id core.MemberID) (name string, services []string, ok bool, err error) {
	if ok, err = r.shows(ctx, id); err != nil || !ok {
		return "", nil, false, err
	}
	services, err = r.services(ctx, id)
	return cmp.Or(r.Name(ctx, id), string(id)), services, true, err
}

// alertLines are what was told of an incident, for its timeline. Who was told stays here.
func (r teller) alertLines(ctx context.Context, i incident.Incident) (out []incident.Line, err error) {
	notices, sent, err := r.Alerts.Incident(ctx, i.Owner, i.ID)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil, nil
	}
	people := map[string]bool{}
	var first core.Moment
	for _, d := range sent {
		if d.State == delivery.Sent || d.State == delivery.Told {
			people[d.Person] = true
			if first == 0 || d.Done < first {
				first = d.Done
			}
		}
	}
	if len(people) > 0 {
		out = append(out, incident.Line{At: first, Kind: incident.LineAlert, Count: len(people)})
	}
	for _, n := range notices {
		if n.Acked != 0 {
			out = append(out, incident.Line{At: n.Acked, Kind: incident.LineAck})
			break
		}
	}
	return out, err
}

// Voters are the members that vote on an owner's targets, in the order in which they tell
// its people.
func (c *circle) Voters(ctx context.Context, owner core.MemberID) ([]core.MemberID, error) {
	all, err := c.list.Of(ctx, owner)
	if err != nil {
		return nil, err
	}
	if err := c.Verdicts.Start(ctx); err != nil {
		return nil, err
	}
	var voters []core.MemberID
	for _, t := range all {
		for _, seat := range c.Verdicts.Voters(owner, t.ID).Seats {
			if !slices.Contains(voters, seat.Member) {
				voters = append(voters, seat.Member)
			}
		}
	}
	return voters, nil
}

// Serves says whether we promised a member to look at its services now.
func (c *circle) Serves(ctx context.Context, owner core.MemberID) (bool, error) {
	_, ok, err := c.serves(ctx, owner)
	return ok, err
}

// Domains are those an owner runs its services under, its own origin among them.
func (c *circle) Domains(ctx context.Context, owner core.MemberID) ([]string, error) {
	all, err := c.list.Of(ctx, owner)
	domains := []string{hostOf(owner)}
	for _, t := range all {
		if host := t.Host(); host != "" && !slices.Contains(domains, host) {
			domains = append(domains, host)
		}
	}
	return domains, err
}

// seesMost bounds how much of what an incident's targets answer a message says.
const seesMost = 3

// Sees are the words keys of what our own newest looks at an incident's targets met, one
// each; empty when they are fine, when we do not look, or when that cannot be known now: a
// message goes out without it.
func (c *circle) Sees(ctx context.Context, owner core.MemberID, id string) (keys []string) {
	i, err := c.Publisher.Incidents.Find(ctx, id)
	if err != nil || i.Owner != owner {
		return nil
	}
	for _, t := range i.Targets {
		newest, ok, err := c.Recorder.Latest(ctx, owner, t)
		if err == nil && ok && newest.Class.Failure() && !slices.Contains(keys, newest.Class.Key()) && len(keys) < seesMost {
			keys = append(keys, newest.Class.Key())
		}
	}
	return keys
}

// hostOf is a member's domain, without a port.
func hostOf(id core.MemberID) string {
	host, _, _ := strings.Cut(string(id), ":")
	return host
}
