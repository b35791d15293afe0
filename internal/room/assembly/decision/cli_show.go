package decision

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/tally"
)

const listed = 500

func list(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.List(cmd.Context(), listed)
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("assembly.decision.none", nil)
			return
		}
		rows := make([][]string, 0, len(all))
		for _, d := range all {
			rows = append(rows, []string{short(d.ID), string(d.By), out.P.T("assembly.decision.kind_"+string(d.Kind), nil), State(out.P, d), titleOf(out.P, d)})
		}
		out.Table([]string{"assembly.decision.col_id", "assembly.decision.col_by", "assembly.decision.col_kind", "assembly.decision.col_state", "assembly.decision.col_title"}, rows)
	})
}

func titleOf(p *words.Printer, d Summary) string {
	if d.Removed {
		return p.T("assembly.decision.removed", nil)
	}
	return d.Title
}

// State is where a decision is, in a few words.
func State(p *words.Printer, d Summary) string {
	if d.Rival != "" {
		return p.T("assembly.decision.state_no_count", nil)
	}
	if d.Result != "" {
		return p.T("assembly.decision.result_"+string(d.Result), nil)
	}
	text := p.T("assembly.decision.phase_"+string(d.Phase), args{"Until": until(d)})
	if d.Await {
		text += " " + p.T("assembly.decision.await", nil)
	}
	return text
}

// until is the end of the phase that runs.
func until(d Summary) core.Moment {
	switch d.Phase {
	case tally.PhaseTalk:
		return d.TalkUntil
	case tally.PhaseCommit:
		return d.CommitUntil
	case tally.PhaseReveal:
		return d.RevealUntil
	case tally.PhaseGrace, tally.PhaseCounted:
	}
	return d.CountedAt
}

func show(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	v, err := s.View(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	return out.Emit(v, func() {
		out.Line(titleOf(out.P, v.Summary))
		out.Say("assembly.decision.shows", args{
			"ID": v.ID, "By": v.By, "Kind": out.P.T("assembly.decision.kind_"+string(v.Kind), nil), "Version": v.Version, "State": State(out.P, v.Summary),
		})
		if v.Hurried {
			out.Say("assembly.decision.hurried", nil)
		}
		for _, w := range v.Warnings {
			out.Say(w.Key, w.Args)
		}
		if v.Text != "" {
			out.Line("\n" + indent(v.Text) + "\n")
		}
		for i, o := range v.Options {
			out.Line("  " + strconv.Itoa(i) + "  " + o)
		}
		showWords(out, v)
		showBallots(out, v)
		showCount(out, v)
		showOwn(out, v)
	})
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

func showWords(out *console.Out, v View) {
	for _, r := range v.Remarks {
		out.Say("assembly.decision.remark_of", args{"By": r.By, "At": r.At, "ID": short(r.ID), "Version": r.Version})
		out.Line(indent(removedOr(out.P, r.Removed, r.Text)))
	}
	for _, o := range v.Objections {
		key := "assembly.decision.objection_of"
		switch {
		case o.Lifted != 0:
			key = "assembly.decision.objection_lifted"
		case o.Late:
			key = "assembly.decision.objection_late"
		}
		out.Say(key, args{"By": o.By, "At": o.At, "ID": short(o.ID), "Version": o.Version})
		out.Line(indent(removedOr(out.P, o.Removed, out.P.T("assembly.decision.objection", args{"Harm": o.Harm, "Whom": o.Whom, "Lift": o.Lift}))))
	}
}

func removedOr(p *words.Printer, removed bool, text string) string {
	if removed {
		return p.T("assembly.decision.removed", nil)
	}
	return text
}

func showBallots(out *console.Out, v View) {
	if v.Kind == tally.KindLazy {
		return
	}
	rows := make([][]string, 0, len(v.Electorate))
	for _, e := range v.Electorate {
		state := "none"
		switch {
		case e.Status != "":
			state = string(e.Status)
		case e.Opened:
			state = "opened"
		case e.Sealed:
			state = "sealed"
		}
		text := out.P.T("assembly.decision.ballot_"+state, nil)
		if e.Status == tally.Open {
			text = sayChoice(out.P, e.Choice)
		}
		if e.Reason != "" {
			text += ": " + out.P.T("assembly.decision.reason_"+string(e.Reason), nil)
		}
		if e.Sleeping {
			text += " " + out.P.T("assembly.decision.asleep", nil)
		}
		rows = append(rows, []string{string(e.Member), text})
	}
	out.Table([]string{"assembly.decision.col_member", "assembly.decision.col_ballot"}, rows)
}

func sayChoice(p *words.Printer, c tally.Choice) string {
	if len(c.Grades) > 0 {
		return c.String()
	}
	return p.T("assembly.decision.stance_"+string(c.Stance), nil)
}

func showCount(out *console.Out, v View) {
	if v.Count == nil {
		return
	}
	out.Say("assembly.decision.counted", args{
		"Result": out.P.T("assembly.decision.result_"+string(v.Count.Result), nil), "N": v.Count.N, "Quorum": v.Count.Quorum, "Turnout": v.Count.Turnout,
	})
	for _, i := range v.Count.Order {
		if i < len(v.Options) {
			out.Line("  " + strconv.Itoa(v.Count.Medians[i]) + "  " + v.Options[i])
		}
	}
	if v.Count.Facilitator != "" {
		out.Say("assembly.decision.facilitator", args{"Member": v.Count.Facilitator})
	}
	if len(v.Count.Free) > 0 {
		out.Say("assembly.decision.free", args{"Members": joined(v.Count.Free)})
	}
	out.Say("assembly.decision.alike", args{"Count": v.Alike, "Tally": v.Count.Hash})
	if v.Differ > 0 {
		out.Say("assembly.decision.differ", args{"Count": v.Differ})
	}
	if v.Standing != "" {
		out.Say("assembly.decision.review_"+string(v.Standing), args{"ID": short(v.ID), "Day": v.Review})
	}
}

func showOwn(out *console.Out, v View) {
	if v.Own.Cast && v.Count == nil {
		out.Say("assembly.decision.own", args{"Choice": sayChoice(out.P, v.Own.Choice)})
	}
	if v.Own.WaitsBy != "" {
		out.Say("assembly.decision.own_waits", args{"Who": v.Own.WaitsBy, "ID": short(v.ID), "Until": v.CommitUntil})
	}
	if v.Own.Pending {
		out.Say("assembly.decision.own_pending", nil)
	}
}
