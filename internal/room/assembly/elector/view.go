package elector

import (
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// View is an electorate as commands and pages show it.
type View struct {
	Charter string `json:"charter"` // id
	Name    string `json:"name"`
	Opened  string `json:"opened"` // the day it was drawn for, 2026-11-30
	Lines   []Line `json:"members"`
}

// Line is where one follower of a charter stands. Lists are never null.
type Line struct {
	Member   core.MemberID   `json:"member"`
	In       bool            `json:"in"`
	Sleeping bool            `json:"sleeping"` // in, and not counted in the quorum
	Warned   bool            `json:"one_outside_vouch"`
	Founder  bool            `json:"founder"`
	Why      Reason          `json:"why,omitempty"`
	From     string          `json:"from,omitempty"` // 2027-03-01, of too_young
	Sponsor  core.MemberID   `json:"sponsor,omitempty"`
	Branch   core.MemberID   `json:"branch,omitempty"`
	Vouchers []core.MemberID `json:"vouchers"`
	Outside  []core.MemberID `json:"outside"`

	from   core.Moment
	needed int64
}

// View shows an electorate. earlier are the counted proposals of the collective, the oldest first.
func (d Drawn) View(earlier []Part) View {
	v := View{Charter: d.Charter.ID, Name: d.Charter.Name, Opened: d.At.Time().Format(time.DateOnly), Lines: []Line{}}
	for _, c := range d.Candidates {
		l := Line{
			Member: c.Member, In: c.In(), Sleeping: c.In() && Sleeps(c.Member, earlier), Warned: c.Warned, Founder: c.Founder, Why: c.Why,
			Sponsor: c.Sponsor, Branch: c.Branch, Vouchers: append([]core.MemberID{}, c.Vouchers...), Outside: append([]core.MemberID{}, c.Outside...),
			from: c.From, needed: d.Charter.Admit,
		}
		if c.From != 0 {
			l.From = c.From.Time().Format(time.DateOnly)
		}
		v.Lines = append(v.Lines, l)
	}
	return v
}

// Say is one sentence on why a member decides or not, without its name.
func (l Line) Say(p *words.Printer) string {
	args := map[string]any{"Outside": joined(l.Outside), "Vouchers": joined(l.Vouchers), "Branch": l.Branch, "Needed": l.needed, "Count": len(l.Vouchers), "From": p.Day(l.from)}
	switch {
	case l.Why == IsSuspended:
		return p.T("assembly.elector.suspended", args)
	case l.Why == NotAdmitted:
		return p.T("assembly.elector.not_admitted", args)
	case l.Why == TooYoung && l.From == "":
		return p.T("assembly.elector.too_young_undated", args)
	case l.Why == TooYoung:
		return p.T("assembly.elector.too_young", args)
	case l.Why == NoOutsideVouch:
		return p.T("assembly.elector.no_outside_vouch", args)
	case l.Founder:
		return p.T("assembly.elector.founder", args)
	case l.Warned:
		return p.T("assembly.elector.warned", args)
	}
	return p.T("assembly.elector.in", args)
}

// Notes are what is said of a member besides, each a sentence: where it descends from, what it
// lacks still, that it sleeps.
func (l Line) Notes(p *words.Printer) (notes []string) {
	args := map[string]any{"Sponsor": l.Sponsor, "Branch": l.Branch}
	if l.Sponsor != "" {
		notes = append(notes, p.T("assembly.elector.descends", args))
	}
	if l.Why == TooYoung && len(l.Outside) == 0 {
		notes = append(notes, p.T("assembly.elector.and_no_outside_vouch", args))
	}
	if l.Sleeping {
		notes = append(notes, p.T("assembly.elector.sleeping", args))
	}
	return notes
}

// Say is what is to be warned of an electorate that another node named, each a sentence; none
// where it is as ours.
func (c Check) Say(p *words.Printer) (out []string) {
	for _, one := range []struct {
		ids []core.MemberID
		say func(args map[string]any) string
	}{
		{c.Behind, func(args map[string]any) string { return p.T("assembly.elector.behind", args) }},
		{c.Missing, func(args map[string]any) string { return p.T("assembly.elector.missing", args) }},
		{c.Extra, func(args map[string]any) string { return p.T("assembly.elector.extra", args) }},
		{c.OtherKey, func(args map[string]any) string { return p.T("assembly.elector.other_key", args) }},
		{c.Unread, func(args map[string]any) string { return p.T("assembly.elector.unread", args) }},
	} {
		if len(one.ids) > 0 {
			out = append(out, one.say(map[string]any{"Members": joined(one.ids)}))
		}
	}
	return out
}

func joined(ids []core.MemberID) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}
