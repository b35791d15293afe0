package watch

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// shown is what `watch show` answers of one target.
type shown struct {
	Owner    core.MemberID   `json:"owner"`
	Target   target.View     `json:"target"`
	State    string          `json:"state"` // up, partial, down, unknown
	Weak     bool            `json:"weak"`
	Since    core.Moment     `json:"since_us,omitzero"`
	Failing  int             `json:"failing"`
	Voters   int             `json:"voters"`
	Class    look.Class      `json:"class,omitempty"`
	Unstable bool            `json:"unstable,omitzero"`
	Proof    string          `json:"certificate,omitempty"` // leaf hash of the entry
	Who      []core.MemberID `json:"vote"`                  // who votes on it, by rank
	Newest   *lookView       `json:"newest_look,omitempty"`
	NewestAt core.Moment     `json:"newest_look_us,omitzero"`
}

// showCommand is `watch show`: what stands, of our targets and those we look at.
func showCommand(p *words.Printer, open console.Opener[*Room]) *cobra.Command {
	return console.Command(open, "show [TARGET]", p.T("watch.cmd_show", nil), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		all, err := r.targets(cmd.Context())
		if err != nil {
			return err
		}
		if len(typed) > 0 {
			t, err := r.Targets.Own(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			all = []target.Target{t}
		}
		views := make([]shown, 0, len(all))
		for _, t := range all {
			v, err := r.shown(cmd.Context(), t)
			if err != nil {
				return err
			}
			views = append(views, v)
		}
		return out.Emit(views, func() { sayShown(out, views, r.Now()) })
	})
}

func (r *Room) shown(ctx context.Context, t target.Target) (shown, error) {
	if err := r.Verdicts.Start(ctx); err != nil {
		return shown{}, err
	}
	v := r.Verdicts.State(t.Owner, t.ID)
	s := shown{
		Owner: t.Owner, Target: t.View(), State: stateName(v.State), Weak: v.Weak, Since: v.Since, Failing: v.Failing, Voters: v.Voters,
		Class: v.Class, Unstable: v.Unstable, Proof: v.Certificate, Who: []core.MemberID{},
	}
	for _, seat := range r.Verdicts.Voters(t.Owner, t.ID).Seats {
		s.Who = append(s.Who, seat.Member)
	}
	newest, ok, err := r.Recorder.Latest(ctx, t.Owner, t.ID)
	if ok {
		view := viewOf(t, newest)
		s.Newest, s.NewestAt = &view, newest.At
	}
	return s, err
}

// stateName is a state as JSON and words have it.
func stateName(s verdict.State) string {
	if s == verdict.Unknown {
		return "unknown"
	}
	return string(s)
}

func sayShown(out *console.Out, all []shown, now time.Time) {
	if len(all) == 0 {
		out.Say("watch.target.none", nil)
		return
	}
	rows := make([][]string, 0, len(all))
	for _, s := range all {
		state := out.P.T("watch.state_"+s.State, nil)
		if s.Weak && s.State != "unknown" {
			weak := "watch.state_weak"
			if len(s.Who) == 0 {
				weak = "watch.state_alone"
			}
			state += " (" + out.P.T(weak, nil) + ")"
		}
		since, seen, votes := "", out.P.T("watch.no_look", nil), ""
		if s.Since != 0 {
			since = out.P.Span(now.Sub(s.Since.Time()))
		}
		if s.Newest != nil {
			seen = out.P.T(s.Newest.Class.Key(), nil) + ", " + out.P.Ago(s.NewestAt, now)
		}
		if s.Voters > 0 && s.Since != 0 {
			votes = out.P.T("watch.failing_of", args{"Failing": s.Failing, "Voters": s.Voters})
		}
		rows = append(rows, []string{string(s.Owner), s.Target.Service, s.Target.Address, state, since, votes, seen})
	}
	out.Table([]string{
		"watch.head_owner", "watch.head_service", "watch.head_address", "watch.head_state", "watch.head_since", "watch.head_votes", "watch.head_seen",
	}, rows)
}
