package need

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// Command is `need` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Group("need", p.T("assembly.need.cmd", nil),
		listCommand(p, open), showCommand(p, open), publishCommand(p, open), refuseCommand(p, open), answerCommand(p, open), mergeCommand(p, open), splitCommand(p, open))
}

func listCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var standing string
	c := console.Command(open, "list", p.T("assembly.need.cmd_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		all := []Need{}
		for _, one := range []Standing{Waiting, Published, Refused} {
			if standing != "" && standing != string(one) {
				continue
			}
			list, err := s.List(cmd.Context(), one, 1000, 0)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
		return out.Emit(all, func() {
			if len(all) == 0 {
				out.Say("assembly.need.list_none", nil)
				return
			}
			rows := make([][]string, 0, len(all))
			for _, n := range all {
				goal, _ := n.words()
				rows = append(rows, []string{n.ID, out.P.Day(n.Made), stands(out.P, n), strconv.FormatInt(n.Voices, 10), short(goal)})
			}
			out.Table([]string{"assembly.need.col_id", "assembly.need.col_told", "assembly.need.col_state", "assembly.need.col_voices", "assembly.need.col_what"}, rows)
		})
	})
	c.Flags().StringVar(&standing, "standing", "", p.T("assembly.need.flag_standing", nil))
	return c
}

// stands is where a need stands, in a few words.
func stands(p *words.Printer, n Need) string {
	if n.Standing == Published && n.State != "" {
		return p.T("assembly.need.short_"+string(n.State), nil)
	}
	return p.T("assembly.need.standing_"+string(n.Standing), nil)
}

func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show ID", p.T("assembly.need.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(n, func() { show(out, s, n) })
	})
}

func show(out *console.Out, s *Service, n Need) {
	out.Line(n.ID + "  " + stands(out.P, n))
	for _, text := range []string{n.Goal, n.Obstacle} {
		if text != "" {
			out.Line("    " + strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
	if n.Standing == Published && (n.Goal != n.ShownGoal || n.Obstacle != n.ShownObstacle) {
		out.Say("assembly.need.as_shown", nil)
		out.Line("    " + strings.ReplaceAll(n.ShownGoal+"\n"+n.ShownObstacle, "\n", "\n    "))
	}
	if n.Voices > 0 {
		out.Say("assembly.need.voices", args{"Count": n.Voices})
	}
	if n.Reason != "" {
		out.Line("    " + strings.ReplaceAll(n.Reason, "\n", "\n    "))
	}
	for _, a := range n.Answers {
		out.Line(out.P.Day(a.At) + "  " + strings.ReplaceAll(s.says(out.P, a), "\n", "\n    "))
	}
}

func publishCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var goal, obstacle string
	c := console.Command(open, "publish ID", p.T("assembly.need.cmd_publish", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		as, besides := n.words()
		if !cmd.Flags().Changed("goal") {
			goal = as
		}
		if !cmd.Flags().Changed("obstacle") {
			obstacle = besides
		}
		n, err = s.Publish(cmd.Context(), n.ID, goal, obstacle)
		if err != nil {
			return err
		}
		return out.Emit(n, func() { out.Say("assembly.need.now_published", nil) })
	})
	c.Flags().StringVar(&goal, "goal", "", p.T("assembly.need.flag_goal", nil))
	c.Flags().StringVar(&obstacle, "obstacle", "", p.T("assembly.need.flag_obstacle", nil))
	return c
}

func refuseCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var reason string
	c := console.Command(open, "refuse ID", p.T("assembly.need.cmd_refuse", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Refuse(cmd.Context(), typed[0], reason)
		if err != nil {
			return err
		}
		return out.Emit(n, func() { out.Say("assembly.need.now_refused", nil) })
	})
	c.Flags().StringVar(&reason, "reason", "", p.T("assembly.need.flag_reason", nil))
	return c
}

func answerCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var state, text, month, link, member string
	c := console.Command(open, "answer ID", p.T("assembly.need.cmd_answer", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Answer(cmd.Context(), typed[0], Answer{State: State(state), Text: text, Month: month, Link: link, Member: core.MemberID(member)})
		if err != nil {
			return err
		}
		return out.Emit(n, func() { out.Say("assembly.need.now_answered", nil) })
	})
	c.Flags().StringVar(&state, "state", "", p.T("assembly.need.flag_state", nil))
	c.Flags().StringVar(&text, "text", "", p.T("assembly.need.text", nil))
	c.Flags().StringVar(&month, "month", "", p.T("assembly.need.month_hint", nil))
	c.Flags().StringVar(&link, "link", "", p.T("assembly.need.link_hint", nil))
	c.Flags().StringVar(&member, "member", "", p.T("assembly.need.member_hint", nil))
	c.Flags().SortFlags = false
	return c
}

func mergeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var into string
	c := console.Command(open, "merge ID", p.T("assembly.need.cmd_merge", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Merge(cmd.Context(), typed[0], into)
		if err != nil {
			return err
		}
		return out.Emit(n, func() { out.Say("assembly.need.now_merged", nil) })
	})
	c.Flags().StringVar(&into, "into", "", p.T("assembly.need.flag_into", nil))
	return c
}

func splitCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "split ID", p.T("assembly.need.cmd_split", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n, err := s.Split(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(n, func() { out.Say("assembly.need.now_split", nil) })
	})
}
