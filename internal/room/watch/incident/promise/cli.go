package promise

import (
	"errors"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Command is `promise` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Promises]) *cobra.Command {
	return console.Group("promise", p.T("watch.promise.cmd", nil), showCommand(p, open), setCommand(p, open))
}

func setCommand(p *words.Printer, open console.Opener[*Promises]) *cobra.Command {
	var (
		typed Typed
		end   bool
	)
	c := console.Command(open, "set SERVICE", p.T("watch.promise.cmd_set", nil), func(cmd *cobra.Command, s *Promises, out *console.Out, words []string) error {
		// What is not typed stays as it stands.
		full := Typed{}
		if before, ok, err := s.Standing(cmd.Context(), words[0]); err != nil {
			return err
		} else if ok {
			full = before.Typed()
		}
		for _, name := range Names() {
			if cmd.Flags().Changed(name) {
				*full.Place(name) = *typed.Place(name)
			}
		}
		promise, err := full.Promise(words[0])
		if err != nil {
			return err
		}
		if end {
			promise = Promise{Service: words[0], Zone: full.Zone, End: true}
		}
		said, err := s.Set(cmd.Context(), promise)
		if err != nil {
			return err
		}
		return out.Emit(said, func() { printPromise(out, said) })
	})
	for _, name := range Names() {
		c.Flags().StringVar(typed.Place(name), name, "", p.T("watch.promise.flag_"+name, nil))
	}
	c.Flags().BoolVar(&end, "end", false, p.T("watch.promise.flag_end", nil))
	c.Flags().SortFlags = false
	return c
}

func printPromise(out *console.Out, said Said) {
	out.Line(said.Service)
	lines := said.Says(out.P)
	if said.End || len(lines) == 0 {
		out.Say("watch.promise.nothing", nil)
		return
	}
	for _, line := range lines {
		out.Line("  " + line)
	}
}

// shown is a promise with what was measured.
type shown struct {
	Said
	Figures *Figures `json:"figures,omitempty"`
}

func showCommand(p *words.Printer, open console.Opener[*Promises]) *cobra.Command {
	var (
		member, service string
		days            int
	)
	c := console.Command(open, "show", p.T("watch.promise.cmd_show", nil), func(cmd *cobra.Command, s *Promises, out *console.Out, _ []string) error {
		owner := s.n.Self
		if member != "" {
			var err error
			if owner, err = core.ParseMemberID(member); err != nil {
				return err
			}
		}
		all, err := s.Promises(cmd.Context(), owner)
		if err != nil {
			return err
		}
		views := []shown{}
		for _, one := range all {
			if service != "" && one.Service != service {
				continue
			}
			v := shown{Said: one}
			if v.Figures, err = s.recent(cmd.Context(), owner, one.Service, days); err != nil {
				return err
			}
			views = append(views, v)
		}
		if service != "" && len(views) == 0 {
			return core.NotFound("watch.promise.none_of", errors.New("no promise")).With("Service", service)
		}
		return out.Emit(views, func() { printShown(out, views) })
	})
	c.Flags().StringVar(&service, "service", "", p.T("watch.promise.flag_service", nil))
	c.Flags().StringVar(&member, "member", "", p.T("watch.promise.flag_member", nil))
	c.Flags().IntVar(&days, "days", 365, p.T("watch.promise.flag_days", nil))
	return c
}

func printShown(out *console.Out, views []shown) {
	if len(views) == 0 {
		out.Say("watch.promise.none", nil)
	}
	for _, v := range views {
		printPromise(out, v.Said)
		if v.Figures == nil {
			continue
		}
		for _, line := range v.Figures.Says(out.P) {
			out.Line("  " + line)
		}
	}
}
