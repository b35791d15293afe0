package farewell

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/succession/closing"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
)

// Silences says who was not heard for too long.
type Silences interface {
	// Silent is since when a member is not heard; ok is false while it is.
	Silent(ctx context.Context, owner core.MemberID) (since core.Moment, ok bool, err error)
}

// Rescue is the data of one service, readable at a successor.
type Rescue struct {
	Service string
	By      core.MemberID
	Address string
	Until   core.Moment
}

// Save is what is known of the saved data of a service; zero = not known.
type Save struct {
	Newest core.Moment // the last snapshot that is safe
	Proved core.Moment // when it was restored last, to see that it can be
}

// Needs is what the pages are made of; Silences may be nil.
type Needs struct {
	Closings *closing.Service
	Promises *promise.Promises
	Self     core.MemberID
	URL      string // where browsers reach this node, without a slash at its end
	// Address is where browsers reach a member's node. Returns CodeNotFound.
	Address  func(ctx context.Context, id core.MemberID) (string, error)
	Saved    func(ctx context.Context, owner core.MemberID, service string) (Save, error)
	Silences Silences
	Now      func() time.Time
	Accounts func() (closing.Accounts, bool)
}

// State is how a service stands for those who use it, as a part of words keys.
type State string

// The states.
const (
	GoesOn  State = "goes_on"
	Ends    State = "ends"
	Frozen  State = "frozen"
	Taken   State = "taken" // at its adopter
	Ended   State = "ended"
	Rescued State = "rescued"
	Silent  State = "silent"
)

// severity is its colour; the words say the same.
func (s State) severity() web.Severity {
	switch s {
	case GoesOn, Taken, Rescued:
		return web.Fine
	case Ends, Frozen, Silent:
		return web.Warn
	case Ended:
	}
	return web.None
}

// Service is one service as its users read of it.
type Service struct {
	stage.Standing

	State      State
	Save       Save
	Successors []core.MemberID
	Handover   paper.Handover // the zero value while nobody adopted it
	Adopted    bool
	Moved      paper.Moved
	Counted    bool // Moved was said
	Erased     paper.Erased
	Gone       bool // Erased was said
	Choices    paper.Choices
	Chosen     bool // Choices were said
	Notice     paper.Notice
	Told       bool // there is a notice
	Rescue     Rescue
}

// Hoster is all that is known of a hoster's services.
type Hoster struct {
	ID       core.MemberID
	Address  string // of its node; empty = not known
	Silent   bool
	Since    core.Moment // when Silent
	Services []Service
}

// Hoster gathers it. Returns CodeNotFound "succession.farewell.unknown" for one of which nothing is
// known.
func (n Needs) Hoster(ctx context.Context, id core.MemberID) (h Hoster, err error) {
	h.ID = id
	k, err := n.known(ctx, id)
	if err != nil {
		return h, err
	}
	if n.Silences != nil {
		if h.Since, h.Silent, err = n.Silences.Silent(ctx, id); err != nil {
			return h, err
		}
	}
	if h.Address, err = n.Address(ctx, id); err != nil && core.CodeOf(err) != core.CodeNotFound {
		return h, err
	}
	for _, name := range names(k) {
		s := k.service(id, name)
		if err := n.fill(ctx, &s); err != nil {
			return h, err
		}
		s.State = stateOf(s, h.Silent)
		h.Services = append(h.Services, s)
	}
	if len(h.Services) == 0 && !h.Silent && id != n.Self {
		return h, core.NotFound("succession.farewell.unknown", errors.New("nothing is known")).With("Member", string(id))
	}
	return h, nil
}

// known is what logbooks say of a hoster.
type known struct {
	standings []stage.Standing
	named     []promise.Successor
	rescues   []Rescue
}

func (n Needs) known(ctx context.Context, id core.MemberID) (k known, err error) {
	if k.standings, err = n.Closings.Of(ctx, id); err != nil {
		return k, err
	}
	if k.named, err = n.Promises.Of(ctx, id); err != nil {
		return k, err
	}
	k.rescues, err = n.rescues(ctx, id, k.named)
	return k, err
}

