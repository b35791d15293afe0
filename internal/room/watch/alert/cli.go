package alert

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// Open gives a command the alerts over the node's own data, and where to print.
type Open = console.Opener[*Service]

type args = map[string]any

// Command is `alert` with what it holds; p says what it is for.
func Command(p *words.Printer, open Open) *cobra.Command {
	return console.Group("alert", p.T("watch.alert.cmd", nil),
		whoCommand(p, open), testCommand(p, open), ackCommand(p, open),
		console.Group("person", p.T("watch.alert.cmd_person", nil), personAddCommand(p, open), personListCommand(p, open), personRemoveCommand(p, open)),
		console.Group("channel", p.T("watch.alert.cmd_channel", nil), channelAddCommand(p, open), testCommand(p, open), channelRemoveCommand(p, open)),
		rotaCommand(p, open), quietCommand(p, open), levelCommand(p, open))
}

// Who is who would be told now, by their ids, and what is open.
type Who struct {
	OnCall []string            `json:"on_call"`
	Second []string            `json:"second"` // 30 minutes later
	Team   []string            `json:"team"`   // another 30 minutes later
	Asleep []string            `json:"asleep"` // in quiet hours
	Open   []delivery.Standing `json:"open"`
}

// Who answers who would be told now. Returns CodeNotFound when that is nobody.
func (s *Service) Who(ctx context.Context) (Who, error) {
	plan, ok, err := s.Plan(ctx, s.self())
	if err != nil {
		return Who{}, err
	}
	if !ok {
		return Who{}, nobody()
	}
	now := s.n.Now()
	w := Who{
		OnCall: plan.Recipients(contact.OnCall, now), Second: plan.Recipients(contact.Second, now), Team: plan.Recipients(contact.Team, now),
		Asleep: []string{}, Open: []delivery.Standing{},
	}
	for _, person := range plan.People {
		if person.Asleep(now) {
			w.Asleep = append(w.Asleep, person.ID)
		}
	}
	list, err := s.Recent(ctx, s.now().Add(-30*day), 200)
	for _, n := range list {
		if n.Over == 0 && n.Kind != delivery.Test && n.Owner == s.self() {
			w.Open = append(w.Open, n)
		}
	}
	return w, err
}

func whoCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "who", p.T("watch.alert.cmd_who", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		w, err := s.Who(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(w, func() { w.print(out, s.n.Now()) })
	})
}

func (w Who) print(out *console.Out, now time.Time) {
	list := func(ids []string) string {
		if len(ids) == 0 {
			return "—"
		}
		return strings.Join(ids, ", ")
	}
	out.Say("watch.alert.who", args{"First": list(w.OnCall), "Second": list(w.Second), "Team": list(w.Team), "Asleep": list(w.Asleep)})
	rows := make([][]string, 0, len(w.Open))
	for _, n := range w.Open {
		rows = append(rows, []string{n.Key, out.P.T("watch.alert.kind_"+string(n.Kind), nil), strings.Join(n.Services, ", "), out.P.Ago(n.At, now), n.By})
	}
	if len(rows) > 0 {
		out.Table([]string{"watch.alert.col_key", "watch.alert.col_what", "watch.alert.col_services", "watch.alert.col_when", "watch.alert.col_by"}, rows)
	}
}

func nobody() error {
	return core.NotFound("watch.alert.nobody", errors.New("the plan is empty"))
}

// resultView is how a test alert to one person ended.
type resultView struct {
	Person  string         `json:"person"`
	State   delivery.State `json:"state"`
	Channel string         `json:"channel"`
	Error   string         `json:"error,omitempty"`
}

func testCommand(p *words.Printer, open Open) *cobra.Command {
	var person string
	c := console.Command(open, "test", p.T("watch.alert.cmd_test", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		begun := s.now()
		if err := s.Test(cmd.Context(), person); err != nil {
			return err
		}
		results, err := tester{s}.results(cmd, begun)
		if err != nil {
			return err
		}
		bad := false
		err = out.Emit(results, func() {
			for _, r := range results {
				out.Say("watch.alert.tested_"+string(r.State), args{"Person": r.Person, "Channel": contact.ChannelName(out.P, r.Channel), "Why": why(out.P, r.Error)})
			}
		})
		for _, r := range results {
			bad = bad || r.State != delivery.Sent
		}
		if bad && err == nil {
			return core.Unsure("watch.alert.test_failed", errors.New("not every test alert went out"))
		}
		return err
	})
	c.Flags().StringVar(&person, "person", "", p.T("watch.alert.flag_person", nil))
	return c
}

