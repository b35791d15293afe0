package debate

import (
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate/document"
)

type args = map[string]any

// Command is `debate` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Group("debate", p.T("assembly.debate.cmd", nil),
		listCommand(p, open), showCommand(p, open), openCommand(p, open), writeCommand(p, open), questionCommand(p, open), askCommand(p, open),
		oneCommand(open, "publish", p.T("assembly.debate.cmd_publish", nil), (*Service).Publish), dropCommand(p, open),
		console.Group("action", p.T("assembly.debate.cmd_action", nil), addCommand(p, open), doneCommand(p, open), removeCommand(p, open)),
		oneCommand(open, "close", p.T("assembly.debate.cmd_close", nil), (*Service).Close),
		remarkCommand(p, open), withdrawCommand(p, open),
		theirsCommand(p, open), answerCommand(p, open), draftsCommand(p, open), readCommand(p, open))
}

// short are the signs of an id that people type.
func short(id string) string { return id[:min(len(id), shortID)] }

func listCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var all bool
	c := console.Command(open, "list", p.T("assembly.debate.cmd_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		states := []State{Draft, Public}
		if all {
			states = append(states, Closed, Dropped)
		}
		list, err := s.List(cmd.Context(), states, 1000, 0)
		if err != nil {
			return err
		}
		return out.Emit(append([]Debate{}, list...), func() {
			if len(list) == 0 {
				out.Say("assembly.debate.list_none", nil)
				return
			}
			rows := make([][]string, 0, len(list))
			for _, d := range list {
				rows = append(rows, []string{short(d.ID), out.P.Day(d.Made), s.stands(out.P, d), titleOf(out.P, d)})
			}
			out.Table([]string{"assembly.debate.col_id", "assembly.debate.col_since", "assembly.debate.col_state", "assembly.debate.col_title"}, rows)
		})
	})
	c.Flags().BoolVar(&all, "all", false, p.T("assembly.debate.flag_all", nil))
	return c
}

// titleOf is a debate's title, or that it is gone.
func titleOf(p *words.Printer, d Debate) string {
	if d.Title == "" {
		return p.T("assembly.debate.text_gone", nil)
	}
	return d.Title
}

// stands is how far a debate is, in a few words.
func (s *base) stands(p *words.Printer, d Debate) string {
	late := 0
	for _, a := range d.Actions {
		if a.Late(s.n.Now()) {
			late++
		}
	}
	switch {
	case d.State == Public && late > 0:
		return p.T("assembly.debate.state_late", args{"Count": late})
	case d.State == Public && d.OpenActions() > 0:
		return p.T("assembly.debate.state_actions", args{"Count": d.OpenActions()})
	case d.State == Draft && d.Read != 0:
		return p.T("assembly.debate.state_read", args{"Member": string(d.Reader)})
	case d.State == Draft && d.Asked != 0:
		return p.T("assembly.debate.state_asked", args{"Member": string(d.Reader)})
	}
	return p.T("assembly.debate.state_"+string(d.State), nil)
}

func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show ID", p.T("assembly.debate.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(d, func() { s.print(out, d) })
	})
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// print tells a debate to a terminal; console keeps foreign text harmless.
func (s *base) print(out *console.Out, d Debate) {
	out.Line(short(d.ID) + "  " + titleOf(out.P, d))
	out.Line(out.P.T("assembly.debate.reason_"+string(d.Reason), nil) + ", " + s.stands(out.P, d))
	printStory(out, d.Story)
	if d.Question != "" {
		out.Say("assembly.debate.question", nil)
		out.Line(indent(d.Question))
	}
	if d.Note != "" {
		out.Say("assembly.debate.note_of", args{"Member": string(d.Reader)})
		out.Line(indent(d.Note))
	}
	for _, a := range d.Actions {
		out.Line(short(a.ID) + "  " + out.P.Pair(s.says(out.P, a), a.What) + " (" + a.Role + ")")
	}
	for _, r := range d.Remarks {
		out.Line(short(r.ID) + "  " + string(r.Member) + ", " + out.P.T("assembly.debate.standing_"+standingName(r), nil))
		if r.Text != "" {
			out.Line(indent(r.Text))
		}
	}
}

func printStory(out *console.Out, story Story) {
	for _, part := range story.Parts() {
		if *part.Text != "" {
			out.Say("assembly.debate.ask_"+part.Name, nil)
			out.Line(indent(*part.Text))
		}
	}
}

