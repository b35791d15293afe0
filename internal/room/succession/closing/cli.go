package closing

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
)

type args = map[string]any

// Commands are those of a planned end, in the order in which they are used.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	return []*cobra.Command{
		closeCommand(p, open), showCommand(p, open), tellCommand(p, open), offerCommand(p, open), acceptCommand(p, open), signCommand(p, open),
		stepCommand(p, open, "freeze", (*Closings).Freeze), movedCommand(p, open), stepCommand(p, open, "cut", (*Closings).Cut), eraseCommand(p, open),
		stepCommand(p, open, "withdraw", (*Closings).Withdraw), console.Group("choice", p.T("succession.choice.cmd", nil), checkCommand(p, open)),
	}
}

func yesFlag(p *words.Printer, c *cobra.Command) *bool {
	return c.Flags().Bool("yes", false, p.T("succession.closing.flag_yes", nil))
}

func closeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var day string
	var yes *bool
	c := console.Command(open, "close SERVICE", p.T("succession.closing.cmd_close", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		last := stage.Day(day)
		if !last.Valid() {
			earliest, err := s.Earliest(cmd.Context())
			if err != nil {
				return err
			}
			return core.Invalid("succession.closing.say_day", fmt.Errorf("%.20q is no day", day)).With("Day", string(earliest))
		}
		before, err := s.One(cmd.Context(), s.self(), typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(*yes, func(o *console.Out) {
			key := "succession.closing.sure_close"
			if before.Open() {
				key = "succession.closing.sure_later"
			}
			o.Say(key, args{"Service": typed[0], "Day": o.P.Day(last.Start()), "Link": s.Page(s.self())})
		}); err != nil {
			return err
		}
		st, err := s.Close(cmd.Context(), typed[0], last)
		if err != nil {
			return err
		}
		return out.Emit(st, func() { s.tellStage(out, st) })
	})
	c.Flags().StringVar(&day, "last-day", "", p.T("succession.closing.flag_last_day", nil))
	yes = yesFlag(p, c)
	return c
}

// tellStage says where a closing of ours stands, and what comes next.
func (s *Service) tellStage(out *console.Out, st stage.Standing) {
	out.Line(st.Service + "  " + out.P.T("succession.closing.stage_"+string(st.Stage), nil))
	fill := args{"Service": st.Service, "Day": out.P.Day(st.LastDay.Start()), "Link": s.Page(s.self())}
	if st.Stage == stage.Kept {
		fill["Day"] = out.P.Day(st.Since().At.Add(s.n.Rules.Kept))
	}
	out.Say("succession.closing.next_"+string(st.Stage), fill)
}

// Page is the address of the page for users of a hoster's, at this node.
func (s *Service) Page(owner core.MemberID) string { return s.n.URL + "/succession/" + string(owner) }

// stepCommand is a command that brings a service to a stage, after asking.
func stepCommand(p *words.Printer, open console.Opener[*Service], name string, do func(*Closings, contextOf, string) (stage.Standing, error)) *cobra.Command {
	var yes *bool
	c := console.Command(open, name+" SERVICE", p.T("succession.closing.cmd_"+name, nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := out.Confirm(*yes, func(o *console.Out) { o.Say("succession.closing.sure_"+name, args{"Service": typed[0]}) }); err != nil {
			return err
		}
		st, err := do(s.Closings, cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(st, func() { s.tellStage(out, st) })
	})
	yes = yesFlag(p, c)
	return c
}

func offerCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var t Terms
	var free string
	var due []string
	var yes *bool
	c := console.Command(open, "offer MEMBER SERVICE", p.T("succession.closing.cmd_offer", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if free != "" {
			size, err := core.ParseSize(free)
			if err != nil {
				return err
			}
			t.Free = int64(size)
		}
		for _, line := range due {
			day, what, _ := strings.Cut(line, " ")
			t.Costs.Due = append(t.Costs.Due, paper.Due{What: what, Day: stage.Day(day)})
		}
		o, err := s.Draft(cmd.Context(), owner, typed[1], t)
		if err != nil {
			return err
		}
		if err := out.Confirm(*yes, func(side *console.Out) {
			side.Say("succession.closing.sure_offer", args{"Service": o.Service, "Member": typed[0]})
			tellOffer(side, o)
		}); err != nil {
			return err
		}
		if err := s.Offer(cmd.Context(), o); err != nil {
			return err
		}
		return out.Emit(o, func() {
			tellOffer(out, o)
			out.Say("succession.closing.offer_sent", args{"Service": o.Service, "Member": typed[0]})
		})
	})
	c.Flags().StringArrayVar(&t.Programs, "program", nil, p.T("succession.closing.flag_program", nil))
	c.Flags().StringVar(&free, "free", "", p.T("succession.closing.flag_free", nil))
	c.Flags().Int64Var(&t.Costs.Month, "month-cents", 0, p.T("succession.closing.flag_month", nil))
	c.Flags().StringVar(&t.Costs.Currency, "currency", "EUR", p.T("succession.closing.flag_currency", nil))
	c.Flags().Int64Var(&t.Costs.Aside, "months-aside", 0, p.T("succession.closing.flag_aside", nil))
	c.Flags().StringArrayVar(&due, "due", nil, p.T("succession.closing.flag_due", nil))
	yes = yesFlag(p, c)
	return c
}