// tester follows tests that a person waits for.
type tester struct{ *Service }

// results sends until each test alert since a moment went out or every channel failed
// once; the running node may be faster.
func (s tester) results(cmd *cobra.Command, begun core.Moment) ([]resultView, error) {
	for end := begun.Add(3 * time.Minute); ; {
		if err := s.Deliver(cmd.Context()); err != nil {
			return nil, err
		}
		list, err := s.queue.Deliveries(cmd.Context(), s.self(), begun)
		if err != nil {
			return nil, err
		}
		tests, err := s.testKeys(cmd.Context(), begun)
		if err != nil {
			return nil, err
		}
		out, waiting := []resultView{}, false
		for _, d := range list {
			if !tests[d.Key] {
				continue
			}
			waiting = waiting || d.State == delivery.Open && d.Rounds == 0
			out = append(out, resultView{d.Person, d.State, d.Channel, d.Error})
		}
		if !waiting || s.now() > end {
			return out, nil
		}
		select {
		case <-cmd.Context().Done():
			return nil, cmd.Context().Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func ackCommand(p *words.Printer, open Open) *cobra.Command {
	var person string
	c := console.Command(open, "ack KEY", p.T("watch.alert.cmd_ack", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		first, err := s.Acknowledge(cmd.Context(), typed[0], person)
		if err != nil {
			return err
		}
		s.telling.Wait()
		n, err := s.queue.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(n, func() {
			key := "watch.alert.acked_now"
			if !first {
				key = "watch.alert.acked_before"
			}
			out.Say(key, args{"Person": n.By})
		})
	})
	c.Flags().StringVar(&person, "person", "", p.T("watch.alert.flag_person", nil))
	return c
}

func quietCommand(p *words.Printer, open Open) *cobra.Command {
	var wake bool
	c := console.Command(open, "quiet PERSON HOURS|none", p.T("watch.alert.cmd_quiet", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		quiet, err := ParseQuiet(typed[1], wake)
		if err != nil {
			return err
		}
		var changed contact.Person
		err = s.Edit(cmd.Context(), func(plan *contact.Plan) error {
			person, err := find(plan, typed[0])
			if err != nil {
				return err
			}
			person.Quiet = quiet
			changed = *person
			return nil
		})
		if err != nil {
			return err
		}
		return out.Emit(viewOf(changed), func() { out.Say("watch.alert.saved", args{"Person": changed.Name}) })
	})
	c.Flags().BoolVar(&wake, "wake", false, p.T("watch.alert.flag_wake", nil))
	return c
}

// ParseQuiet reads "22:00-07:00", or "none". Whether these are hours Plan.Check says.
func ParseQuiet(text string, wake bool) (contact.Quiet, error) {
	if text == "none" || text == "" {
		return contact.Quiet{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		return contact.Quiet{}, core.Invalid("watch.alert.bad_quiet", errors.New("no span of hours")).With("Value", text)
	}
	return contact.Quiet{From: contact.Clock(strings.TrimSpace(from)), To: contact.Clock(strings.TrimSpace(to)), Wake: wake}, nil
}

func levelCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "level SERVICE LEVEL", p.T("watch.alert.cmd_level", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		want := contact.Service{Name: strings.TrimSpace(typed[0]), Level: contact.Level(typed[1])}
		err := s.Edit(cmd.Context(), func(plan *contact.Plan) error {
			for i := range plan.Services {
				if plan.Services[i].Name == want.Name {
					plan.Services[i].Level = want.Level
					return nil
				}
			}
			plan.Services = append(plan.Services, want)
			return nil
		})
		if err != nil {
			return err
		}
		return out.Emit(want, func() {
			out.Say("watch.alert.level_set", args{"Service": want.Name, "Level": string(want.Level)})
		})
	})
}

// find is a person of a plan, to change.
func find(plan *contact.Plan, id string) (*contact.Person, error) {
	for i := range plan.People {
		if plan.People[i].ID == id {
			return &plan.People[i], nil
		}
	}
	return nil, core.NotFound("watch.alert.no_person", errors.New("nobody is called so")).With("Value", id)
}
