package incident

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/incident/note"
)

// Command is `incident` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	return console.Group("incident", p.T("watch.incident.cmd", nil),
		openCommand(p, open), sayCommand(p, open, KindUpdate), sayCommand(p, open, KindClose), postmortemCommand(p, open),
		withdrawCommand(p, open), showCommand(p, open), listCommand(p, open))
}

// textFlags are what people write.
type textFlags struct{ note.Document }

func (f *textFlags) register(c *cobra.Command, p *words.Printer) {
	c.Flags().StringVar(&f.Lang, "text-lang", p.Lang, p.T("watch.incident.flag_lang", nil))
	c.Flags().StringVar(&f.Text, "text", "", p.T("watch.incident.flag_text", nil))
}

func (f *textFlags) document() note.Document {
	f.Text = note.Tidy(f.Text)
	return f.Document
}

func openCommand(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	var (
		text     textFlags
		services []string
	)
	c := console.Command(open, "open", p.T("watch.incident.cmd_open", nil), func(cmd *cobra.Command, s *Reporter, out *console.Out, _ []string) error {
		i, err := s.Open(cmd.Context(), services, text.document())
		if err != nil {
			return err
		}
		return out.Emit(i, func() { out.Say("watch.incident.opened", args{"ID": short(i.ID)}) })
	})
	text.register(c, p)
	c.Flags().StringSliceVar(&services, "service", nil, p.T("watch.incident.flag_service", nil))
	return c
}

// sayCommand is update or close.
func sayCommand(p *words.Printer, open console.Opener[*Reporter], kind Kind) *cobra.Command {
	var (
		text       textFlags
		correction bool
	)
	about := map[Kind]string{KindUpdate: p.T("watch.incident.cmd_update", nil), KindClose: p.T("watch.incident.cmd_close", nil)}
	c := console.Command(open, string(kind)+" ID", about[kind], func(cmd *cobra.Command, s *Reporter, out *console.Out, typed []string) error {
		if correction {
			kind = KindCorrection
		}
		i, err := s.Say(cmd.Context(), typed[0], kind, text.document())
		if err != nil {
			return err
		}
		return out.Emit(i, func() { out.Say("watch.incident.said", args{"ID": short(i.ID)}) })
	})
	text.register(c, p)
	if kind == KindUpdate {
		c.Flags().BoolVar(&correction, "correction", false, p.T("watch.incident.flag_correction", nil))
	}
	return c
}

func postmortemCommand(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	var (
		lang  string
		typed = map[string]*string{}
	)
	c := console.Command(open, "postmortem ID", p.T("watch.incident.cmd_postmortem", nil), func(cmd *cobra.Command, s *Reporter, out *console.Out, words []string) error {
		d := note.Document{Lang: lang, Postmortem: &note.Postmortem{}}
		for name, text := range typed {
			d.Postmortem.Set(name, *text)
		}
		i, err := s.Say(cmd.Context(), words[0], KindPostmortem, d)
		if err != nil {
			return err
		}
		return out.Emit(i, func() { out.Say("watch.incident.said", args{"ID": short(i.ID)}) })
	})
	c.Flags().StringVar(&lang, "text-lang", p.Lang, p.T("watch.incident.flag_lang", nil))
	for _, name := range note.Fields() {
		typed[name] = c.Flags().String(name, "", p.T("watch.incident.ask_"+name, nil))
	}
	c.Flags().SortFlags = false
	return c
}

func withdrawCommand(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	var yes bool
	c := console.Command(open, "withdraw TEXT", p.T("watch.incident.cmd_withdraw", nil), func(cmd *cobra.Command, s *Reporter, out *console.Out, typed []string) error {
		name, err := s.TextNamed(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) { side.Say("watch.incident.to_withdraw", args{"Name": short(name)}) }); err != nil {
			return err
		}
		if err := s.Withdraw(cmd.Context(), name); err != nil {
			return err
		}
		return out.Emit(struct {
			Name string `json:"sha256"`
		}{name}, func() { out.Say("watch.incident.withdrawn", args{"Name": short(name)}) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("watch.incident.flag_yes", nil))
	return c
}

func showCommand(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	return console.Command(open, "show ID", p.T("watch.incident.cmd_show", nil), func(cmd *cobra.Command, s *Reporter, out *console.Out, typed []string) error {
		story, err := s.Incident(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(story, func() { printStory(out, story, s.now()) })
	})
}

// printStory tells an incident to a terminal; console keeps foreign text harmless.
func printStory(out *console.Out, story Story, now core.Moment) {
	out.Line(Title(out.P, story.Incident))
	out.Line(Standing(out.P, story.Incident, now))
	if story.Weak {
		out.Say("watch.incident.weak", nil)
	}
	for _, l := range story.Lines {
		line := Clock(l.At) + "  " + l.Says(out.P)
		if l.Name != "" {
			line += " [" + short(l.Name) + "]"
		}
		out.Line(line)
		if text := l.TextOf(out.P); text != "" {
			out.Line("    " + strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
	if story.Postmortem == nil {
		return
	}
	for _, name := range note.Fields() {
		if text := story.Postmortem.Get(name); text != "" {
			out.Line("")
			out.Line(out.P.T("watch.incident.ask_"+name, nil))
			out.Line("    " + strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
}

func listCommand(p *words.Printer, open console.Opener[*Reporter]) *cobra.Command {
	var (
		member string
		all    bool
		days   int
	)
	c := console.Command(open, "list", p.T("watch.incident.cmd_list", nil), func(cmd *cobra.Command, s *Reporter, out *console.Out, _ []string) error {
		owner := s.n.Self
		if all {
			owner = ""
		}
		if member != "" {
			var err error
			if owner, err = core.ParseMemberID(member); err != nil {
				return err
			}
		}
		found, err := s.Incidents(cmd.Context(), owner, s.now().Add(-day*time.Duration(min(max(days, 0), 36_500))), maxListed)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(found))
		for _, i := range found {
			rows = append(rows, []string{short(i.ID), string(i.Owner), out.P.Date(i.Opened), Title(out.P, i), Standing(out.P, i, s.now())})
		}
		return out.Emit(orEmpty(found), func() {
			if len(rows) == 0 {
				out.Say("watch.incident.none", args{"Count": days})
				return
			}
			out.Table([]string{"watch.incident.col_id", "watch.incident.col_member", "watch.incident.col_opened", "watch.incident.col_what", "watch.incident.col_state"}, rows)
		})
	})
	c.Flags().StringVar(&member, "member", "", p.T("watch.incident.flag_member", nil))
	c.Flags().BoolVar(&all, "all", false, p.T("watch.incident.flag_all", nil))
	c.Flags().IntVar(&days, "days", 90, p.T("watch.incident.flag_days", nil))
	return c
}

// orEmpty is a list that JSON writes as [] where there is nothing.
func orEmpty(all []Incident) []Incident {
	if all == nil {
		return []Incident{}
	}
	return all
}
