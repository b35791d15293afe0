package watch

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/incident"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/target"
)

type args = map[string]any

// Commands are watch, incident, maintenance, promise and alert; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	targets := console.Part(open, func(r *Room) *target.Targets { return r.Targets })
	subs := append([]*cobra.Command{addCommand(p, open), testCommand(p, open), importCommand(p, open), showCommand(p, open), nowCommand(p, open)}, target.Commands(p, targets)...)
	subs = append(subs, software.Command(p, console.Part(open, func(r *Room) *software.Watch { return r.Versions })))
	all := []*cobra.Command{console.Group("watch", p.T("watch.cmd", nil), subs...)}
	all = append(all, incident.Commands(p, console.Part(open, func(r *Room) *incident.Publisher { return r.Publisher }))...)
	return append(all, alert.Command(p, console.Part(open, func(r *Room) *alert.Service { return r.Alerts })))
}

// added is a target as `watch add` answers it.
type added struct {
	target.View
	Ping string `json:"ping_url,omitempty"` // shown this once
}

// addCommand is `watch add`.
func addCommand(p *words.Printer, open console.Opener[*Room]) *cobra.Command {
	var flags target.Flags
	c := console.Command(open, "add [ADDRESS]", p.T("watch.cmd_add", nil), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		address := ""
		if len(typed) > 0 {
			address = typed[0]
		}
		all, token, err := adder{r}.add(cmd.Context(), flags.Typed(address))
		views := make([]added, 0, len(all))
		for _, t := range all {
			v := added{View: t.View()}
			if token != "" {
				v.Ping = deadman.URL(r.URL, token)
			}
			views = append(views, v)
		}
		if err != nil && len(all) == 0 {
			return err
		}
		return errors.Join(out.Emit(views, func() {
			if token != "" {
				out.Say("watch.ping_added", args{"URL": deadman.URL(r.URL, token)})
				return
			}
			adder{r}.sayAdded(cmd.Context(), out, all)
		}), err)
	})
	flags.Register(c, p)
	return c
}

// sayAdded says what is looked at from now on, and what comes next.
func (r adder) sayAdded(ctx context.Context, out *console.Out, all []target.Target) {
	for _, t := range all {
		out.Say("watch.added", args{"Service": t.Service, "Address": t.Address, "Kind": t.Kind, "Every": out.P.Span(t.Every)})
	}
	if len(all) > 0 {
		out.Say("watch.added_next", args{"Every": out.P.Span(all[0].Every)})
	}
	if _, told, err := r.Alerts.Plan(ctx, r.Signer.ID()); err == nil && !told {
		out.Say("watch.added_nobody", nil)
	}
}
