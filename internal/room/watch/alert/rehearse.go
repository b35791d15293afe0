package alert

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// Rehearse sends each of our people one test alert a month, on a day of their own, by day.
func (s *Service) Rehearse(ctx context.Context) error {
	plan, ok, err := s.Plan(ctx, s.self())
	if err != nil || !ok {
		return err
	}
	for _, p := range plan.People {
		loc, err := contact.Zone(p.Zone)
		if err != nil {
			return err
		}
		now := s.n.Now().In(loc)
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.ID))
		if len(p.Channels) == 0 || now.Day() < int(h.Sum32()%27)+1 || now.Hour() < 10 || now.Hour() >= 18 {
			continue
		}
		if err := s.test(ctx, p.ID, "test-"+now.Format("2006-01")+"-"+p.ID); err != nil {
			return err
		}
	}
	return nil
}

// test puts a test alert for one person.
func (s *Service) test(ctx context.Context, person, incident string) error {
	return s.Tell(ctx, delivery.Notice{
		Owner: s.self(), Incident: incident, Kind: delivery.Test, Level: contact.Notify, At: s.now(), Person: person,
	})
}

// Test sends a test alert to one person now, whatever the hour, or to everybody. Returns
// CodeNotFound for nobody.
func (s *Service) Test(ctx context.Context, person string) error {
	plan, ok, err := s.Plan(ctx, s.self())
	if err != nil {
		return err
	}
	if !ok {
		return nobody()
	}
	found := false
	for _, p := range plan.People {
		if person == "" || person == p.ID {
			found = true
			// Who asks for a test sits before it: quiet hours do not hold it.
			err = errors.Join(err, s.Tell(ctx, delivery.Notice{
				Owner: s.self(), Incident: "test-" + s.n.Now().UTC().Format("20060102150405") + "-" + p.ID, Kind: delivery.Test, Level: contact.Notify,
				At: s.now(), Person: p.ID, Now: true,
			}))
		}
	}
	if !found {
		return core.NotFound("watch.alert.no_person", errors.New("nobody of that name")).With("Value", person)
	}
	return err
}

const (
	day = 24 * time.Hour
	// answerTime is how long a test alert may stay unanswered.
	answerTime = 3 * day
)

// checks are the questions of doctor.
type checks struct{ *Service }

// Checks are what doctor asks.
func (s *Service) Checks() []fit.Check {
	c := checks{s}
	return []fit.Check{
		{Name: "watch.alert.check_people", Run: c.checkPeople},
		{Name: "watch.alert.check_reach", Run: fit.Plain(c.checkReach)},
		{Name: "watch.alert.check_tests", Run: fit.Plain(c.checkTests)},
		{Name: "watch.alert.check_failed", Run: fit.Plain(c.checkFailed)},
	}
}

// checkPeople: somebody is told, and somebody can be woken.
func (s checks) checkPeople(ctx context.Context) (fit.Finding, error) {
	plan, ok, err := s.Plan(ctx, s.self())
	if err != nil {
		return fit.Finding{}, err
	}
	if !ok {
		return fit.Unknown("watch.alert.nobody", nil), nil
	}
	reached, woken := 0, 0
	for _, p := range plan.People {
		if len(p.Channels) > 0 {
			reached++
			if p.Quiet.Wake || p.Quiet.From == "" {
				woken++
			}
		}
	}
	if reached == 0 {
		return fit.Finding{}, core.NotFound("watch.alert.no_channels", errors.New("no person has a channel"))
	}
	if woken == 0 {
		return fit.Well("watch.alert.nobody_wakes", map[string]any{"Count": reached}), nil
	}
	return fit.Well("watch.alert.people_told", map[string]any{"Count": reached}), nil
}

// lacks says whether nothing is there to send messages of a kind with.
func lacks(n channel.Needs, k contact.Kind) bool {
	return k == contact.Mail && n.SMTP.Host == "" || k == contact.XMPP && n.XMPP.JID == ""
}

// checkReach: each person has a channel that works while our own services are down, and
// those that we send ourselves can be sent.
func (s checks) checkReach(ctx context.Context) error {
	plan, ok, err := s.Plan(ctx, s.self())
	if err != nil || !ok {
		return err
	}
	domains, err := s.n.Watch.Domains(ctx, s.self())
	if err != nil {
		return err
	}
	var own, unset []string
	for _, p := range plan.People {
		outside := slices.ContainsFunc(p.Channels, func(c contact.Channel) bool { return !c.Below(domains) })
		if len(p.Channels) > 0 && !outside {
			own = append(own, p.Name)
		}
		for _, c := range p.Channels {
			if lacks(s.n.Channels, c.Kind) {
				unset = append(unset, p.Name+": "+string(c.Kind))
			}
		}
	}
	if len(own) > 0 {
		return core.Conflict("watch.alert.own_channels", errors.New("channels that go down with us")).With("People", strings.Join(own, ", "))
	}
	if len(unset) > 0 {
		return core.Conflict("watch.alert.unset_channels", errors.New("channels without settings")).With("People", strings.Join(unset, ", "))
	}
	return nil
}

// checkTests: the last test alert of each person was answered.
func (s checks) checkTests(ctx context.Context) error {
	list, err := s.Recent(ctx, s.now().Add(-62*day), 1000)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var silent []string
	for _, n := range list {
		if n.Kind != delivery.Test || n.Owner != s.self() || seen[n.Person] || n.At > s.now().Add(-answerTime) {
			if n.Kind == delivery.Test && n.Acked != 0 {
				seen[n.Person] = true
			}
			continue
		}
		seen[n.Person] = true
		if n.Acked == 0 {
			silent = append(silent, n.Person)
		}
	}
	if len(silent) > 0 {
		return core.Conflict("watch.alert.unanswered", errors.New("test alerts without an answer")).With("People", strings.Join(silent, ", "))
	}
	return nil
}

// checkFailed: nobody is left whose newest alert of the last week is stuck. One that
// arrived since then shows that it was mended.
func (s checks) checkFailed(ctx context.Context) error {
	list, err := s.queue.Deliveries(ctx, s.self(), s.now().Add(-7*day))
	if err != nil {
		return err
	}
	notices, err := s.Recent(ctx, s.now().Add(-7*day), 1000)
	if err != nil {
		return err
	}
	var stuck []string
	begun, reached := map[string]core.Moment{}, map[string]core.Moment{}
	for _, n := range notices {
		begun[n.Key] = n.At
	}
	for _, d := range list {
		if d.State == delivery.Sent || d.State == delivery.Summary {
			reached[d.Person] = max(reached[d.Person], d.Done)
		}
	}
	for _, d := range list {
		bad := d.State == delivery.Failed || d.State == delivery.Unsure || d.State == delivery.Open && d.Rounds > 0
		bad = bad && (reached[d.Person] == 0 || max(begun[d.Key], d.Done) > reached[d.Person])
		if bad && !slices.Contains(stuck, d.Person) {
			stuck = append(stuck, d.Person)
		}
	}
	if len(stuck) > 0 {
		return core.Conflict("watch.alert.stuck", errors.New("alerts that no channel took")).With("People", strings.Join(stuck, ", "))
	}
	return nil
}
