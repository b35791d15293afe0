package ability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/figure"
	"entrechat/internal/room/custody/person"
)

// Held is one share of a box as it counts in figures.
type Held struct {
	// Person keeps it; empty = the node of Member does, or where that is empty too, paper.
	Person person.ID
	Member core.MemberID
	Place  string // what the member is lost together with; empty = itself
	Good   bool   // its keeper proved to have it, not too long ago
}

// Dealt is a box whose shares custodians keep.
type Dealt struct {
	Scope     string // serve, data:<repository>, domain, root, assets
	Needed    int
	Shares    []Held
	Rehearsed core.Moment // when opening was last rehearsed; 0 = never
}

// Boxes answers the boxes that stand.
type Boxes interface {
	Dealt(ctx context.Context) ([]Dealt, error)
}

// rehearsal is how long a rehearsal counts.
const rehearsal = 366 * 24 * time.Hour

// opens says whether a box of a scope makes an ability possible.
func opens(scope string, a Ability) bool {
	name, repository, _ := strings.Cut(scope, ":")
	switch name {
	case "root":
		return a.Kind == Seed || a.Kind == Backup
	case "data":
		return a.Kind == Backup && (a.Subject == "" || a.Subject == repository)
	case "domain":
		return a.Kind == Registrar
	case "serve":
		return a.Kind == DNS
	case "assets":
		return a.Kind == Payment || a.Kind == Bank
	}
	return false
}

// Facts are all that figures are computed from.
type Facts struct {
	Abilities []Ability
	Holdings  []Holding
	People    []person.Card // who is here
	Boxes     []Dealt
}

// without are the facts as they would be without a person, who takes along what nobody can
// take back.
func (f Facts) without(who person.ID) Facts {
	f.People = slices.DeleteFunc(slices.Clone(f.People), func(c person.Card) bool { return c.ID == who })
	f.Boxes = slices.Clone(f.Boxes)
	for i, b := range f.Boxes {
		f.Boxes[i].Shares = slices.DeleteFunc(slices.Clone(b.Shares), func(h Held) bool { return h.Person == who })
	}
	return f
}

// holders is who can do something, as the figure takes it.
func (f Facts) holders(a Ability, now core.Moment) figure.Ability {
	here := map[person.ID]bool{}
	for _, c := range f.People {
		here[c.ID] = true
	}
	var out figure.Ability
	for _, h := range f.Holdings {
		if h.Ability == a.ID && here[h.Person] && h.Counts(now) {
			out.Direct = append(out.Direct, figure.Holder(h.Person))
		}
	}
	for _, b := range f.Boxes {
		if opens(b.Scope, a) && b.Rehearsed > 0 && now < b.Rehearsed.Add(rehearsal) {
			out.Boxes = append(out.Boxes, b.counted(here))
		}
	}
	return out
}

// counted is a box with the shares that are proved; the others are lost.
func (b Dealt) counted(here map[person.ID]bool) figure.Box {
	out := figure.Box{Needed: b.Needed}
	for i, s := range b.Shares {
		switch {
		case !s.Good:
		case s.Person != "" && here[s.Person]:
			out.Shares = append(out.Shares, figure.Share{Keepers: []figure.Holder{figure.Holder(s.Person)}})
		case s.Person == "" && s.Member != "":
			out.Shares = append(out.Shares, figure.Share{Keepers: []figure.Holder{memberHolder(s.Member)}})
		case s.Person == "":
			out.Shares = append(out.Shares, figure.Share{Keepers: []figure.Holder{figure.Holder(fmt.Sprintf("paper/%s/%d", b.Scope, i+1))}})
		}
	}
	return out
}

// memberHolder stands for whoever runs a member's node: one person, as long as we do not
// know of more.
func memberHolder(id core.MemberID) figure.Holder { return figure.Holder("member/" + string(id)) }

// place is what a holder is lost together with.
func (f Facts) place(h figure.Holder) figure.Holder {
	for _, c := range f.People {
		if figure.Holder(c.ID) == h {
			return figure.Holder(c.Place())
		}
	}
	for _, b := range f.Boxes {
		for _, s := range b.Shares {
			if s.Person == "" && memberHolder(s.Member) == h && s.Place != "" {
				return figure.Holder("place/" + s.Place)
			}
		}
	}
	return h
}

// One is the figure of one ability.
type One struct {
	Ability
	People figure.Figure // persons whose loss ends it
	Places figure.Figure // households and members whose loss ends it
}

// Service is the figure of one service: that of its weakest ability.
type Service struct {
	Name    string // empty = what every service needs, where no service was named
	People  figure.Figure
	Places  figure.Figure
	Weakest One // by people
}

// Report is all figures of this hoster at one moment.
type Report struct {
	At        core.Moment
	Abilities []One
	Services  []Service
	// Oldest is the oldest proof that counts; 0 = none does.
	Oldest core.Moment
}

// Figures computes the report. Whoever has the facts computes the same.
func (f Facts) Figures(now core.Moment) Report {
	r := Report{At: now}
	for _, a := range f.Abilities {
		holders := f.holders(a, now)
		r.Abilities = append(r.Abilities, One{Ability: a, People: figure.Of(holders), Places: figure.Of(holders.Map(f.place))})
	}
	for _, h := range f.Holdings {
		if h.Counts(now) && (r.Oldest == 0 || h.Proved < r.Oldest) {
			r.Oldest = h.Proved
		}
	}
	for _, name := range r.services() {
		r.Services = append(r.Services, r.service(name))
	}
	return r
}

// services are the names of services; the empty one where every ability is for all.
func (r Report) services() []string {
	var names []string
	for _, a := range r.Abilities {
		names = append(names, a.Service)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 1 && names[0] == "" {
		names = names[1:]
	}
	return names
}

func (r Report) service(name string) Service {
	s := Service{Name: name}
	var people, places []figure.Figure
	var needs []One
	for _, a := range r.Abilities {
		if a.Service == name || a.Service == "" {
			needs, people, places = append(needs, a), append(people, a.People), append(places, a.Places)
		}
	}
	var weakest int
	s.People, weakest = figure.Least(people)
	s.Places, _ = figure.Least(places)
	s.Weakest = needs[weakest]
	return s
}

// Least is the weakest service; ok is false where nothing is noted.
func (r Report) Least() (s Service, ok bool) {
	for i, one := range r.Services {
		if i == 0 || one.People.Count < s.People.Count {
			s = one
		}
	}
	return s, len(r.Services) > 0
}

// Facts reads what figures are computed from.
func (s *Abilities) Facts(ctx context.Context) (f Facts, err error) {
	if f.Abilities, err = list(ctx, s.DB); err != nil {
		return f, err
	}
	if f.Holdings, err = holdings(ctx, s.DB); err != nil {
		return f, err
	}
	if f.People, err = s.Persons.All(ctx); err != nil {
		return f, err
	}
	if s.Boxes != nil {
		f.Boxes, err = s.Boxes.Dealt(ctx)
	}
	return f, err
}

// Report computes the figures as of now.
func (s *Abilities) Report(ctx context.Context) (Report, error) {
	f, err := s.Facts(ctx)
	return f.Figures(core.At(s.Now())), err
}
