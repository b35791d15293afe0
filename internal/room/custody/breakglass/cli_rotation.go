package breakglass

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

func listRotations(cmd *cobra.Command, a *Asks, out *console.Out, _ []string) error {
	all, err := a.Rotations(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("custody.breakglass.no_rotations", nil)
			return
		}
		rows := make([][]string, 0, len(all))
		for _, r := range all {
			rows = append(rows, []string{string(r.Deal[:8]), fmt.Sprint(r.Line), r.Scope, r.text(out.P), r.state(out.P, a.now())})
		}
		out.Table([]string{"custody.breakglass.col_deal", "custody.breakglass.col_line", "custody.breakglass.col_scope", "custody.breakglass.col_what", "custody.breakglass.col_state"}, rows)
	})
}

// text is what has to be changed.
func (r Rotation) text(p *words.Printer) string {
	if r.Says == "" {
		return p.T("custody.breakglass.all_it_held", nil)
	}
	return r.Says
}

func (r Rotation) state(p *words.Printer, now core.Moment) string {
	until := r.Opened.Add(rotateWithin)
	switch {
	case r.Done != 0:
		return p.T("custody.breakglass.rotated", args{"Day": p.Day(r.Done)})
	case r.Late(now):
		return p.T("custody.breakglass.rotation_late", args{"Day": p.Day(until)})
	}
	return p.T("custody.breakglass.rotation_until", args{"Day": p.Day(until)})
}

func rotated(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
	all, err := a.Rotations(cmd.Context())
	if err != nil {
		return err
	}
	var line int64
	if _, err := fmt.Sscan(typed[1], &line); err != nil {
		return core.Invalid("custody.breakglass.no_rotation", err)
	}
	for _, r := range all {
		if strings.HasPrefix(string(r.Deal), typed[0]) && len(typed[0]) >= 4 && r.Line == line {
			if err := a.Rotated(cmd.Context(), r.Deal, line); err != nil {
				return err
			}
			return listRotations(cmd, a, out, nil)
		}
	}
	return core.NotFound("custody.breakglass.no_rotation", errors.New("no such line"))
}