// says is how far an action is.
func (s *base) says(p *words.Printer, a Action) string {
	switch {
	case a.Done != 0:
		return p.T("assembly.debate.action_done", args{"Day": p.Day(a.Done)})
	case a.Late(s.n.Now()):
		return p.T("assembly.debate.action_late", args{"Day": a.dueDay(p)})
	}
	return p.T("assembly.debate.action_open", args{"Day": a.dueDay(p)})
}

// standingName is what a sentence "assembly.debate.standing_NAME" says of a remark.
func standingName(r Remark) string {
	switch {
	case r.Gone && r.Standing != Refused:
		return "gone"
	case r.Standing != Waiting:
		return string(r.Standing)
	case r.Text == "":
		return "coming"
	}
	return "waiting"
}

func openCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var o Opening
	c := console.Command(open, "open", p.T("assembly.debate.cmd_open", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		d, err := s.Open(cmd.Context(), o)
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Say("assembly.debate.opened", args{"ID": short(d.ID)}) })
	})
	c.Flags().StringVar((*string)(&o.Reason), "reason", string(document.Other), p.T("assembly.debate.flag_reason", nil))
	c.Flags().StringVar(&o.Title, "title", "", p.T("assembly.debate.flag_title", nil))
	c.Flags().StringVar(&o.Incident, "incident", "", p.T("assembly.debate.flag_incident", nil))
	c.Flags().StringVar(&o.Lang, "text-lang", p.Lang, p.T("assembly.debate.flag_lang", nil))
	c.Flags().SortFlags = false
	return c
}

// writeCommand changes those texts of a draft that are given.
func writeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var t Texts
	c := console.Command(open, "write ID", p.T("assembly.debate.cmd_write", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("title") {
			d.Title = t.Title
		}
		given, have := t.Story.Parts(), d.Story.Parts()
		for i, part := range given {
			if cmd.Flags().Changed(part.Name) {
				*have[i].Text = *part.Text
			}
		}
		d, err = s.Write(cmd.Context(), d.ID, d.Texts)
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Say("assembly.debate.written", nil) })
	})
	c.Flags().StringVar(&t.Title, "title", "", p.T("assembly.debate.flag_title", nil))
	for _, part := range t.Story.Parts() {
		c.Flags().StringVar(part.Text, part.Name, "", p.T("assembly.debate.ask_"+part.Name, nil))
	}
	c.Flags().SortFlags = false
	return c
}

func questionCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "question ID TEXT", p.T("assembly.debate.cmd_question", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		d.Question = typed[1]
		d, err = s.Write(cmd.Context(), d.ID, d.Texts)
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Say("assembly.debate.written", nil) })
	})
}

func askCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "ask ID MEMBER", p.T("assembly.debate.cmd_ask", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := s.Ask(cmd.Context(), typed[0], core.MemberID(typed[1]))
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Line(s.stands(out.P, d)) })
	})
}

// oneCommand is a verb on one debate.
func oneCommand(open console.Opener[*Service], verb, about string, do func(*Service, ctx, string) (Debate, error)) *cobra.Command {
	return console.Command(open, verb+" ID", about, func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := do(s, cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(d, func() { out.Line(s.stands(out.P, d)) })
	})
}

func addCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var a Action
	c := console.Command(open, "add ID", p.T("assembly.debate.cmd_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		added, err := s.AddAction(cmd.Context(), typed[0], a)
		if err != nil {
			return err
		}
		return out.Emit(added, func() { out.Line(short(added.ID) + "  " + out.P.Pair(s.says(out.P, added), added.What)) })
	})
	c.Flags().StringVar(&a.What, "what", "", p.T("assembly.debate.flag_what", nil))
	c.Flags().StringVar(&a.Role, "role", "", p.T("assembly.debate.flag_role", nil))
	c.Flags().StringVar(&a.Due, "due", "", p.T("assembly.debate.flag_due", nil))
	c.Flags().SortFlags = false
	return c
}

func doneCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var link string
	c := console.Command(open, "done ID", p.T("assembly.debate.cmd_done", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		d, err := s.Done(cmd.Context(), typed[0], link)
		if err != nil {
			return err
		}
		return out.Emit(d, func() { s.print(out, d) })
	})
	c.Flags().StringVar(&link, "link", "", p.T("assembly.debate.flag_link", nil))
	return c
}

func removeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "remove ID", p.T("assembly.debate.cmd_remove", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := s.RemoveAction(cmd.Context(), typed[0]); err != nil {
			return err
		}
		return out.Emit(args{"removed": typed[0]}, func() { out.Say("assembly.debate.removed", nil) })
	})
}