// rescues lists where the data of a hoster can be read: what members say that it named. Whoever it
// did not name is passed over.
func (n Needs) rescues(ctx context.Context, id core.MemberID, named []promise.Successor) ([]Rescue, error) {
	all, err := n.Closings.Papers().Rescues(ctx, id, core.At(n.Now()))
	if err != nil {
		return nil, err
	}
	var out []Rescue
	for _, r := range all {
		if !slices.ContainsFunc(named, func(p promise.Successor) bool { return p.Member == r.By && p.Service == r.Service }) {
			continue
		}
		address := n.URL
		if r.By != n.Self {
			if address, err = n.Address(ctx, r.By); core.CodeOf(err) == core.CodeNotFound {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Rescue{r.Service, r.By, strings.TrimSuffix(address, "/") + rescuePath + url.PathEscape(string(id)) + "/", r.Until})
	}
	return out, nil
}

// rescuePath is where a successor serves the data of others.
// spec: docs/spec/succession.md#rescue
const rescuePath = "/rescue/"

// service is what is known of one, but what documents say.
func (k known) service(id core.MemberID, name string) Service {
	s := Service{Standing: stage.Standing{Owner: id, Service: name}}
	if i := slices.IndexFunc(k.standings, func(st stage.Standing) bool { return st.Service == name }); i >= 0 {
		s.Standing = k.standings[i]
	}
	for _, p := range k.named {
		if p.Service == name {
			s.Successors = append(s.Successors, p.Member)
		}
	}
	for _, r := range k.rescues {
		if r.Service == name {
			s.Rescue = r
		}
	}
	return s
}

// names are the services of which something is known: those that end first, then by name.
func names(k known) []string {
	var open, other []string
	for _, st := range k.standings {
		if st.Open() {
			open = append(open, st.Service)
		} else {
			other = append(other, st.Service)
		}
	}
	for _, p := range k.named {
		other = append(other, p.Service)
	}
	for _, r := range k.rescues {
		other = append(other, r.Service)
	}
	slices.Sort(other)
	other = slices.DeleteFunc(slices.Compact(other), func(s string) bool { return slices.Contains(open, s) })
	return append(open, other...)
}

// fill reads what documents and logbooks say of a service.
func (n Needs) fill(ctx context.Context, s *Service) (err error) {
	if s.Save, err = n.Saved(ctx, s.Owner, s.Service); err != nil {
		return err
	}
	if s.Handover, s.Adopted, err = n.Closings.Adopter(ctx, s.Standing); err != nil {
		return err
	}
	papers := n.Closings.Papers()
	if s.Adopted {
		if s.Moved, s.Counted, err = papers.Moved(ctx, s.Handover); err != nil {
			return err
		}
	}
	if s.Erased, s.Gone, err = papers.Erased(ctx, s.Owner, s.Service); err != nil {
		return err
	}
	s.Gone = s.Gone && s.Stage == stage.Erased
	if s.Choices, _, s.Chosen, err = papers.Counted(ctx, s.Owner, s.Service); err != nil {
		return err
	}
	s.Notice, s.Told, err = n.Closings.Notice(ctx, s.Owner, s.Service)
	return err
}

// stateOf is how a service stands for its users.
func stateOf(s Service, silent bool) State {
	switch s.Stage {
	case stage.Cut, stage.Kept, stage.Erased:
		if s.Adopted {
			return Taken
		}
		return Ended
	case stage.Frozen:
		if s.Rescue.Address == "" {
			return Frozen
		}
	case stage.Closing, stage.Offered, stage.Adopted, stage.Withdrawn, "":
	}
	switch {
	case s.Rescue.Address != "":
		return Rescued
	case silent:
		return Silent
	case s.Open():
		return Ends
	}
	return GoesOn
}

// Known lists the hosters of which something is known: we first, then those whose services end,
// then the others.
func (n Needs) Known(ctx context.Context) ([]Hoster, error) {
	standings, err := n.Closings.Of(ctx, "")
	if err != nil {
		return nil, err
	}
	named, err := n.Promises.Of(ctx, "")
	if err != nil {
		return nil, err
	}
	ids := []core.MemberID{n.Self}
	for _, st := range standings {
		ids = append(ids, st.Owner)
	}
	for _, p := range named {
		ids = append(ids, p.Owner)
	}
	var out []Hoster
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		h, err := n.Hoster(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Hoster) int {
		if d := n.order(a) - n.order(b); d != 0 {
			return d
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out, nil
}

func (n Needs) order(h Hoster) int {
	switch {
	case h.ID == n.Self:
		return 0
	case h.State() != GoesOn:
		return 1
	}
	return 2
}

// State is the worst of the hoster's services, for one line.
func (h Hoster) State() State {
	for _, worst := range []State{Silent, Frozen, Ends, Rescued, Ended, Taken} {
		if worst == Silent && h.Silent || slices.ContainsFunc(h.Services, func(s Service) bool { return s.State == worst }) {
			return worst
		}
	}
	return GoesOn
}
