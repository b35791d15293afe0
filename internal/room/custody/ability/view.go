package ability

import (
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/figure"
	"entrechat/internal/room/custody/person"
)

type args = map[string]any

// kindOf says a kind, with what it is about.
func kindOf(p *words.Printer, a Ability) string {
	name := p.T("custody.ability.kind_"+string(a.Kind), nil)
	if a.Subject == "" {
		return name
	}
	return name + " " + a.Subject
}

// serviceOf says which service needs it.
func serviceOf(p *words.Printer, service string) string {
	if service == "" {
		return p.T("custody.ability.every_service", nil)
	}
	return service
}

// says is a figure with its weakest ability, without a name: "1 (registrar: only one
// person)".
func says(p *words.Printer, s Service) string {
	return figureSays(p, s.People, kindOf(p, s.Weakest.Ability))
}

func figureSays(p *words.Printer, f figure.Figure, kind string) string {
	key := "custody.ability.figure_some"
	switch {
	case f.AtLeast:
		key = "custody.ability.figure_least"
	case f.Count == 0:
		key = "custody.ability.figure_none"
	case f.Count == 1:
		key = "custody.ability.figure_one"
	}
	return p.T(key, args{"Count": f.Count, "Kind": kind})
}

// nameOf says who a holder is, to our own admins.
func nameOf(names map[person.ID]string, h figure.Holder) string {
	if name := names[person.ID(h)]; name != "" {
		return name
	}
	if member, ok := strings.CutPrefix(string(h), "member/"); ok {
		return member
	}
	if strings.HasPrefix(string(h), "paper/") {
		return string(h)
	}
	return string(h[:min(len(h), 8)])
}

func namesOf(names map[person.ID]string, all []figure.Holder) string {
	out := make([]string, 0, len(all))
	for _, h := range all {
		out = append(out, nameOf(names, h))
	}
	return strings.Join(out, ", ")
}

// besideSays are the sets of members whose loss, with ours, closes a box; the first few.
func besideSays(p *words.Printer, b Beside) string {
	const most = 6
	all := make([]string, 0, most)
	for _, lost := range b.Lost[:min(len(b.Lost), most)] {
		names := make([]string, 0, len(lost))
		for _, id := range lost {
			names = append(names, string(id))
		}
		if len(names) == 0 {
			return p.T("custody.ability.beside_nobody", nil)
		}
		all = append(all, strings.Join(names, " + "))
	}
	if len(b.Lost) > most {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// FigureView is a figure as JSON has it, for our own admins: lost are ids of persons, and
// members.
type FigureView struct {
	Count   int             `json:"count"`
	AtLeast bool            `json:"at_least,omitempty"`
	Lost    []figure.Holder `json:"lost,omitempty"`
}

func viewFigure(f figure.Figure) FigureView { return FigureView(f) }

// ServiceView is a service as JSON has it.
type ServiceView struct {
	Service string     `json:"service"`
	People  FigureView `json:"people"`
	Places  FigureView `json:"places"`
	Weakest string     `json:"weakest"` // id of an ability
	Kind    Kind       `json:"kind"`
}

// AbilityView is an ability as JSON has it.
type AbilityView struct {
	ID      string        `json:"id"`
	Service string        `json:"service"`
	Kind    Kind          `json:"kind"`
	Subject string        `json:"subject,omitempty"`
	People  FigureView    `json:"people"`
	Places  FigureView    `json:"places"`
	Proofs  []HoldingView `json:"proofs"`
}

// HoldingView is a proof as JSON has it.
type HoldingView struct {
	Person   person.ID   `json:"person"`
	Proof    Proof       `json:"proof"`
	Witness  person.ID   `json:"witness,omitempty"`
	Proved   core.Moment `json:"proved_us"`
	Counts   bool        `json:"counts"`
	Evidence string      `json:"evidence"`
}

// ReportView is the report as JSON has it.
type ReportView struct {
	At        core.Moment   `json:"at_us"`
	Services  []ServiceView `json:"services"`
	Abilities []AbilityView `json:"abilities"`
	Besides   []BesideView  `json:"besides"`
}

// BesideView is a box that would stay closed if we and one of these sets of members were
// lost at once.
type BesideView struct {
	Scope string            `json:"scope"`
	Lost  [][]core.MemberID `json:"lost"`
}

func viewReport(r Report, f Facts) ReportView {
	v := ReportView{At: r.At, Services: []ServiceView{}, Abilities: []AbilityView{}, Besides: []BesideView{}}
	for _, b := range f.Besides() {
		v.Besides = append(v.Besides, BesideView(b))
	}
	for _, s := range r.Services {
		v.Services = append(v.Services, ServiceView{s.Name, viewFigure(s.People), viewFigure(s.Places), s.Weakest.ID, s.Weakest.Kind})
	}
	for _, a := range r.Abilities {
		one := AbilityView{ID: a.ID, Service: a.Service, Kind: a.Kind, Subject: a.Subject, People: viewFigure(a.People), Places: viewFigure(a.Places), Proofs: []HoldingView{}}
		for _, h := range f.Holdings {
			if h.Ability == a.ID {
				one.Proofs = append(one.Proofs, HoldingView{h.Person, h.Proof, h.Witness, h.Proved, h.Counts(r.At), h.Evidence})
			}
		}
		v.Abilities = append(v.Abilities, one)
	}
	return v
}
