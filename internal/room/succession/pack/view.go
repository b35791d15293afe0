package pack

import (
	"context"
	"slices"
	"time"

	"entrechat/internal/core"
)

// Line is one item with what a reader makes of it.
type Line struct {
	Item
	Red  bool  `json:"red"`
	Gaps []Gap `json:"gaps,omitempty"` // what lacks; ours only
}

// Successor is how far one successor is.
type Successor struct {
	Member  core.MemberID `json:"member"`
	Rank    int           `json:"rank"`
	Number  int64         `json:"number"` // of the pack it signed for last; 0 = of none
	Receipt core.Moment   `json:"receipt_us"`
	Trouble string        `json:"trouble,omitempty"` // words key
	Kind    Kind          `json:"kind"`
	Until   core.Moment   `json:"until_us"` // until when the kind counts; 0 = for Cold
}

// Gap is something that people still have to write.
type Gap struct {
	Item Name   `json:"item"`
	File string `json:"file"` // in the folder of the service: "pack.toml"; empty = a command
	Line int    `json:"line"` // 0 = it is not there yet
	Text string `json:"text"` // the line to write, or what stands there
}

// View is a pack as people read it.
type View struct {
	Owner      core.MemberID `json:"owner"`
	Service    string        `json:"service"`
	Number     int64         `json:"number"` // 0 = there is none yet
	ID         string        `json:"id"`
	Made       core.Moment   `json:"made_us"`
	Program    string        `json:"program"`
	Version    string        `json:"version"`
	Items      []Line        `json:"items"`
	Effort     int64         `json:"effort_s"` // of what was measured
	Unmeasured []Name        `json:"unmeasured"`
	Weekend    bool          `json:"weekend"` // two volunteers do it in one, by proofs
	Successors []Successor   `json:"successors"`
	Unsealed   bool          `json:"unsealed"`         // ours: nothing opens it, so it cannot be sent
	Dir        string        `json:"dir,omitempty"`    // ours: the folder to fill in
	Kept       core.Moment   `json:"kept_us"`          // another's: since when it is here; 0 = it is not
	Sealed     string        `json:"sealed,omitempty"` // another's: where the sealed file lies
}

// Red counts the items that need somebody.
func (v View) Red() (n int) {
	for _, l := range v.Items {
		if l.Red {
			n++
		}
	}
	return n
}

// Best is the best kind at any successor, and until when.
func (v View) Best() (best Kind, until core.Moment) {
	for _, s := range v.Successors {
		if worth(s.Kind) > worth(best) || s.Kind == best && s.Until > until {
			best, until = s.Kind, s.Until
		}
	}
	return best, until
}

func worth(k Kind) int { return slices.Index([]Kind{"", Cold, Warm, Hot}, k) }

// ViewOf is what a reader makes of a pack now.
func ViewOf(p Pack, now core.Moment) View {
	v := View{Owner: p.Owner, Service: p.Service, Number: p.Number, ID: p.ID, Made: p.Made, Program: p.Program, Version: p.Version, Unmeasured: []Name{}, Successors: []Successor{}}
	for _, i := range p.Items {
		v.Items = append(v.Items, Line{Item: i, Red: i.Red(now)})
	}
	sum, unmeasured := p.Effort()
	v.Effort, v.Unmeasured, v.Weekend = int64(sum/time.Second), append(v.Unmeasured, unmeasured...), p.FitsWeekend(now)
	return v
}

// Successors are those of a service, by rank, with how far each is.
func (s *Service) Successors(ctx context.Context, p Pack) (out []Successor, err error) {
	out = []Successor{}
	named, err := s.n.Promises.Of(ctx, p.Owner)
	if err != nil {
		return nil, err
	}
	restores, err := restoresOf(ctx, s.n.DB, p.Owner, p.Service)
	if err != nil {
		return nil, err
	}
	for _, n := range named {
		if n.Service != p.Service {
			continue
		}
		one := Successor{Member: n.Member, Rank: n.Rank}
		if p.Owner == s.self() {
			to, err := sentTo(ctx, s.n.DB, p.Service, n.Member)
			if err != nil {
				return nil, err
			}
			one.Number, one.Receipt, one.Trouble = to.Number, to.Receipt, to.Trouble
		}
		var theirs []Restored
		for _, r := range restores {
			if r.By == n.Member {
				theirs = append(theirs, r.Restored)
			}
		}
		if p.Owner != s.self() || one.Number > 0 {
			one.Kind, one.Until = KindOf(p, theirs, s.now())
		}
		out = append(out, one)
	}
	return out, nil
}

// ShowHeld is the newest pack that an owner sent us of a service. Returns CodeNotFound
// "succession.pack.none".
func (s *Service) ShowHeld(ctx context.Context, owner core.MemberID, service string) (View, error) {
	p, sealed, err := s.Held(ctx, owner, service)
	if err != nil {
		return View{}, err
	}
	v := ViewOf(p, s.now())
	v.Sealed = sealed
	all, err := packsOf(ctx, s.n.DB, owner, service)
	for _, r := range all {
		if r.ID == p.ID {
			v.Kept = r.kept
		}
	}
	if err == nil {
		v.Successors, err = s.Successors(ctx, p)
	}
	return v, err
}

// Theirs are the newest packs that others sent us, by owner and service.
func (s *Service) Theirs(ctx context.Context) (all []View, err error) {
	rows, err := newest(ctx, s.n.DB, "")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Owner == s.self() {
			continue
		}
		v, err := s.ShowHeld(ctx, r.Owner, r.Service)
		if core.CodeOf(err) == core.CodeNotFound { // announced, and not here yet
			v, err = ViewOf(r.Pack, s.now()), nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
