package debate

import (
	"context"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
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
	return askedCommand(p, open, "withdraw", "assembly.debate.to_withdraw", func(cmd *cobra.Command, s *Service, out *console.Out, id string) error {
		if err := s.Withdraw(cmd.Context(), id); err != nil {
			return err
		}
		return out.Emit(args{"withdrawn": id}, func() { out.Say("assembly.debate.now_withdrawn", nil) })
	})
}

func dropCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return askedCommand(p, open, "drop", "assembly.debate.to_drop", func(cmd *cobra.Command, s *Service, out *console.Out, id string) error {
		d, err := s.Drop(cmd.Context(), id)
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Line(s.stands(out.P, d)) })
	})
}

// askedCommand takes something away that does not come back: it asks first.
func askedCommand(p *words.Printer, open console.Opener[*Service], name, question string, do func(*cobra.Command, *Service, *console.Out, string) error) *cobra.Command {
	var yes bool
	c := console.Command(open, name+" ID", p.T("assembly.debate.cmd_"+name, nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := out.Confirm(yes, func(side *console.Out) { side.Say(question, args{"ID": typed[0]}) }); err != nil {
			return err
		}
		return do(cmd, s, out, typed[0])
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
				printOther(out, t.ID, t.Member, t.At, Texts{Title: t.Title, Story: t.Story, Question: t.Question})
			}
		})
	})
}

// printOther says what another member wrote of an incident of its own.
func printOther(out *console.Out, id string, by core.MemberID, at core.Moment, t Texts) {
	out.Line(short(id) + "  " + out.P.Pair(string(by)+", "+out.P.Day(at), t.Title))
	printStory(out, t.Story)
	out.Line(indent(t.Question))
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
				printOther(out, d.ID, d.Member, d.Came, d.Texts)
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
