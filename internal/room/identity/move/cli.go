package move

import (
	"context"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// View is a move as commands print it.
type View struct {
	Handle string        `json:"handle"` // here
	Member core.MemberID `json:"member"` // the other home
	// Way is "in" for who came, "out" for who goes or went.
	Way   string      `json:"way"`
	State string      `json:"state"`
	Until core.Moment `json:"until_us"`
}

// Views lists the people who came and who go, by name.
func (m *Moves) Views(ctx context.Context) ([]View, error) { return allViews(ctx, m.n.DB) }

// Command is `identity move ...`.
func Command(p *words.Printer, open console.Opener[*Moves]) *cobra.Command {
	return console.Group("move", p.T("identity.move.cmd", nil),
		console.Command(open, "show", p.T("identity.move.cmd_show", nil), show),
		console.Command(open, "list MEMBER", p.T("identity.move.cmd_list", nil), list),
		console.Command(open, "take MEMBER", p.T("identity.move.cmd_take", nil), takeAll), inherit(p, open))
}

func show(cmd *cobra.Command, m *Moves, out *console.Out, _ []string) error {
	views, err := m.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(views, func() {
		if len(views) == 0 {
			out.Say("identity.move.none", nil)
			return
		}
		rows := make([][]string, 0, len(views))
		for _, v := range views {
			rows = append(rows, []string{v.Handle, out.P.T("identity.move.way_"+v.Way, nil), string(v.Member), out.P.T("identity.move.state_"+v.State, nil)})
		}
		out.Table([]string{"identity.move.head_handle", "identity.move.head_way", "identity.move.head_member", "identity.move.head_state"}, rows)
	})
}

func list(cmd *cobra.Command, m *Moves, out *console.Out, typed []string) error {
	to, err := core.ParseMemberID(typed[0])
	if err != nil {
		return err
	}
	n, err := m.List(cmd.Context(), to)
	if err != nil {
		return err
	}
	return out.Emit(map[string]any{"member": to, "people": n}, func() {
		if n == 0 {
			out.Say("identity.move.listed_none", nil)
			return
		}
		out.Say("identity.move.listed", map[string]any{"Member": string(to), "Count": n, "Self": string(m.n.Self)})
	})
}

// takenAll is what `identity move take` prints.
type takenAll struct {
	People []Welcome `json:"people"`
	Failed []string  `json:"failed"`
}

func takeAll(cmd *cobra.Command, m *Moves, out *console.Out, typed []string) error {
	from, err := core.ParseMemberID(typed[0])
	if err != nil {
		return err
	}
	came, failed, err := m.TakeList(cmd.Context(), from)
	if err != nil && len(came) == 0 {
		return err
	}
	all := takenAll{append([]Welcome{}, came...), []string{}}
	if err != nil {
		failed = append(failed, err)
	}
	for _, one := range failed {
		all.Failed = append(all.Failed, out.P.Error(one))
	}
	return out.Emit(all, func() { all.say(out, from) })
}

// say prints who came, and how each begins.
func (all takenAll) say(out *console.Out, from core.MemberID) {
	out.Say("identity.move.took", map[string]any{"Member": string(from), "Count": len(all.People), "Failed": len(all.Failed)})
	rows, own := [][]string{}, 0
	for _, w := range all.People {
		if w.Address == "" {
			own++
			continue
		}
		rows = append(rows, []string{w.Handle, w.Address})
	}
	if own > 0 {
		out.Say("identity.move.by_own", map[string]any{"Count": own})
	}
	if len(rows) > 0 {
		out.Say("identity.move.hand_over", nil)
		out.Table([]string{"identity.move.head_handle", "identity.move.head_address"}, rows)
	}
	for _, text := range all.Failed {
		out.Line(text)
	}
}
