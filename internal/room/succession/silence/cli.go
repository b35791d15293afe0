package silence

import (
	"errors"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Commands are `succession silent ...` and `succession ask`.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	list := console.Command(open, "list", p.T("succession.silence.cmd_list", nil), listSilent)
	show := console.Command(open, "show MEMBER", p.T("succession.silence.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		return showSilent(cmd, s, out, typed[0])
	})
	ask := console.Command(open, "ask MEMBER SERVICE", p.T("succession.silence.cmd_ask", nil), askCustodians)
	return []*cobra.Command{console.Group("silent", p.T("succession.silence.cmd", nil), list, show, calledCommand(p, open)), ask}
}

func calledCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var c Call
	var reached string
	cmd := console.Command(open, "called MEMBER", p.T("succession.silence.cmd_called", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) (err error) {
		if c.Member, err = core.ParseMemberID(typed[0]); err != nil {
			return err
		}
		if reached != "yes" && reached != "no" {
			return core.Invalid("succession.silence.yes_or_no", errors.New("neither yes nor no"))
		}
		c.Reached = reached == "yes"
		if err := s.Called(cmd.Context(), c); err != nil {
			return err
		}
		return showSilent(cmd, s, out, typed[0])
	})
	cmd.Flags().StringVar(&c.By, "by", "", p.T("succession.silence.flag_by", nil))
	cmd.Flags().StringVar(&reached, "reached", "", p.T("succession.silence.flag_reached", nil))
	cmd.Flags().StringVar(&c.Note, "note", "", p.T("succession.silence.flag_note", nil))
	_ = cmd.MarkFlagRequired("by")
	_ = cmd.MarkFlagRequired("reached")
	return cmd
}

func listSilent(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("succession.silence.none", nil)
			return
		}
		for _, v := range all {
			out.Line(v.says(out.P))
			out.Line("  " + v.NextSays(out.P))
		}
	})
}

// says is how a member stands, in one sentence.
func (v View) says(p *words.Printer) string {
	key := "succession.silence.state_" + string(v.State)
	if v.Heard == 0 {
		key = "succession.silence.state_never"
	}
	return p.T(key, map[string]any{"Member": string(v.Member), "Heard": v.Heard, "Since": v.Since, "Days": v.Days, "Watchers": v.Watchers, "Networks": v.Networks})
}

// NextSays is what to do now.
func (v View) NextSays(p *words.Printer) string {
	return p.T("succession.silence.next_"+v.Next, v.args())
}

func showSilent(cmd *cobra.Command, s *Service, out *console.Out, typed string) error {
	m, err := core.ParseMemberID(typed)
	if err != nil {
		return err
	}
	v, err := s.View(cmd.Context(), m)
	if err != nil {
		return err
	}
	return out.Emit(v, func() {
		out.Line(v.says(out.P))
		for _, n := range v.Ours {
			out.Say("succession.silence.ours", map[string]any{"Service": n.Service, "Rank": n.Rank, "Since": n.Since})
		}
		for _, n := range v.Others {
			out.Say("succession.silence.others", map[string]any{"Service": n.Service, "Rank": n.Rank, "Member": string(n.Member)})
		}
		if v.Contact != "" {
			out.Say("succession.silence.contact", map[string]any{"Contact": v.Contact})
		}
		if v.CallList != "" {
			out.Say("succession.silence.call_list", nil)
			out.Line(v.CallList)
		}
		for _, c := range v.Calls {
			out.Line(c.says(out.P))
		}
		for _, a := range v.Asks {
			out.Say("succession.silence.asked", map[string]any{"Scope": a.Scope, "Ask": a.Ask[:12], "At": a.At})
		}
		for _, a := range v.Over {
			out.Say("succession.silence.over", map[string]any{"Scope": a.Scope, "Ask": a.Ask[:12], "At": a.At})
		}
		out.Line(v.NextSays(out.P))
	})
}

func (c Call) says(p *words.Printer) string {
	key := "succession.silence.call_no"
	if c.Reached {
		key = "succession.silence.call_yes"
	}
	return p.T(key, map[string]any{"By": c.By, "At": c.At, "Note": c.Note})
}

func askCustodians(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	owner, err := core.ParseMemberID(typed[0])
	if err != nil {
		return err
	}
	made, err := s.Ask(cmd.Context(), owner, typed[1])
	if err != nil {
		return err
	}
	return out.Emit(made, func() {
		for _, a := range made {
			out.Say("succession.silence.asked", map[string]any{"Scope": a.Scope, "Ask": a.Ask[:12], "At": a.At})
		}
		out.Say("succession.silence.asked_next", map[string]any{"Ask": made[0].Ask[:12]})
	})
}
