package ability

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/person"
)

// Leaving is all that a person who leaves held or knew, as far as this node was told.
type Leaving struct {
	Card   person.Card
	Duties []person.Duty
	// Proved are the abilities the person ever proved: what gave them has to be changed.
	Proved []Ability
	// Shares are the scopes of the boxes the person keeps a share of: to be dealt again.
	Shares []string
	// Knew are the scopes of the boxes whose content the person could reach alone, by an
	// ability of the same purpose: to be sealed again.
	Knew          []string
	Before, After Report
}

// Leaving computes it; nothing is changed.
func (s *Abilities) Leaving(ctx context.Context, c person.Card) (Leaving, error) {
	l := Leaving{Card: c}
	f, err := s.Facts(ctx)
	if err != nil {
		return l, err
	}
	duties, err := s.Persons.Duties(ctx)
	if err != nil {
		return l, err
	}
	l.Duties = slices.DeleteFunc(duties, func(d person.Duty) bool { return d.Person != c.ID })
	for _, a := range f.Abilities {
		if slices.ContainsFunc(f.Holdings, func(h Holding) bool { return h.Ability == a.ID && h.Person == c.ID }) {
			l.Proved = append(l.Proved, a)
		}
	}
	for _, b := range f.Boxes {
		if slices.ContainsFunc(b.Shares, func(h Held) bool { return h.Person == c.ID }) {
			l.Shares = append(l.Shares, b.Scope)
		}
		if slices.ContainsFunc(l.Proved, func(a Ability) bool { return opens(b.Scope, a) }) {
			l.Knew = append(l.Knew, b.Scope)
		}
	}
	now := core.At(s.Now())
	l.Before, l.After = f.Figures(now), f.without(c.ID).Figures(now)
	return l, nil
}

// Leave notes that a person left; what was proved stays in the list of what to change for a
// year, and counts no more.
func (s *Abilities) Leave(ctx context.Context, id person.ID) error { return s.Persons.Leave(ctx, id) }

// Forget removes the proofs of persons whose names were forgotten.
func (s *Abilities) Forget(ctx context.Context) error {
	if err := s.Persons.Forget(ctx); err != nil {
		return err
	}
	all, err := s.Persons.Ever(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Name == "" {
			if err := forgetPerson(ctx, s.DB, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaver finds who leaves, or who left and whose list is asked for again.
func leaver(ctx context.Context, s *Abilities, text string) (person.Card, error) {
	c, err := s.Persons.Find(ctx, text)
	if core.CodeOf(err) != core.CodeNotFound {
		return c, err
	}
	all, listing := s.Persons.Ever(ctx)
	if listing != nil {
		return c, listing
	}
	for _, old := range all {
		if old.Name != "" && strings.EqualFold(old.Name, strings.TrimSpace(text)) {
			return old, nil
		}
	}
	return c, err
}

// LeavingView is the list as JSON has it.
type LeavingView struct {
	Person  person.ID     `json:"person"`
	Duties  []person.Duty `json:"duties"`
	Proved  []string      `json:"proved"` // ids of abilities
	Shares  []string      `json:"shares"` // scopes to deal again
	Knew    []string      `json:"knew"`   // scopes to seal again
	Before  []ServiceView `json:"before"`
	After   []ServiceView `json:"after"`
	HasLeft bool          `json:"has_left"`
}

func (l Leaving) view() LeavingView {
	v := LeavingView{
		Person: l.Card.ID, Duties: l.Duties, Proved: []string{}, Shares: append([]string{}, l.Shares...), Knew: append([]string{}, l.Knew...),
		Before: viewReport(l.Before, Facts{}).Services, After: viewReport(l.After, Facts{}).Services, HasLeft: true,
	}
	for _, a := range l.Proved {
		v.Proved = append(v.Proved, a.ID)
	}
	return v
}

// LeaveCommand is `custody person leave`.
func LeaveCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	var yes bool
	c := console.Command(open, "leave PERSON", p.T("custody.ability.cmd_leave", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, typed []string) error {
		c, err := leaver(cmd.Context(), s, typed[0])
		if err != nil {
			return err
		}
		l, err := s.Leaving(cmd.Context(), c)
		if err != nil {
			return err
		}
		if c.Here() {
			if err := out.Confirm(yes, func(o *console.Out) { o.Say("custody.ability.leave_sure", args{"Name": c.Name}) }); err != nil {
				return err
			}
			if err := s.Leave(cmd.Context(), c.ID); err != nil {
				return err
			}
		}
		return out.Emit(l.view(), func() { l.say(out) })
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("custody.ability.flag_yes", nil))
	return c
}

// say prints what was held, the figures before and after, then what to do, in order.
func (l Leaving) say(out *console.Out) {
	out.Say("custody.ability.left", args{"Name": l.Card.Name})
	for i, b := range l.Before.Services {
		out.Say("custody.ability.before_after", args{"Service": serviceOf(out.P, b.Name), "Before": says(out.P, b), "After": says(out.P, l.After.Services[i])})
	}
	for _, d := range l.Duties {
		out.Say("custody.ability.left_role", args{"Service": d.Service, "Role": out.P.T("custody.person.role_"+string(d.Role), nil)})
	}
	out.Say("custody.ability.rotate", nil)
	for _, a := range l.Proved {
		out.Line("  - " + rotates(out.P, a))
	}
	if len(l.Proved) == 0 {
		out.Say("custody.ability.rotate_none", nil)
	}
	for _, scope := range l.Knew {
		out.Say("custody.ability.seal_again", args{"Scope": scope})
	}
	for _, scope := range l.Shares {
		out.Say("custody.ability.deal_again", args{"Scope": scope})
	}
	out.Say("custody.ability.no_recall", nil)
}

// rotates says what has to be changed when somebody leaves who could do something.
func rotates(p *words.Printer, a Ability) string {
	return p.T("custody.ability.rotate_line", args{"Kind": kindOf(p, a), "What": p.T("custody.ability.rotate_"+string(a.Kind), nil)})
}
