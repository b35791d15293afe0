package domain

import (
	"embed"
	"errors"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Command is `succession domain`.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var next, selectors []string
	c := console.Command(open, "domain NAME", p.T("succession.domain.cmd", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		r, err := s.Check(cmd.Context(), Ask{Name: typed[0], Next: next, Selectors: selectors})
		if err != nil {
			return err
		}
		if err := out.Emit(r, func() { show(out, r) }); err != nil {
			return err
		}
		if !r.Ready {
			return core.Conflict("succession.domain.not_ready", errors.New("findings stop a cut")).With("Name", r.Facts.Name).With("Count", len(Stops(r.Findings)))
		}
		return nil
	})
	c.Flags().StringSliceVar(&next, "servers", nil, p.T("succession.domain.flag_servers", nil))
	c.Flags().StringSliceVar(&selectors, "selector", nil, p.T("succession.domain.flag_selector", nil))
	return c
}

// show prints the findings under their steps.
func show(out *console.Out, r Report) {
	last := Step("")
	for _, f := range r.Findings {
		if f.Step != last {
			out.Say("succession.domain.step_"+string(f.Step), args{"Zone": r.Facts.Zone})
			last = f.Step
		}
		out.Line("  " + out.P.T("succession.domain.level_"+string(f.Level), nil) + "  " + out.P.T(key(f), f.Args))
	}
	if r.Ready {
		out.Say("succession.domain.ready", args{"Name": r.Facts.Name})
	}
}
