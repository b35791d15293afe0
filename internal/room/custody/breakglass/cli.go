package breakglass

import (
	"bufio"
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/heir"
)

type args = map[string]any

// Commands are `custody ask ...`, `custody release`, `custody veto` and `custody rotation ...`.
func Commands(p *words.Printer, open console.Opener[*Asks]) []*cobra.Command {
	return []*cobra.Command{
		console.Group("ask", p.T("custody.breakglass.cmd", nil),
			openCommand(p, open), collectCommand(p, open),
			console.Command(open, "list", p.T("custody.breakglass.cmd_list", nil), listAsks),
			console.Command(open, "show ID", p.T("custody.breakglass.cmd_show", nil), showAsk),
			console.Command(open, "sooner ID", p.T("custody.breakglass.cmd_sooner", nil), agree(ask.Sooner)),
			console.Command(open, "overrule ID", p.T("custody.breakglass.cmd_overrule", nil), agree(ask.Overrule)),
			console.Command(open, "decline ID", p.T("custody.breakglass.cmd_decline", nil), decline)),
		releaseCommand(p, open), vetoCommand(p, open),
		console.Group("rotation", p.T("custody.breakglass.cmd_rotation", nil),
			console.Command(open, "list", p.T("custody.breakglass.cmd_rotation_list", nil), listRotations),
			console.Command(open, "done DEAL LINE", p.T("custody.breakglass.cmd_rotation_done", nil), rotated)),
	}
}

func openCommand(p *words.Printer, open console.Opener[*Asks]) *cobra.Command {
	var w Wish
	var of, reason string
	c := console.Command(open, "open SCOPE", p.T("custody.breakglass.cmd_open", nil), func(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) (err error) {
		w.Scope, w.Reason = typed[0], ask.Reason(reason)
		if of != "" {
			if w.Of, err = core.ParseMemberID(of); err != nil {
				return err
			}
		}
		if !w.Reason.Valid() || w.Reason == ask.Rehearsal {
			return core.Invalid("custody.breakglass.bad_reason", errors.New("no reason"))
		}
		s, err := a.Open(cmd.Context(), w)
		if err != nil {
			return err
		}
		v, err := a.View(cmd.Context(), s.ID)
		if err != nil {
			return err
		}
		return out.Emit(v, func() {
			out.Say("custody.breakglass.made", args{"ID": v.ID[:12], "Words": v.Words, "Told": v.Told, "Wait": v.Wait})
		})
	})
	c.Flags().StringVar(&reason, "reason", "", p.T("custody.breakglass.flag_reason", nil))
	c.Flags().StringVar(&of, "of", "", p.T("custody.breakglass.flag_of", nil))
	c.Flags().StringVar(&w.Purpose, "purpose", "", p.T("custody.breakglass.flag_purpose", nil))
	c.Flags().StringVar(&w.Decision, "decision", "", p.T("custody.breakglass.flag_decision", nil))
	_ = c.MarkFlagRequired("reason")
	return c
}

func collectCommand(p *words.Printer, open console.Opener[*Asks]) *cobra.Command {
	var file string
	var papers []string
	c := console.Command(open, "collect ID", p.T("custody.breakglass.cmd_collect", nil), func(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
		paper, err := collect.ReadShares(papers)
		if err != nil {
			return err
		}
		id, err := a.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if out.JSON && file == "" {
			return core.Invalid("custody.breakglass.say_where", errors.New("no --out"))
		}
		c, err := a.Collect(cmd.Context(), id, paper, func(content []byte) error { return deliver(out, file, content) })
		if err != nil {
			return err
		}
		return out.Emit(c, func() { sayCollected(out, c, file) })
	})
	c.Flags().StringVar(&file, "out", "", p.T("custody.breakglass.flag_out", nil))
	c.Flags().StringArrayVar(&papers, "share", nil, p.T("custody.breakglass.flag_share", nil))
	return c
}

// deliver prints what a box held, or writes it to a file that nobody else reads.
func deliver(out *console.Out, file string, content []byte) error {
	if file != "" {
		err := seal.WriteSecret(file, content)
		// A run that was cut off wrote it before.
		if was, also := seal.ReadSecret(file); core.CodeOf(err) == core.CodeConflict && also == nil && bytes.Equal(was, content) {
			return nil
		}
		return err
	}
	text := string(content)
	if !ask.Plain(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\t", " ")) {
		return core.Invalid("custody.breakglass.say_where", errors.New("no text"))
	}
	out.Line(text)
	return nil
}

func sayCollected(out *console.Out, c collect.Collected, file string) {
	rows := make([][]string, 0, len(c.From))
	for _, f := range c.From {
		state := out.P.T("custody.breakglass.state_"+string(f.State), nil)
		switch {
		case f.Silent:
			state = out.P.T("custody.breakglass.silent", nil)
		case f.Bad != "":
			state = out.P.T(f.Bad, nil)
		case f.State == ask.Waiting:
			state += " (" + out.P.Span(micros(f.Left)) + ")"
		}
		rows = append(rows, []string{string(f.Member), state})
	}
	out.Table([]string{"custody.breakglass.col_member", "custody.breakglass.col_state"}, rows)
	switch {
	case c.Opened && file != "":
		out.Say("custody.breakglass.opened_file", args{"File": file})
	case c.Opened:
		out.Say("custody.breakglass.opened_here", nil)
	default:
		out.Say("custody.breakglass.have", args{"Have": c.Have, "Needed": c.Needed, "Words": c.Words})
	}
}

