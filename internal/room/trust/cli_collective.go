package trust

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

func collectiveCommand(p *words.Printer, open Open) *cobra.Command {
	return group(p, "collective", collectiveCreate(p, open), collectiveJoin(p, open), collectiveLeave(p, open),
		collectiveShow(p, open), collectiveList(p, open), collectiveStatus(p, open))
}

// CollectiveView is a collective as commands and pages show it.
type CollectiveView struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"` // empty while its charter was not read
	Joined   []core.MemberID `json:"joined"`
	We       bool            `json:"we_joined"`
	Admitted []AdmissionView `json:"admissions"`
	Charter  *Charter        `json:"charter,omitempty"`
}

// AdmissionView is where one follower of a charter stands.
type AdmissionView struct {
	Member   core.MemberID   `json:"member"`
	Founder  bool            `json:"founder"`
	Admitted bool            `json:"admitted"`
	By       []core.MemberID `json:"vouched_by"`
}

// View shows a collective from here.
func (c Collective) View(self core.MemberID) CollectiveView {
	v := CollectiveView{
		ID: c.ID, Name: c.Charter.Name, Joined: c.Joined, We: slices.Contains(c.Joined, self),
		Admitted: []AdmissionView{}, Charter: &c.Charter,
	}
	for _, a := range c.Admissions() {
		a.By = append([]core.MemberID{}, a.By...) // a list also when it is empty
		v.Admitted = append(v.Admitted, AdmissionView(a))
	}
	return v
}

func collectiveCreate(p *words.Printer, open Open) *cobra.Command {
	var (
		name, file, watch, login string
		founders                 []string
		admit                    int64
	)
	c := command(p, open, "create", "collective_create", func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		text, err := readFile(file)
		if err != nil {
			return err
		}
		draft := CharterDraft{Name: strings.TrimSpace(name), Text: text, Admit: admit}
		if draft.Grants, err = (grantFlags{watch: watch, login: login}).grants(); err != nil {
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
		c, err := s.Collective(cmd.Context(), id)
		if err != nil {
			return err
		}
		return out.Emit(c.View(s.self()), func() {
			out.Say("trust.collective.created", args{"Name": draft.Name, "ID": short(id)})
		})
	})
	c.Flags().StringVar(&name, "name", "", p.T("trust.flag.collective_name", nil))
	c.Flags().StringVar(&file, "text", "", p.T("trust.flag.text", nil))
	c.Flags().StringSliceVar(&founders, "founder", nil, p.T("trust.flag.founder", nil))
	c.Flags().Int64Var(&admit, "admit", 0, p.T("trust.flag.admit", nil))
	c.Flags().StringVar(&watch, "watch", "", p.T("trust.flag.watch", nil))
	c.Flags().StringVar(&login, "login", "", p.T("trust.flag.login", nil))
	return c
}

func collectiveJoin(p *words.Printer, open Open) *cobra.Command {
	var yes bool
	c := command(p, open, "join ID", "collective_join", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Collective(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) {
			charterLines(side, c)
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

func collectiveLeave(p *words.Printer, open Open) *cobra.Command {
	var yes bool
	c := command(p, open, "leave ID", "collective_leave", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Collective(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if lost := c.Without(s.self()); len(lost) > 0 {
			if err := out.Confirm(yes, func(side *console.Out) {
				side.Say("trust.collective.drops", args{"Members": names(out.P, lost)})
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

func collectiveShow(p *words.Printer, open Open) *cobra.Command {
	return command(p, open, "show ID", "collective_show", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Collective(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(c.View(s.self()), func() {
			charterLines(out, c)
			out.Line("")
			admissionTable(out, c)
		})
	})
}

func charterLines(out *console.Out, c Collective) {
	out.Line(c.Charter.Name)
	out.Line("")
	out.Line(c.Charter.Text)
	out.Line("")
	out.Say("trust.collective.rule", args{"ID": short(c.ID), "Count": c.Charter.Admit, "Grants": grantsLine(out.P, c.Charter.Grants)})
}

func collectiveList(p *words.Printer, open Open) *cobra.Command {
	return command(p, open, "list", "collective_list", func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		views, err := s.CollectiveViews(cmd.Context())
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
				rows = append(rows, []string{short(v.ID), name, names(out.P, v.Joined), yesNo(out.P, v.We)})
			}
			out.Table([]string{"trust.col.collective", "trust.col.name", "trust.col.joined", "trust.col.us"}, rows)
		})
	})
}

func collectiveStatus(p *words.Printer, open Open) *cobra.Command {
	return command(p, open, "admit-status ID", "collective_status", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Collective(cmd.Context(), typed[0])
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
		rows = append(rows, []string{string(a.Member), state, names(out.P, a.By)})
	}
	for _, f := range c.Charter.Founders {
		if !slices.Contains(c.Joined, f.Member) {
			rows = append(rows, []string{string(f.Member), out.P.T("trust.admission.not_joined", nil), ""})
		}
	}
	out.Table([]string{"trust.col.member", "trust.col.admission", "trust.col.vouches"}, rows)
}
