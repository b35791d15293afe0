package collective

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
)

// Open gives a command the collectives over the node's own data, and where to print.
type Open = console.Opener[*Service]

type args = map[string]any

// Command is `collective` with what it holds; p says what it is for.
func Command(p *words.Printer, types grant.Types, open Open) *cobra.Command {
	return console.Group("collective", p.T("trust.cmd.collective", nil), createCommand(p, types, open), joinCommand(p, open), leaveCommand(p, open),
		showCommand(p, open), listCommand(p, open), statusCommand(p, open))
}

func createCommand(p *words.Printer, types grant.Types, open Open) *cobra.Command {
	var (
		name, file string
		founders   []string
		admit      int64
		light      = grant.NewFlags(types, "")
	)
	c := console.Command(open, "create", p.T("trust.cmd.collective_create", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		text, err := readFile(file)
		if err != nil {
			return err
		}
		draft := CharterDraft{Name: strings.TrimSpace(name), Text: text, Admit: admit}
		if draft.Grants, err = light.Grants(); err != nil {
			return err
		}
		for _, f := range founders {
			id, err := core.ParseMemberID(f)
			if err != nil {
				return err
			}
			draft.Others = append(draft.Others, id)
		}
		id, err := s.Found(cmd.Context(), draft)
		if err != nil {
			return err
		}
		c, err := s.Get(cmd.Context(), id)
		if err != nil {
			return err
		}
		return out.Emit(c.View(s.self()), func() {
			out.Say("trust.collective.created", args{"Name": draft.Name, "ID": document.Short(id)})
		})
	})
	c.Flags().StringVar(&name, "name", "", p.T("trust.flag.collective_name", nil))
	c.Flags().StringVar(&file, "text", "", p.T("trust.flag.text", nil))
	c.Flags().StringSliceVar(&founders, "founder", nil, p.T("trust.flag.founder", nil))
	c.Flags().Int64Var(&admit, "admit", 0, p.T("trust.flag.admit", nil))
	light.RegisterLight(c.Flags(), p)
	return c
}

func joinCommand(p *words.Printer, open Open) *cobra.Command {
	var yes bool
	c := console.Command(open, "join ID", p.T("trust.cmd.collective_join", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) {
			charterLines(side, s.Types, c)
			side.Line("")
			side.Say("trust.collective.read", nil)
		}); err != nil {
			return err
		}
		if c, err = s.Join(cmd.Context(), c.ID); err != nil {
			return err
		}
		return out.Emit(c.View(s.self()), func() { out.Say("trust.collective.joined", args{"Name": c.Charter.Name}) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_join", nil))
	return c
}

func leaveCommand(p *words.Printer, open Open) *cobra.Command {
	var yes bool
	c := console.Command(open, "leave ID", p.T("trust.cmd.collective_leave", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if lost := c.Without(s.self()); len(lost) > 0 {
			if err := out.Confirm(yes, func(side *console.Out) {
				side.Say("trust.collective.drops", args{"Members": member.Names(out.P, lost)})
			}); err != nil {
				return err
			}
		}
		if err := s.Leave(cmd.Context(), c.ID); err != nil {
			return err
		}
		return out.Emit(struct {
			ID string `json:"id"`
		}{c.ID}, func() { out.Say("trust.collective.left", nil) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_leave", nil))
	return c
}

func showCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "show ID", p.T("trust.cmd.collective_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(c.View(s.self()), func() {
			charterLines(out, s.Types, c)
			out.Line("")
			admissionTable(out, c)
		})
	})
}

func charterLines(out *console.Out, types grant.Types, c Collective) {
	out.Line(c.Charter.Name)
	out.Line("")
	out.Line(c.Charter.Text)
	out.Line("")
	out.Say("trust.collective.rule", args{"ID": document.Short(c.ID), "Count": c.Charter.Admit, "Grants": types.Line(out.P, c.Charter.Grants)})
}

func listCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "list", p.T("trust.cmd.collective_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		views, err := s.Views(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(views, func() {
			if len(views) == 0 {
				out.Say("trust.collective.none", nil)
				return
			}
			var rows [][]string
			for _, v := range views {
				name := v.Name
				if v.Charter == nil {
					name = out.P.T("trust.collective.not_fetched", nil)
				}
				rows = append(rows, []string{document.Short(v.ID), name, member.Names(out.P, v.Joined), member.YesNo(out.P, v.We)})
			}
			out.Table([]string{"trust.col.collective", "trust.col.name", "trust.col.joined", "trust.col.us"}, rows)
		})
	})
}

func statusCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "admit-status ID", p.T("trust.cmd.collective_status", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(c.View(s.self()).Admitted, func() { admissionTable(out, c) })
	})
}

func admissionTable(out *console.Out, c Collective) {
	var rows [][]string
	for _, a := range c.Admissions() {
		state := out.P.T("trust.admission.waiting", args{"Have": len(a.By), "Need": c.Charter.Admit})
		switch {
		case a.Founder:
			state = out.P.T("trust.admission.founder", nil)
		case a.Admitted:
			state = out.P.T("trust.admission.admitted", nil)
		}
		rows = append(rows, []string{string(a.Member), state, member.Names(out.P, a.By)})
	}
	for _, f := range c.Charter.Founders {
		if !slices.Contains(c.Joined, f.Member) {
			rows = append(rows, []string{string(f.Member), out.P.T("trust.admission.not_joined", nil), ""})
		}
	}
	out.Table([]string{"trust.col.member", "trust.col.admission", "trust.col.vouches"}, rows)
}

// readFile reads a text a person wrote. Returns CodeInvalid.
func readFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", core.Invalid("trust.unreadable", err).With("Path", path)
	}
	return document.TidyProse(string(text)), nil
}
