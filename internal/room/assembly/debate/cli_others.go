package debate

import (
	"context"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type ctx = context.Context

// remarkCommand is what is done with an answer of another member.
func remarkCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	verb := func(use, about string, do func(s *Service, c ctx, id string) error) *cobra.Command {
		return console.Command(open, use+" ID", about, func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			if err := do(s, cmd.Context(), typed[0]); err != nil {
				return err
			}
			return out.Emit(args{"remark": typed[0]}, func() { out.Say("assembly.debate.noted", nil) })
		})
	}
	return console.Group("remark", p.T("assembly.debate.cmd_remark", nil),
		verb("show", p.T("assembly.debate.cmd_let", nil), func(s *Service, c ctx, id string) error { return s.Let(c, id, true) }),
		verb("refuse", p.T("assembly.debate.cmd_refuse", nil), func(s *Service, c ctx, id string) error { return s.Let(c, id, false) }),
		verb("need", p.T("assembly.debate.cmd_need", nil), func(s *Service, c ctx, id string) error { return s.MakeNeed(c, id) }))
}

func withdrawCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var yes bool
	c := console.Command(open, "withdraw ID", p.T("assembly.debate.cmd_withdraw", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := out.Confirm(yes, func(side *console.Out) { side.Say("assembly.debate.to_withdraw", args{"ID": typed[0]}) }); err != nil {
			return err
		}
		if err := s.Withdraw(cmd.Context(), typed[0]); err != nil {
			return err
		}
		return out.Emit(args{"withdrawn": typed[0]}, func() { out.Say("assembly.debate.now_withdrawn", nil) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("assembly.debate.flag_yes", nil))
	return c
}

func theirsCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "theirs", p.T("assembly.debate.cmd_theirs", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		all, err := s.Theirs(cmd.Context(), 200)
		if err != nil {
			return err
		}
		return out.Emit(all, func() {
			if len(all) == 0 {
				out.Say("assembly.debate.theirs_none", nil)
			}
			for _, t := range all {
				out.Line(short(t.ID) + "  " + out.P.Pair(string(t.Member)+", "+out.P.Day(t.At), t.Title))
				printStory(out, t.Story)
				out.Line(indent(t.Question))
			}
		})
	})
}

func answerCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var lang string
	c := console.Command(open, "answer ID TEXT", p.T("assembly.debate.cmd_answer", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		r, err := s.Answer(cmd.Context(), typed[0], lang, typed[1])
		if err != nil {
			return err
		}
		return out.Emit(r, func() { out.Say("assembly.debate.answered", args{"ID": short(r.ID)}) })
	})
	c.Flags().StringVar(&lang, "text-lang", p.Lang, p.T("assembly.debate.flag_lang", nil))
	return c
}

func draftsCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "drafts", p.T("assembly.debate.cmd_drafts", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		all, err := s.Drafts(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(all, func() {
			if len(all) == 0 {
				out.Say("assembly.debate.drafts_none", nil)
			}
			for _, d := range all {
				out.Line(short(d.ID) + "  " + out.P.Pair(string(d.Member)+", "+out.P.Day(d.Came), d.Title))
				printStory(out, d.Story)
				out.Line(indent(d.Question))
			}
		})
	})
}

func readCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var note string
	c := console.Command(open, "read ID", p.T("assembly.debate.cmd_read", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := s.SayRead(cmd.Context(), typed[0], note); err != nil {
			return err
		}
		return out.Emit(args{"read": typed[0]}, func() { out.Say("assembly.debate.read_said", nil) })
	})
	c.Flags().StringVar(&note, "note", "", p.T("assembly.debate.flag_note", nil))
	return c
}
