package target

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// View is a target as commands print it.
type View struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Kind    Kind   `json:"kind"`
	Address string `json:"address,omitempty"`
	Every   int64  `json:"every_s"`
	Expect  Expect `json:"expect"`
	Local   bool   `json:"local"`
	Paused  bool   `json:"paused"`
}

// View is what commands print of a target.
func (t Target) View() View {
	return View{t.ID, t.Service, t.Kind, t.Address, int64(t.Every / time.Second), t.Expect, t.Local, t.Paused}
}

// Commands are `watch list`, `remove`, `pause` and `resume`.
func Commands(p *words.Printer, open console.Opener[*Targets]) []*cobra.Command {
	change := func(use, about, done string, paused bool) *cobra.Command {
		return console.Command(open, use, p.T(about, nil), func(cmd *cobra.Command, s *Targets, out *console.Out, typed []string) error {
			t, err := s.Own(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			if t, err = s.Change(cmd.Context(), t.ID, func(t *Target) { t.Paused = paused }); err != nil {
				return err
			}
			return out.Emit(t.View(), func() { out.Say(done, args{"Service": t.Service, "Address": t.Address}) })
		})
	}
	return []*cobra.Command{
		console.Command(open, "list", p.T("watch.target.cmd_list", nil), list),
		console.Command(open, "remove TARGET", p.T("watch.target.cmd_remove", nil), func(cmd *cobra.Command, s *Targets, out *console.Out, typed []string) error {
			t, err := s.Remove(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			return out.Emit(t.View(), func() { out.Say("watch.target.removed", args{"Service": t.Service, "Address": t.Address}) })
		}),
		change("pause TARGET", "watch.target.cmd_pause", "watch.target.paused", true),
		change("resume TARGET", "watch.target.cmd_resume", "watch.target.resumed", false),
	}
}

func list(cmd *cobra.Command, s *Targets, out *console.Out, _ []string) error {
	all, err := Of(cmd.Context(), s.DB, s.Self)
	if err != nil {
		return err
	}
	views, rows := make([]View, 0, len(all)), make([][]string, 0, len(all))
	for _, t := range all {
		views = append(views, t.View())
		rows = append(rows, []string{t.ID, t.Service, string(t.Kind), t.Address, out.P.Span(t.Every), out.P.T(t.Mode(), nil)})
	}
	return out.Emit(views, func() {
		if len(rows) == 0 {
			out.Say("watch.target.none", nil)
			return
		}
		out.Table([]string{
			"watch.target.head_id", "watch.target.head_service", "watch.target.head_kind", "watch.target.head_address",
			"watch.target.head_every", "watch.target.head_mode",
		}, rows)
	})
}

// Mode is the words key of who looks.
func (t Target) Mode() string {
	switch {
	case t.Paused:
		return "watch.target.mode_paused"
	case t.Local:
		return "watch.target.mode_local"
	default:
		return "watch.target.mode_shared"
	}
}

// Flags are what `watch add` takes beside the address.
type Flags struct {
	Target

	kind                 string
	every, period, grace time.Duration
	cron, zone, status   string
	record, answers      string
}

// Register gives a command the flags.
func (f *Flags) Register(c *cobra.Command, p *words.Printer) {
	say := func(name string) string { return p.T("watch.target.flag_"+name, nil) }
	fl := c.Flags()
	fl.StringVar(&f.Service, "service", "", say("service"))
	fl.StringVar(&f.kind, "kind", "", p.T("watch.target.flag_kind", args{"Kinds": kindList()}))
	fl.DurationVar(&f.every, "every", UsualEvery, say("every"))
	fl.StringVar(&f.status, "status", "", say("status"))
	fl.StringVar(&f.Expect.Text, "text", "", say("text"))
	fl.StringVar(&f.Expect.Absent, "absent", "", say("absent"))
	fl.StringVar(&f.Expect.Pointer, "pointer", "", say("pointer"))
	fl.StringVar(&f.Expect.Value, "value", "", say("value"))
	fl.StringVar(&f.record, "record", "", say("record"))
	fl.StringVar(&f.answers, "answer", "", say("answer"))
	fl.Int64Var(&f.Expect.Slow, "slow", 0, say("slow"))
	fl.BoolVar(&f.Local, "local", false, say("local"))
	fl.BoolVar(&f.Expect.Insecure, "insecure", false, say("insecure"))
	fl.DurationVar(&f.period, "period", 0, say("period"))
	fl.DurationVar(&f.grace, "grace", 0, say("grace"))
	fl.StringVar(&f.cron, "cron", "", say("cron"))
	fl.StringVar(&f.zone, "zone", "", say("zone"))
	fl.Int64Var(&f.Expect.MaxAge, "max-age", 0, say("max_age"))
}

func kindList() string {
	all := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// Typed is the target that was typed; its kind is empty where none was named.
func (f *Flags) Typed(address string) Target {
	t := f.Target
	t.Address, t.Kind, t.Every = address, Kind(f.kind), f.every
	t.Expect.Status, t.Expect.Answers = listed(f.status), listed(f.answers)
	t.Expect.Record = strings.ToUpper(f.record)
	if f.period != 0 || f.cron != "" || t.Kind == Ping {
		t.Expect.Signal = &Signal{Period: int64(f.period / time.Second), Grace: int64(f.grace / time.Second), Cron: f.cron, Zone: f.zone}
	}
	return t
}

func listed(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
