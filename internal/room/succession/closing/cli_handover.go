package closing

import (
	"context"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/closing/wave"
	"entrechat/internal/room/succession/recipe"
)

// contextOf shortens the type of a step.
type contextOf = context.Context

// Withdraw takes the announced end of a service of ours back. Returns what Next does.
func (s *Closings) Withdraw(ctx context.Context, service string) (stage.Standing, error) {
	return s.Next(ctx, service, stage.Withdrawn)
}

func acceptCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var d Deal
	var day, eraseBy string
	var kept, archived, lost []string
	var yes *bool
	c := console.Command(open, "accept SERVICE MEMBER", p.T("succession.closing.cmd_accept", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		to, err := core.ParseMemberID(typed[1])
		if err != nil {
			return err
		}
		d.To, d.Day, d.EraseBy, d.Table = to, stage.Day(day), stage.Day(eraseBy), nil
		for i, lines := range [][]string{kept, archived, lost} {
			for _, line := range lines {
				d.Table = append(d.Table, recipe.Row{What: line, Fate: []recipe.Fate{recipe.Kept, recipe.Archived, recipe.Lost}[i]})
			}
		}
		h, err := s.Contract(cmd.Context(), typed[0], d)
		if err != nil {
			return err
		}
		if err := out.Confirm(*yes, func(o *console.Out) {
			tellContract(o, h)
			o.Say("succession.closing.sure_accept", args{"Member": typed[1]})
		}); err != nil {
			return err
		}
		id, err := s.Accept(cmd.Context(), h)
		if err != nil {
			return err
		}
		return out.Emit(args{"handover": id}, func() { out.Say("succession.closing.accepted", args{"Member": typed[1], "Service": typed[0]}) })
	})
	c.Flags().StringVar(&day, "day", "", p.T("succession.closing.flag_day", nil))
	c.Flags().StringVar(&eraseBy, "erase-by", "", p.T("succession.closing.flag_erase_by", nil))
	c.Flags().BoolVar(&d.KeepsDomain, "keeps-domain", false, p.T("succession.closing.flag_domain", nil))
	c.Flags().StringArrayVar(&kept, "kept", nil, p.T("succession.closing.flag_kept", nil))
	c.Flags().StringArrayVar(&archived, "archived", nil, p.T("succession.closing.flag_archived", nil))
	c.Flags().StringArrayVar(&lost, "lost", nil, p.T("succession.closing.flag_lost", nil))
	yes = yesFlag(p, c)
	return c
}

func tellContract(out *console.Out, h paper.Handover) {
	if out.P.Lang == words.French {
		out.Line(h.TextFR)
	} else {
		out.Line(h.TextEN)
	}
}

func signCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var yes *bool
	c := console.Command(open, "sign MEMBER SERVICE", p.T("succession.closing.cmd_sign", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		_, waiting, err := s.Unsigned(cmd.Context(), owner, typed[1])
		if err == nil {
			err = out.Confirm(*yes, func(o *console.Out) { s.beforeSigning(cmd.Context(), o, waiting) })
		}
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		h, err := s.Sign(cmd.Context(), owner, typed[1], waiting.ID)
		if err != nil {
			return err
		}
		return out.Emit(args{"handover": h.ID}, func() { out.Say("succession.closing.signed", args{"Member": typed[0], "Service": typed[1]}) })
	})
	yes = yesFlag(p, c)
	return c
}

// beforeSigning shows an adopter what it signs: the contract, what it offered and what that costs,
// and the restore that it rests on.
func (s *Service) beforeSigning(ctx context.Context, out *console.Out, h paper.Handover) {
	tellContract(out, h)
	offers, err := s.papers.Offers(ctx, h.Owner, h.Service)
	for _, o := range offers {
		if err == nil && o.By == s.self() {
			tellOffer(out, o)
		}
	}
	if at, err := s.Restored(ctx, h.Owner, h.Service); err == nil {
		out.Say("succession.closing.restored_at", args{"Day": out.P.Day(at)})
	} else {
		out.Line(out.P.Error(err))
	}
	out.Say("succession.closing.sure_sign", args{"Member": string(h.Owner), "Service": h.Service})
}

func movedCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var m paper.Moved
	var yes *bool
	c := console.Command(open, "moved MEMBER SERVICE", p.T("succession.closing.cmd_moved", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(*yes, func(o *console.Out) {
			o.Say("succession.closing.sure_moved", args{"Service": typed[1], "Kept": m.Kept, "Archived": m.Archived, "Lost": m.Lost})
		}); err != nil {
			return err
		}
		if err := s.Moved(cmd.Context(), owner, typed[1], m); err != nil {
			return err
		}
		return out.Emit(struct{}{}, func() { out.Say("succession.closing.moved", args{"Member": typed[0]}) })
	})
	c.Flags().Int64Var(&m.Kept, "kept", 0, p.T("succession.closing.flag_kept_rows", nil))
	c.Flags().Int64Var(&m.Archived, "archived", 0, p.T("succession.closing.flag_archived_rows", nil))
	c.Flags().Int64Var(&m.Lost, "lost", 0, p.T("succession.closing.flag_lost_rows", nil))
	yes = yesFlag(p, c)
	return c
}

// shown is what `succession show` prints of one closing.
type shown struct {
	stage.Standing

	Adopter string         `json:"adopter,omitempty"`
	Offers  []paper.Offer  `json:"offers"`
	Choices *paper.Choices `json:"choices,omitempty"`
	Waves   []wave.Counts  `json:"waves"`
}

func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show [SERVICE]", p.T("succession.closing.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		all, err := s.Of(cmd.Context(), "")
		if err != nil {
			return err
		}
		list := []shown{}
		for _, st := range all {
			if len(typed) == 0 || st.Service == typed[0] {
				one, err := s.shown(cmd.Context(), st)
				if err != nil {
					return err
				}
				list = append(list, one)
			}
		}
		return out.Emit(list, func() {
			if len(list) == 0 {
				out.Say("succession.closing.none", nil)
			}
			for _, one := range list {
				s.tellShown(out, one)
			}
		})
	})
}

func (s *Service) shown(ctx context.Context, st stage.Standing) (one shown, err error) {
	one = shown{Standing: st, Offers: []paper.Offer{}, Waves: []wave.Counts{}}
	h, ok, err := s.Adopter(ctx, st)
	if err != nil {
		return one, err
	}
	if ok {
		one.Adopter = string(h.To)
	}
	if c, _, ok, err := s.papers.Counted(ctx, st.Owner, st.Service); err != nil {
		return one, err
	} else if ok {
		one.Choices = &c
	}
	if st.Owner != s.self() {
		return one, nil
	}
	offers, err := s.Offers(ctx, st.Service)
	if err != nil {
		return one, err
	}
	waves, err := s.Waves.Of(ctx, st.Service)
	one.Offers, one.Waves = append(one.Offers, offers...), append(one.Waves, waves...)
	return one, err
}

func (s *Service) tellShown(out *console.Out, one shown) {
	if one.Owner == s.self() {
		s.tellStage(out, one.Standing)
	} else {
		out.Line(string(one.Owner) + "  " + one.Service + "  " + out.P.T("succession.closing.stage_"+string(one.Stage), nil) + "  " + out.P.Day(one.LastDay.Start()))
	}
	if one.Adopter != "" {
		out.Say("succession.closing.adopter", args{"Member": one.Adopter})
	}
	for _, o := range one.Offers {
		tellOffer(out, o)
	}
	if c := one.Choices; c != nil {
		out.Say("succession.choice.counts", args{"Handover": c.Handover, "Archive": c.Archive, "Erase": c.Erase})
	}
	for _, w := range one.Waves {
		out.Say("succession.wave.line", args{"Wave": w.Wave, "Sent": w.Sent, "Waiting": w.Waiting, "Unsure": w.Unsure, "GivenUp": w.GivenUp})
	}
}
