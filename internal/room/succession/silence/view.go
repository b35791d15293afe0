package silence

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/promise"
)

// View is a member that is not heard, as people here see it.
type View struct {
	Finding
	Contact  string `json:"contact"` // of the pact
	CallList string `json:"-"`       // of custody: of persons, for admins alone
	Calls    []Call `json:"calls"`   // of this silence
	// Ours are the services that we take over, Others who takes services over beside us.
	Ours   []promise.Successor `json:"ours"`
	Others []promise.Successor `json:"others"`
	Asks   []Asked             `json:"asks"` // ours, of this silence, that may be open
	Over   []Asked             `json:"over"` // ours, of silences before: the owner was heard since
	// Next is what to do now: the words are "succession.silence.next_<next>".
	Next string `json:"next"`
	// Close is that nobody should be sent there any more.
	Close bool `json:"send_nobody"`
}

// Tied says whether the member is more to us than others: we take services over, or it wrote down
// for us whom to call.
func (v View) Tied() bool { return len(v.Ours) > 0 || v.Contact != "" || v.CallList != "" }

// Views lists the members that are not well, by name.
func (s *Service) Views(ctx context.Context) ([]View, error) {
	all, err := s.Find(ctx)
	out := []View{}
	for _, f := range all {
		if f.State == Well {
			continue
		}
		v, err := s.view(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, err
}

// View is how it stands with one member. Codes as for Of.
func (s *Service) View(ctx context.Context, m core.MemberID) (View, error) {
	f, err := s.Of(ctx, m)
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, f)
}

func (s *Service) view(ctx context.Context, f Finding) (v View, err error) {
	v = View{Finding: f, Ours: []promise.Successor{}, Others: []promise.Successor{}, Asks: []Asked{}, Over: []Asked{}, Close: f.reached(closeDay)}
	if pacts, ok := s.n.Pacts(); ok {
		if v.Contact, err = pacts.Contact(ctx, f.Member); err != nil && core.CodeOf(err) != core.CodeNotFound {
			return v, err
		}
	}
	if custody, ok := s.n.Custody(); ok {
		if v.CallList, err = custody.CallList(ctx, f.Member); err != nil {
			return v, err
		}
	}
	calls, err := callsOf(ctx, s.n.DB, f.Member)
	if err != nil {
		return v, err
	}
	v.Calls = callsSince(calls, max(f.Since, f.Heard))
	named, err := s.n.Named.Of(ctx, f.Member)
	if err != nil {
		return v, err
	}
	for _, n := range named {
		if n.Member == s.n.Self {
			v.Ours = append(v.Ours, n)
		} else {
			v.Others = append(v.Others, n)
		}
	}
	asks, err := askedOf(ctx, s.n.DB, f.Member)
	for _, a := range asks {
		switch over := f.State == Well || a.At < max(f.Since, f.Heard); {
		case over:
			v.Over = append(v.Over, a)
		case a.At >= s.now().Add(-askLife): // else it ended by itself, and is made anew
			v.Asks = append(v.Asks, a)
		}
	}
	v.Next = next(v, s.now())
	return v, err
}

// next is the one thing to do about a member now.
func next(v View, now core.Moment) string {
	called := len(v.Calls) > 0
	switch {
	case v.State == Well && len(v.Over) > 0:
		return "back"
	case v.State == Well:
		return "nothing"
	case v.State == OwnLine:
		return "line"
	case v.State == Quiet:
		return "look"
	case !called:
		return "call"
	case v.Calls[len(v.Calls)-1].Reached:
		return "agree"
	case len(v.Asks) > 0:
		return "collect"
	case len(v.Ours) == 0:
		return "others"
	case v.Days < askDay:
		return "wait"
	case !slices.ContainsFunc(v.Ours, func(n promise.Successor) bool { return n.Settled(now) }):
		return "settle"
	}
	return "ask"
}