func tellOffer(out *console.Out, o paper.Offer) {
	out.Say("succession.closing.offer_line", args{"Member": string(o.By), "Free": core.Size(o.Free), "Load": o.Load, "Already": o.Already})
	if len(o.Programs) > 0 {
		out.Say("succession.closing.offer_programs", args{"Programs": strings.Join(o.Programs, ", ")})
	}
	if o.Costs.Month > 0 {
		out.Say("succession.closing.offer_costs", args{"Amount": fmt.Sprintf("%d.%02d %s", o.Costs.Month/100, o.Costs.Month%100, o.Costs.Currency), "Count": o.Costs.Aside})
	} else {
		out.Say("succession.closing.offer_no_costs", nil)
	}
	for _, d := range o.Costs.Due {
		out.Line("    " + string(d.Day) + "  " + d.What)
	}
}

func eraseCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var what []string
	var yes *bool
	c := console.Command(open, "erase SERVICE", p.T("succession.closing.cmd_erase", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if len(what) == 0 {
			return core.Invalid("succession.closing.say_what", fmt.Errorf("nothing named"))
		}
		if err := out.Confirm(*yes, func(o *console.Out) {
			o.Say("succession.closing.sure_erase", args{"Service": typed[0], "What": strings.Join(what, ", ")})
		}); err != nil {
			return err
		}
		st, err := s.Erase(cmd.Context(), typed[0], what)
		if err != nil {
			return err
		}
		return out.Emit(st, func() { s.tellStage(out, st) })
	})
	c.Flags().StringArrayVar(&what, "what", nil, p.T("succession.closing.flag_what", nil))
	yes = yesFlag(p, c)
	return c
}

func tellCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var french, english string
	var nothing bool
	var yes *bool
	c := console.Command(open, "tell SERVICE", p.T("succession.closing.cmd_tell", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if nothing {
			if err := s.Untell(cmd.Context(), typed[0]); err != nil {
				return err
			}
			return out.Emit(struct{}{}, func() { out.Say("succession.closing.untold", args{"Service": typed[0]}) })
		}
		if err := out.Confirm(*yes, func(o *console.Out) {
			o.Say("succession.closing.sure_tell", args{"Service": typed[0]})
			o.Line(french)
			o.Line(english)
		}); err != nil {
			return err
		}
		id, err := s.Tell(cmd.Context(), typed[0], french, english)
		if err != nil {
			return err
		}
		return out.Emit(args{"notice": id}, func() { out.Say("succession.closing.told", args{"Link": s.Page(s.self())}) })
	})
	c.Flags().StringVar(&french, "fr", "", p.T("succession.closing.flag_fr", nil))
	c.Flags().StringVar(&english, "en", "", p.T("succession.closing.flag_en", nil))
	c.Flags().BoolVar(&nothing, "nothing", false, p.T("succession.closing.flag_nothing", nil))
	yes = yesFlag(p, c)
	return c
}

func checkCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "check FILE", p.T("succession.choice.cmd_check", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		text, err := os.ReadFile(typed[0])
		if err != nil {
			return core.Invalid("succession.choice.bad_slip", err)
		}
		slip, err := choice.ReadSlip(text)
		if err != nil {
			return err
		}
		said, err := s.CheckSlip(cmd.Context(), slip)
		if err != nil {
			return err
		}
		return out.Emit(said, func() {
			out.Say("succession.choice.is_in", args{"Choice": out.P.T("succession.choice.is_"+slip.Leaf.Choice, nil), "Service": slip.Service, "Member": string(slip.Owner), "Count": said.Total()})
			out.Say("succession.choice.counts", args{"Handover": said.Handover, "Archive": said.Archive, "Erase": said.Erase})
		})
	})
}
