package maintenance

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/note"
)

type args = map[string]any

// Command is `maintenance` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Planner]) *cobra.Command {
	return console.Group("maintenance", p.T("watch.maintenance.cmd", nil), planCommand(p, open), closeCommand(p, open, kindEnd), closeCommand(p, open, kindCancel), listCommand(p, open))
}

// typed is a plan as people write it, on the command line or in a form.
type typed struct {
	from, to, lasts, zone string
	services              []string
}

// plan reads it; an empty zone is ours. CodeInvalid.
func (t typed) plan(ours *time.Location) (p Plan, err error) {
	at := ours
	if t.zone != "" {
		if at, err = Zone(t.zone); err != nil {
			return p, err
		}
	}
	p.Zone, p.Services = at.String(), t.services
	if p.Start, err = ParseTime(t.from, at, 0); err != nil {
		return p, err
	}
	if t.lasts == "" {
		p.End, err = ParseTime(t.to, at, p.Start)
		return p, err
	}
	if t.to != "" {
		return p, core.Invalid("watch.maintenance.to_or_for", errors.New("both an end and a duration"))
	}
	long, err := time.ParseDuration(t.lasts)
	if err != nil {
		return p, core.Invalid("watch.maintenance.bad_for", err).With("Value", t.lasts)
	}
	p.End = p.Start.Add(long)
	return p, nil
}

func planCommand(p *words.Printer, open console.Opener[*Planner]) *cobra.Command {
	var (
		t    typed
		text note.Document
	)
	c := console.Command(open, "plan", p.T("watch.maintenance.cmd_plan", nil), func(cmd *cobra.Command, s *Planner, out *console.Out, _ []string) error {
		plan, err := t.plan(s.n.Zone)
		if err != nil {
			return err
		}
		text.Text = note.Tidy(text.Text)
		if plan, err = s.Plan(cmd.Context(), plan, text); err != nil {
			return err
		}
		return out.Emit(plan, func() {
			out.Say("watch.maintenance.planned", args{"ID": plan.ID[:shortID], "What": About(out.P, plan), "When": When(out.P, plan)})
		})
	})
	c.Flags().StringVar(&t.from, "from", "", p.T("watch.maintenance.flag_from", nil))
	c.Flags().StringVar(&t.to, "to", "", p.T("watch.maintenance.flag_to", nil))
	c.Flags().StringVar(&t.lasts, "for", "", p.T("watch.maintenance.flag_for", nil))
	c.Flags().StringVar(&t.zone, "zone", "", p.T("watch.maintenance.flag_zone", nil))
	c.Flags().StringSliceVar(&t.services, "service", nil, p.T("watch.maintenance.flag_service", nil))
	c.Flags().StringVar(&text.Text, "text", "", p.T("watch.incident.flag_text", nil))
	c.Flags().StringVar(&text.Lang, "text-lang", p.Lang, p.T("watch.incident.flag_lang", nil))
	c.Flags().SortFlags = false
	return c
}

// closeCommand is end or cancel.
func closeCommand(p *words.Printer, open console.Opener[*Planner], kind string) *cobra.Command {
	return console.Command(open, kind+" ID", p.T("watch.maintenance.cmd_"+kind, nil), func(cmd *cobra.Command, s *Planner, out *console.Out, words []string) error {
		do := map[string]State{kindEnd: Running, kindCancel: Planned}
		plan, err := s.close(cmd.Context(), words[0], kind, do[kind])
		if err != nil {
			return err
		}
		return out.Emit(plan, func() { out.Say("watch.maintenance.done_"+kind, args{"ID": plan.ID[:shortID]}) })
	})
}

func listCommand(p *words.Printer, open console.Opener[*Planner]) *cobra.Command {
	var all, past bool
	c := console.Command(open, "list", p.T("watch.maintenance.cmd_list", nil), func(cmd *cobra.Command, s *Planner, out *console.Out, _ []string) error {
		owner, from := s.n.Self, s.now()
		if all {
			owner = ""
		}
		if past {
			from = from.Add(-ahead)
		}
		plans, err := s.Maintenance(cmd.Context(), owner, from, s.now().Add(ahead+Longest))
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(plans))
		for _, one := range plans {
			rows = append(rows, []string{one.ID[:shortID], string(one.Owner), About(out.P, one), When(out.P, one), one.Says(out.P, s.now())})
		}
		if plans == nil {
			plans = []Plan{}
		}
		return out.Emit(plans, func() {
			if len(rows) == 0 {
				out.Say("watch.maintenance.none", nil)
				return
			}
			out.Table([]string{"watch.incident.col_id", "watch.incident.col_member", "watch.maintenance.col_services", "watch.maintenance.col_when", "watch.incident.col_state"}, rows)
		})
	})
	c.Flags().BoolVar(&all, "all", false, p.T("watch.incident.flag_all", nil))
	c.Flags().BoolVar(&past, "past", false, p.T("watch.maintenance.flag_past", nil))
	return c
}

// About names the services a plan concerns.
func About(p *words.Printer, plan Plan) string {
	if len(plan.Services) == 0 {
		return p.T("watch.maintenance.everything", nil)
	}
	return strings.Join(plan.Services, ", ")
}

// When says a plan's times as clocks show them in its zone: "01/12/2026 22:00 – 23:30
// (Europe/Paris)".
func When(p *words.Printer, plan Plan) string {
	at, err := Zone(plan.Zone)
	if err != nil {
		at = time.UTC
	}
	layout := "02/01/2006 15:04"
	if p.Lang == words.English {
		layout = "2006-01-02 15:04"
	}
	from, to := plan.Start.Time().In(at), plan.Until().Time().In(at)
	end := to.Format(layout)
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		end = to.Format("15:04")
	}
	return from.Format(layout) + " – " + end + " (" + at.String() + ")"
}

// Says is a plan's state in words.
func (p Plan) Says(printer *words.Printer, now core.Moment) string {
	return printer.T("watch.maintenance.state_"+string(p.State(now)), nil)
}