func listAsks(cmd *cobra.Command, a *Asks, out *console.Out, _ []string) error {
	all, err := a.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("custody.breakglass.none", nil)
			return
		}
		rows := make([][]string, 0, len(all))
		for _, v := range all {
			rows = append(rows, []string{v.ID[:12], string(v.Owner), v.Scope, out.P.T("custody.breakglass.reason_"+string(v.Reason), nil), asker(out.P, v), stateText(out.P, v.Status)})
		}
		out.Table([]string{"custody.breakglass.col_id", "custody.breakglass.col_owner", "custody.breakglass.col_scope", "custody.breakglass.col_reason", "custody.breakglass.col_asker", "custody.breakglass.col_state"}, rows)
	})
}

// asker says who asks.
func asker(p *words.Printer, v View) string {
	if v.Role == ask.AsDomain {
		return p.T("custody.breakglass.by_domain", args{"Owner": string(v.Owner)})
	}
	return string(v.Asker)
}

// stateText says how an ask stands, and how long a wait still is.
func stateText(p *words.Printer, s collect.Status) string {
	text := p.T("custody.breakglass.state_"+string(s.State), nil)
	if s.Why != ask.WhyNothing {
		text = p.Pair(text, p.T("custody.breakglass.why_"+string(s.Why), nil))
	}
	if s.Left > 0 {
		text += " (" + p.Span(micros(s.Left)) + ")"
	}
	return text
}

func showAsk(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
	v, err := a.View(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	return out.Emit(v, func() { sayAsk(out, v) })
}

// sayAsk shows all that somebody has to read before they decide.
func sayAsk(out *console.Out, v View) {
	out.Say("custody.breakglass.shows", args{
		"Owner": string(v.Owner), "Scope": v.Scope, "Reason": out.P.T("custody.breakglass.reason_"+string(v.Reason), nil), "Asker": asker(out.P, v),
		"State": stateText(out.P, v.Status), "Expires": v.Expires, "Words": v.Words,
	})
	if v.Purpose != "" {
		out.Say("custody.breakglass.purpose", args{"Purpose": v.Purpose})
	}
	if v.Mandate != nil {
		out.Line(v.Mandate.Say(out.P))
	}
	if v.Heir != heir.None {
		out.Say(v.Heir.Key(), nil)
	}
	if v.Alive {
		out.Say("custody.breakglass.owner_alive", args{"Owner": string(v.Owner)})
	}
	for _, w := range v.Said {
		out.Say("custody.breakglass.said_"+string(w.Kind), args{"By": w.By, "Strength": out.P.T("custody.breakglass.strength_"+string(w.Strength), nil), "At": w.At})
	}
	if v.Clock {
		out.Say("custody.breakglass.clock_doubtful", nil)
	}
	if v.Held {
		if v.Contacts == "" {
			out.Say("custody.breakglass.no_contacts", args{"Owner": string(v.Owner)})
		} else {
			out.Say("custody.breakglass.contacts", args{"Owner": string(v.Owner)})
			out.Line(v.Contacts)
		}
	}
}

func releaseCommand(p *words.Printer, open console.Opener[*Asks]) *cobra.Command {
	var heard string
	var yes, clock bool
	c := console.Command(open, "release ID", p.T("custody.breakglass.cmd_release", nil), func(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
		v, err := a.View(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := confirm(out, v, heard, yes); err != nil {
			return err
		}
		if err := a.Release(cmd.Context(), v.ID, clock); err != nil {
			return err
		}
		return out.Emit(args{"id": v.ID, "state": ask.Released}, func() { out.Say("custody.breakglass.was_released", args{"Asker": asker(out.P, v)}) })
	})
	c.Flags().StringVar(&heard, "heard", "", p.T("custody.breakglass.flag_heard", nil))
	c.Flags().BoolVar(&yes, "yes", false, p.T("custody.breakglass.flag_yes", nil))
	c.Flags().BoolVar(&clock, "clock-is-right", false, p.T("custody.breakglass.flag_clock", nil))
	return c
}

// confirm has somebody read what is asked, call back, type the words they heard, and say yes.
func confirm(out *console.Out, v View, heard string, yes bool) error {
	if v.State != ask.Ready {
		return nil // Release says why not
	}
	side := *out
	side.W = out.Err
	if heard == "" {
		unheard := v
		unheard.Words = "" // to be heard from the asker, not copied from here
		sayAsk(&side, unheard)
		side.Say("custody.breakglass.type_words", nil)
		line, err := bufio.NewReader(out.In).ReadString('\n')
		if err != nil && line == "" {
			return core.Invalid("custody.breakglass.other_words", err)
		}
		heard = line
	}
	if !SameWords(heard, v.Words) {
		return core.Denied("custody.breakglass.other_words", errors.New("other words"))
	}
	return out.Confirm(yes, func(o *console.Out) {
		o.Say("custody.breakglass.sure", args{"Owner": string(v.Owner), "Scope": v.Scope})
	})
}

// SameWords compares what somebody heard on the phone; case and white space do not matter.
func SameWords(heard, words string) bool {
	return slices.Equal(strings.Fields(strings.ToLower(heard)), strings.Fields(words))
}

func agree(kind ask.Kind) func(*cobra.Command, *Asks, *console.Out, []string) error {
	return func(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
		id, err := a.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := a.Agree(cmd.Context(), id, kind); err != nil {
			return err
		}
		return showAsk(cmd, a, out, []string{id})
	}
}

func decline(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
	id, err := a.Find(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	if err := a.Decline(cmd.Context(), id); err != nil {
		return err
	}
	return showAsk(cmd, a, out, []string{id})
}
