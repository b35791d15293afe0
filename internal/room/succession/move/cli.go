package move

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/recipe"
)

// Commands are `succession move ...`; recipes are those that it can run, which need no node to be
// listed.
func Commands(p *words.Printer, recipes []recipe.Recipe, open console.Opener[*Service]) []*cobra.Command {
	verbs := []struct {
		use, key string
		run      func(on *Service, ctx context.Context, arg string, parallel int, say Say) (Move, error)
		next     string
	}{
		{"start FILE", "start", (*Service).Start, "succession.move.next_start"},
		{"freeze ID", "freeze", (*Service).Freeze, "succession.move.next_freeze"},
		{"finish ID", "finish", (*Service).Finish, "succession.move.next_finish"},
		{"undo ID", "undo", (*Service).Undo, "succession.move.next_undo"},
	}
	subs := append(bare(p, recipes), planning(p, open))
	for _, v := range verbs {
		var parallel int
		c := console.Command(open, v.use, p.T("succession.move.cmd_"+v.key, nil), func(cmd *cobra.Command, on *Service, out *console.Out, typed []string) error {
			m, err := v.run(on, cmd.Context(), typed[0], parallel, teller(on, out))
			return after(cmd.Context(), on, out, ended{m, err, v.next})
		})
		c.Flags().IntVar(&parallel, "parallel", 4, p.T("succession.move.flag_parallel", nil))
		subs = append(subs, c)
	}
	subs = append(subs, cutting(p, open), showing(p, open), listing(p, open))
	return []*cobra.Command{console.Group("move", p.T("succession.move.cmd", nil), subs...)}
}

// bare are the commands that need no node.
func bare(p *words.Printer, recipes []recipe.Recipe) []*cobra.Command {
	open := func(cmd *cobra.Command) ([]recipe.Recipe, *console.Out, error) {
		json, err := cmd.Flags().GetBool("json")
		return recipes, &console.Out{W: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: p, JSON: json}, err
	}
	list := console.Command(open, "recipes", p.T("succession.move.cmd_recipes", nil), func(_ *cobra.Command, all []recipe.Recipe, out *console.Out, _ []string) error {
		abouts := make([]recipe.About, len(all))
		rows := make([][]string, len(all))
		for i, r := range all {
			abouts[i] = r.About()
			abouts[i].Settings = ""
			rows[i] = []string{abouts[i].Name, out.P.T("succession.recipe."+abouts[i].Name+".about", nil), tried(out, abouts[i].Tried, abouts[i].Versions)}
		}
		return out.Emit(abouts, func() {
			out.Table([]string{"succession.move.col_recipe", "succession.move.col_what", "succession.move.col_tried"}, rows)
		})
	})
	example := console.Command(open, "new RECIPE", p.T("succession.move.cmd_new", nil), func(_ *cobra.Command, all []recipe.Recipe, out *console.Out, typed []string) error {
		r, err := Find(all, typed[0])
		if err != nil {
			return err
		}
		text := fmt.Sprintf("recipe = %q\n\n%s", r.About().Name, r.About().Settings)
		return out.Emit(map[string]string{"recipe": r.About().Name, "settings": text}, func() {
			if _, err := fmt.Fprint(out.W, text); err == nil {
				out.Note("succession.move.secret", nil)
			}
		})
	})
	return []*cobra.Command{list, example}
}

func planning(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "plan FILE", p.T("succession.move.cmd_plan", nil), func(cmd *cobra.Command, on *Service, out *console.Out, typed []string) error {
		plan, err := on.Plan(cmd.Context(), typed[0], teller(on, out))
		if err != nil {
			return err
		}
		return out.Emit(plan, func() {
			printTable(out, plan.Table)
			out.Line(tried(out, plan.Tried, plan.With))
			out.Say("succession.move.units", map[string]any{"N": len(plan.Units)})
			if plan.Bytes > 0 {
				// A line of 100 Mbit/s carries about 10 MB/s of files.
				out.Say("succession.move.bytes", map[string]any{"Size": core.Size(plan.Bytes), "Time": out.P.Span(max(time.Minute, time.Duration(plan.Bytes/10_000_000)*time.Second))})
			}
			if !plan.Frozen {
				out.Say("succession.move.no_freeze", nil)
			}
			out.Say("succession.move.next_plan", map[string]any{"File": typed[0]})
		})
	})
}

