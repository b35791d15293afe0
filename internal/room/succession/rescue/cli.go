package rescue

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/site"
)

// Commands are `succession rescue ...`.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	list := console.Command(open, "list", p.T("succession.rescue.cmd_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		all, err := s.Records.List(cmd.Context(), "")
		if err != nil {
			return err
		}
		return out.Emit(append([]record.Rescue{}, all...), func() {
			if len(all) == 0 {
				out.Say("succession.rescue.none", nil)
			}
			for _, one := range all {
				s.line(out, one)
			}
		})
	})
	show := console.Command(open, "show MEMBER SERVICE", p.T("succession.rescue.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		r, err := s.Show(cmd.Context(), owner, typed[1])
		if err != nil {
			return err
		}
		return out.Emit(r, func() { s.report(out, r, s.Back(cmd.Context(), owner) != nil) })
	})
	closes := console.Command(open, "close MEMBER SERVICE", p.T("succession.rescue.cmd_close", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		r, err := s.Close(cmd.Context(), owner, typed[1])
		if err != nil {
			return err
		}
		return out.Emit(r, func() { s.report(out, r, true) })
	})
	return []*cobra.Command{console.Group("rescue", p.T("succession.rescue.cmd", nil), openCommand(p, open), list, show, closes, eraseCommand(p, open), inviteCommand(p, open), imapCommand(p, open))}
}

func eraseCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var yes bool
	c := console.Command(open, "erase MEMBER SERVICE", p.T("succession.rescue.cmd_erase", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if !yes {
			return core.Invalid("succession.rescue.erase_all_sure", fmt.Errorf("without --yes")).With("Service", typed[1]).With("Member", typed[0])
		}
		if err := s.Erase(cmd.Context(), owner, typed[1]); err != nil {
			return err
		}
		one, err := s.Records.Get(cmd.Context(), owner, typed[1])
		if err != nil {
			return err
		}
		return out.Emit(one, func() { s.line(out, one) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("succession.rescue.flag_yes", nil))
	return c
}

func inviteCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "invite MEMBER SERVICE PERSON", p.T("succession.rescue.cmd_invite", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		link, err := s.Invite(cmd.Context(), owner, typed[1], typed[2])
		if err != nil {
			return err
		}
		return out.Emit(map[string]string{"link": link}, func() { out.Say("succession.rescue.invited", map[string]any{"Link": link}) })
	})
}

func openCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var pointers []string
	var o Opening
	var until string
	c := console.Command(open, "open MEMBER SERVICE", p.T("succession.rescue.cmd_open", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) (err error) {
		o.Service = typed[1]
		if o.Owner, err = core.ParseMemberID(typed[0]); err != nil {
			return err
		}
		if until != "" {
			day, err := time.Parse(time.DateOnly, until)
			if err != nil {
				return core.Invalid("succession.rescue.bad_day", err)
			}
			o.Until = core.At(day)
		}
		for _, name := range pointers {
			text, err := s.read(cmd, name)
			if err != nil {
				return err
			}
			o.Pointers = append(o.Pointers, text)
		}
		o.Say = telling(out, s.n.Now)
		opened, err := s.Open(cmd.Context(), o)
		if err != nil {
			return err
		}
		return out.Emit(opened, func() { s.opened(out, opened, o.Drill) })
	})
	c.Flags().StringArrayVar(&pointers, "pointer", nil, p.T("succession.rescue.flag_pointer", nil))
	c.Flags().StringVar(&o.Snapshot, "snapshot", "", p.T("succession.rescue.flag_snapshot", nil))
	c.Flags().StringVar(&until, "until", "", p.T("succession.rescue.flag_until", nil))
	c.Flags().BoolVar(&o.Drill, "drill", false, p.T("succession.rescue.flag_drill", nil))
	_ = c.MarkFlagRequired("pointer")
	return c
}

const maxPointer = 16 << 10

// read reads a pointer from a file, or one that was sent to this node; - is the standard input.
func (s *Service) read(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxPointer+1))
	}
	return s.n.Pointer(cmd.Context(), name)
}

// telling says how far an opening is: each stage once, and then each ten seconds.
func telling(out *console.Out, now func() time.Time) func(Progress) {
	var last Stage
	var at time.Time
	return func(g Progress) {
		if g.Stage == last && now().Sub(at) < 10*time.Second {
			return
		}
		last, at = g.Stage, now()
		key := "succession.rescue.stage_" + string(g.Stage)
		out.Note(key, map[string]any{"Done": core.Size(g.Done), "All": core.Size(g.All), "Left": left(out.P, g.Left)})
	}
}

func left(p *words.Printer, d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return p.Span(d)
}

func (s *Service) line(out *console.Out, one record.Rescue) {
	state := string(one.State)
	if one.State == record.Open && !one.Shown(s.now()) {
		state = string(record.Ended)
	}
	out.Say("succession.rescue.line", map[string]any{
		"Service": one.Service, "Member": string(one.Owner), "State": out.P.T("succession.rescue.state_"+state, map[string]any{"Day": one.AsOf}), "Until": one.Until,
	})
}

func (s *Service) opened(out *console.Out, o Opened, drill bool) {
	fill := map[string]any{"Service": o.Service, "Member": string(o.Owner), "Day": o.AsOf, "Bytes": core.Size(o.Bytes), "Count": o.Files, "People": o.People}
	if drill {
		out.Say("succession.rescue.drilled", fill)
	} else {
		fill["Page"] = s.n.URL + site.Path + "/" + string(o.Owner) + "/"
		out.Say("succession.rescue.opened", fill)
	}
	if o.Hidden > 0 {
		out.Say("succession.rescue.hidden", map[string]any{"Count": o.Hidden})
	}
	if o.NoMail > 0 {
		out.Say("succession.rescue.without_mail", map[string]any{"Count": o.NoMail, "Service": o.Service, "Member": string(o.Owner)})
	}
	if o.Removed > 0 {
		out.Say("succession.rescue.removed", map[string]any{"Count": o.Removed})
	}
}

// report says what was opened and how much was read; ended also what is to be changed.
func (s *Service) report(out *console.Out, r Report, ended bool) {
	s.line(out, r.Rescue)
	out.Say("succession.rescue.report_since", map[string]any{"Since": r.Since, "Bytes": core.Size(r.Bytes), "Count": r.Files, "Snapshot": r.Snapshot[:min(len(r.Snapshot), 8)]})
	if r.EndedAt != 0 {
		out.Say("succession.rescue.report_ended", map[string]any{"Day": r.EndedAt})
	}
	out.Say("succession.rescue.report_people", map[string]any{"Count": r.Visited})
	for _, c := range r.Counts {
		out.Say("succession.rescue.count_"+c.What, map[string]any{"Count": c.N})
	}
	if ended {
		for _, what := range r.Change {
			out.Say("succession.rescue.change_"+what, map[string]any{"Service": r.Service, "Member": string(r.Owner)})
		}
	}
}
