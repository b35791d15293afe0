package runbook

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Command is `custody runbook ...`; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Group("runbook", p.T("custody.runbook.cmd", nil),
		console.Command(open, "add URL|PATH", p.T("custody.runbook.cmd_add", nil), add),
		console.Command(open, "remove URL|PATH", p.T("custody.runbook.cmd_remove", nil), remove),
		console.Command(open, "list", p.T("custody.runbook.cmd_list", nil), list),
		showCommand(p, open), rehearseCommand(p, open),
		console.Command(open, "card", p.T("custody.runbook.cmd_card", nil), card),
		console.Command(open, "played MINUTES [DEFECT]...", p.T("custody.runbook.cmd_played", nil), played))
}

func add(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	got, err := s.Add(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	return out.Emit(got, func() {
		out.Say("custody.runbook.added", map[string]any{"Count": got.Runbooks})
		for _, name := range got.Left {
			out.Say("custody.runbook.left", map[string]any{"Name": name})
		}
	})
}

func remove(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	if err := s.Remove(cmd.Context(), typed[0]); err != nil {
		return err
	}
	return out.Emit(map[string]string{"removed": typed[0]}, func() { out.Say("custody.runbook.removed", nil) })
}

// listed is a runbook as commands print it.
type listed struct {
	ID      ID          `json:"id"`
	Name    string      `json:"name"`
	Title   string      `json:"title"`
	State   State       `json:"state"`
	Commit  string      `json:"commit"`
	Changed core.Moment `json:"changed_us"`
	Last    core.Moment `json:"last_us"`
	Reader  string      `json:"reader,omitempty"`
	Minutes int64       `json:"minutes"`
	Defects int         `json:"defects"`
}

func (v View) listed() listed {
	l := listed{ID: v.ID, Name: v.Name(), Title: v.Title, State: v.State, Commit: v.Commit, Changed: v.Changed}
	if v.Last != nil {
		l.Last, l.Reader, l.Minutes, l.Defects = v.Last.Ended, v.Reader, minutes(v.Last.Took()), v.Last.Defects()
	}
	return l
}

// minutes are whole ones, rounded up: what took ten seconds took a minute.
func minutes(d time.Duration) int64 { return int64((d + time.Minute - 1) / time.Minute) }

// overview is what `custody runbook list` prints.
type overview struct {
	Rehearsed int      `json:"rehearsed"`
	Runbooks  []listed `json:"runbooks"`
	Troubles  []string `json:"troubles"` // addresses that could not be pulled
	Drills    int      `json:"drills"`
}

func list(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.List(cmd.Context())
	if err != nil {
		return err
	}
	sources, err := s.Sources(cmd.Context())
	if err != nil {
		return err
	}
	drills, err := s.Drills(cmd.Context())
	if err != nil {
		return err
	}
	o := overview{Runbooks: make([]listed, 0, len(all)), Troubles: []string{}, Drills: len(drills)}
	for _, v := range all {
		o.Runbooks = append(o.Runbooks, v.listed())
		if v.State == Rehearsed {
			o.Rehearsed++
		}
	}
	for _, one := range sources {
		if one.Trouble != "" {
			o.Troubles = append(o.Troubles, one.Address)
		}
	}
	return out.Emit(o, func() { o.print(out) })
}

func (o overview) print(out *console.Out) {
	if len(o.Runbooks) == 0 {
		out.Say("custody.runbook.none", nil)
		return
	}
	rows := make([][]string, 0, len(o.Runbooks))
	for _, l := range o.Runbooks {
		reader := l.Reader
		if reader == "" {
			reader = "—"
		}
		rows = append(rows, []string{l.Name, out.P.T("custody.runbook.state_"+string(l.State), nil), out.P.Day(l.Last), reader})
	}
	out.Table([]string{"custody.runbook.head_name", "custody.runbook.head_state", "custody.runbook.head_last", "custody.runbook.head_reader"}, rows)
	out.Say("custody.runbook.limit", map[string]any{"Rehearsed": o.Rehearsed, "Count": len(o.Runbooks)})
	for _, address := range o.Troubles {
		out.Say("custody.runbook.trouble", map[string]any{"Address": address})
	}
}

// shownText is what `custody runbook show` prints.
type shownText struct {
	listed
	Ends  bool        `json:"ends"` // a heading tells how one sees that it is done
	Steps []shownStep `json:"steps"`
}

type shownStep struct {
	Heading  string   `json:"heading"`
	Text     string   `json:"text"`
	Commands []string `json:"commands"`
}

func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	commands := 0
	c := console.Command(open, "show NAME", p.T("custody.runbook.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		v, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		text, err := Parse(v.Text)
		if err != nil {
			return err
		}
		shown := shownText{listed: v.listed(), Ends: text.Ends, Steps: make([]shownStep, 0, len(text.Steps))}
		for _, step := range text.Steps {
			shown.Steps = append(shown.Steps, shownStep{step.Heading, step.Source, append([]string{}, step.Commands...)})
		}
		if commands < 0 || commands > len(shown.Steps) {
			return core.NotFound("custody.runbook.no_step", errors.New("no such step"))
		}
		if commands > 0 {
			return out.Emit(shown.Steps[commands-1].Commands, func() { out.Line(strings.Join(shown.Steps[commands-1].Commands, "")) })
		}
		return out.Emit(shown, func() { shown.print(out) })
	})
	c.Flags().IntVar(&commands, "commands", 0, p.T("custody.runbook.flag_commands", nil))
	return c
}