func cutting(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var yes bool
	var parallel int
	c := console.Command(open, "cut ID", p.T("succession.move.cmd_cut", nil), func(cmd *cobra.Command, on *Service, out *console.Out, typed []string) error {
		v, err := on.Show(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := may(cut, v.State); err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) {
			printTable(side, v.Table)
			printCounts(side, v)
			side.Say("succession.move.cut_what", nil)
		}); err != nil {
			return err
		}
		m, err := on.Cut(cmd.Context(), typed[0], parallel, teller(on, out))
		return after(cmd.Context(), on, out, ended{m, err, "succession.move.next_cut"})
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("succession.move.flag_yes", nil))
	c.Flags().IntVar(&parallel, "parallel", 4, p.T("succession.move.flag_parallel", nil))
	return c
}

func showing(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show ID", p.T("succession.move.cmd_show", nil), func(cmd *cobra.Command, on *Service, out *console.Out, typed []string) error {
		v, err := on.Show(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(v, func() { printView(out, v) })
	})
}

func listing(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "list", p.T("succession.move.cmd_list", nil), func(cmd *cobra.Command, on *Service, out *console.Out, _ []string) error {
		all, err := on.List(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(append([]Move{}, all...), func() {
			if len(all) == 0 {
				out.Say("succession.move.none", nil)
				return
			}
			rows := make([][]string, len(all))
			for i, m := range all {
				rows[i] = []string{m.ID, m.Recipe, out.P.T("succession.move.state_"+string(m.State), nil), out.P.Date(m.Changed), m.File}
			}
			out.Table([]string{"succession.move.col_id", "succession.move.col_recipe", "succession.move.col_state", "succession.move.col_changed", "succession.move.col_file"}, rows)
		})
	})
}

// ended is how a verb ended, and the sentence of what to do next.
type ended struct {
	Move

	err  error
	next string
}

// after says how a verb ended: what differs, when counts do, or what comes next.
func after(ctx context.Context, on *Service, out *console.Out, e ended) error {
	if core.CodeOf(e.err) == core.CodeConflict && e.ID != "" && key(e.err) == "succession.move.unequal" {
		v, err := on.Show(ctx, e.ID)
		if err != nil {
			return err
		}
		for _, line := range Different(v.Counted, func(n recipe.Count) string { return countLine(out, n) }) {
			out.Note("succession.move.differs", map[string]any{"What": line})
		}
	}
	if e.err != nil {
		return e.err
	}
	v, err := on.Show(ctx, e.ID)
	if err != nil {
		return err
	}
	return out.Emit(v, func() {
		printCounts(out, v)
		if v.State == Frozen && !v.Freezes {
			e.next = "succession.move.next_unfrozen"
		}
		out.Say(e.next, map[string]any{"ID": v.ID, "File": v.File})
		if kept, archived, lost, _, err := on.Result(ctx, v.ID); err == nil && v.State == Done {
			out.Say("succession.move.numbers", map[string]any{"Kept": kept, "Archived": archived, "Lost": lost})
		}
	})
}

// teller tells a person how far it is: what begins, and now and then how much is done.
func teller(on *Service, out *console.Out) Say {
	var mu sync.Mutex
	told := map[string]time.Time{}
	return func(step, unit string, done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		now := on.n.Now()
		if last, ok := told[step+"\x00"+unit]; ok && now.Sub(last) < often {
			return
		}
		told[step+"\x00"+unit] = now
		args := map[string]any{"Step": step, "Unit": unit, "Done": done, "Total": total}
		switch {
		case total > 0 && done > 0:
			out.Note("succession.move.far", args)
		case unit != "":
			out.Note("succession.move.at_unit", args)
		default:
			out.Note("succession.move.at", args)
		}
	}
}
