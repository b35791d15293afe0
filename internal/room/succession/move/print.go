package move

import (
	"fmt"

	"entrechat/internal/kit/console"
	"entrechat/internal/room/succession/recipe"
)

// tried says with which program a recipe was tried.
func tried(out *console.Out, t recipe.Tried, versions string) string {
	if t == recipe.With {
		return out.P.T("succession.move.tried_with", map[string]any{"Versions": versions})
	}
	return out.P.T("succession.move.tried_against", map[string]any{"Versions": versions})
}

// printTable says what is kept, archived and lost.
func printTable(out *console.Out, table []recipe.Row) {
	rows := make([][]string, len(table))
	for i, r := range table {
		why := ""
		if r.Why != "" {
			why = out.P.T(r.Why, nil)
		}
		rows[i] = []string{out.P.T("succession.move.fate_"+string(r.Fate), nil), out.P.T(r.What, nil), why}
	}
	out.Table([]string{"succession.move.col_fate", "succession.move.col_what", "succession.move.col_why"}, rows)
}

// countLine is one count as text: "messages INBOX: 12 / 11".
func countLine(out *console.Out, n recipe.Count) string {
	line := out.P.T(n.Key(), nil)
	if n.Of != "" {
		line += " (" + n.Of + ")"
	}
	if n.From == n.To && n.FromSum != n.ToSum {
		return fmt.Sprintf("%s: %d, %s", line, n.From, out.P.T("succession.move.contents", nil))
	}
	return fmt.Sprintf("%s: %d / %d", line, n.From, n.To)
}

// most is how many counts a person is shown; --json has all.
const most = 40

// printCounts says what was counted; nothing when nothing was.
func printCounts(out *console.Out, v View) {
	if len(v.Counted) == 0 {
		return
	}
	var rows [][]string
	left := 0
	for _, c := range v.Counted {
		for _, n := range c.Counts {
			if len(rows) >= most && n.Equal() {
				left++
				continue
			}
			mark := "succession.move.equal"
			if !n.Equal() {
				mark = "succession.move.not_equal"
			}
			of := n.Of
			if c.Unit != "" {
				of = c.Unit + " " + of
			}
			rows = append(rows, []string{out.P.T(mark, nil), out.P.T(n.Key(), nil), of, fmt.Sprint(n.From), fmt.Sprint(n.To)})
		}
	}
	out.Table([]string{"succession.move.col_equal", "succession.move.col_what", "succession.move.col_of", "succession.move.col_old", "succession.move.col_new"}, rows)
	if left > 0 {
		out.Say("succession.move.more_equal", map[string]any{"N": left})
	}
}

func printView(out *console.Out, v View) {
	out.Say("succession.move.is", map[string]any{"ID": v.ID, "Recipe": v.Recipe, "State": out.P.T("succession.move.state_"+string(v.State), nil), "Date": out.P.Date(v.Changed)})
	printTable(out, v.Table)
	rows := make([][]string, 0, len(v.Steps))
	for _, p := range v.Steps {
		why := ""
		if p.Error != "" {
			why = p.Error
		}
		far := ""
		if p.Total > 0 {
			far = fmt.Sprintf("%d / %d", p.Done, p.Total)
		}
		rows = append(rows, []string{out.P.T("succession.recipe."+v.Recipe+".step."+p.Step, nil), p.Unit, out.P.T("succession.move.step_"+p.State, nil), fmt.Sprint(p.Tries), far, why})
	}
	out.Table([]string{"succession.move.col_step", "succession.move.col_of", "succession.move.col_state", "succession.move.col_tries", "succession.move.col_far", "succession.move.col_why"}, rows)
	printCounts(out, v)
}