func (t shownText) print(out *console.Out) {
	out.Line(t.Title)
	out.Say("custody.runbook.state_"+string(t.State), nil)
	if !t.Ends {
		out.Say("custody.runbook.no_end", nil)
	}
	for i, step := range t.Steps {
		out.Line("")
		out.Line(stepName(out.P, i, len(t.Steps), step.Heading))
		out.Line(step.Text)
	}
}

// stepName is what stands above a step: its number and its heading.
func stepName(p *words.Printer, number, of int, heading string) string {
	if heading == "" {
		heading = p.T("custody.runbook.before", nil)
	}
	return p.T("custody.runbook.step", map[string]any{"Number": number + 1, "Of": of, "Heading": heading})
}

func rehearseCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var b Beginning
	c := console.Command(open, "rehearse NAME", p.T("custody.runbook.cmd_rehearse", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		v, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		h, err := s.Begin(cmd.Context(), v.ID, b)
		if err != nil {
			return err
		}
		h, err = walk{s, out, bufio.NewReader(out.In)}.through(cmd, h)
		if err != nil {
			return err
		}
		return out.Emit(resultOf(h), func() {
			out.Say("custody.runbook.result_"+string(h.Outcome), map[string]any{"Minutes": minutes(h.Took()), "Defects": h.Defects()})
		})
	})
	c.Flags().StringVar(&b.Reader, "reader", "", p.T("custody.runbook.flag_reader", nil))
	c.Flags().StringVar(&b.LedBy, "led-by", "", p.T("custody.runbook.flag_led", nil))
	c.Flags().StringVar(&b.Scenario, "scenario", "", p.T("custody.runbook.flag_scenario", nil))
	return c
}

// result is a rehearsal as commands print it.
type result struct {
	ID      string      `json:"id"`
	Outcome Outcome     `json:"outcome"`
	Commit  string      `json:"commit"`
	Started core.Moment `json:"started_us"`
	Ended   core.Moment `json:"ended_us"`
	Defects int         `json:"defects"`
	Steps   []Done      `json:"steps"`
}

func resultOf(h Rehearsal) result {
	return result{h.ID, h.Outcome, h.Commit, h.Started, h.Ended, h.Defects(), append([]Done{}, h.Done...)}
}

// walk leads a reader through a text on the terminal. Questions stand on the error stream,
// so that what is printed at the end stays alone.
type walk struct {
	*Service
	out *console.Out
	in  *bufio.Reader
}

func (w walk) ask() (string, error) {
	text, err := w.in.ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return "", core.Invalid("custody.runbook.broken_off", err)
	}
	return strings.TrimSpace(text), nil
}

func (w walk) through(cmd *cobra.Command, h Rehearsal) (Rehearsal, error) {
	text, err := Parse(h.Text)
	if err != nil {
		return h, err
	}
	side := *w.out
	side.W = w.out.Err
	side.Line(text.Title)
	side.Say("custody.runbook.rules", nil)
	for {
		step, ok := h.next(text)
		if !ok {
			break
		}
		side.Line("")
		side.Line(stepName(side.P, len(h.Done), len(text.Steps), step.Heading))
		side.Line(step.Source)
		side.Say("custody.runbook.ask_step", nil)
		defect, err := w.ask()
		if err != nil {
			return h, err
		}
		if h, err = w.Note(cmd.Context(), h.ID, len(h.Done), defect); err != nil {
			return h, err
		}
	}
	side.Line("")
	side.Say("custody.runbook.ask_end", nil)
	answer, err := w.ask()
	if err != nil {
		return h, err
	}
	yes := map[string]bool{"oui": true, "o": true, "yes": true, "y": true}
	return w.Finish(cmd.Context(), h.ID, yes[strings.ToLower(answer)])
}

func card(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	c, err := s.Draw(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(c, func() {
		out.Say("custody.runbook.card_lead", map[string]any{"Member": string(c.Member), "Day": out.P.Day(c.At)})
		for _, part := range c.parts() {
			out.Line("")
			out.Say(part.Key, nil)
			out.Line(part.Text)
		}
		out.Line("")
		out.Say("custody.runbook.card_after", nil)
	})
}

func played(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	n, err := strconv.ParseInt(typed[0], 10, 32)
	if err != nil {
		n = 0 // refused below
	}
	d, err := s.Played(cmd.Context(), n, typed[1:])
	if err != nil {
		return err
	}
	return out.Emit(d, func() {
		out.Say("custody.runbook.played", map[string]any{"Minutes": d.Minutes, "Count": len(d.Defects)})
	})
}
