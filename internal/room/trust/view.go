package trust

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// MemberView is a member as commands and pages show it.
type MemberView struct {
	Address
	Fingerprint string          `json:"fingerprint"` // six words of the root key
	Standing    Standing        `json:"standing"`
	Refused     bool            `json:"refused"`
	Log         logbook.State   `json:"log"`
	Heard       core.Moment     `json:"heard_us"` // 0 = never
	Since       core.Moment     `json:"since_us"`
	VouchedBy   []core.MemberID `json:"vouched_by"`
	WeVouch     bool            `json:"we_vouch"`
	Waiting     []Waiting       `json:"waiting"`
}

// Members lists everybody known here, whatever their standing, by name.
func (s *Service) Members(ctx context.Context) ([]MemberView, error) {
	list, err := members(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	all, err := vouches(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	waiting, err := s.Tasks.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]MemberView, 0, len(list))
	for _, m := range list {
		v := MemberView{
			Address: m.Address, Fingerprint: seal.Fingerprint(m.Root),
			Standing: m.Standing, Refused: m.Refused, Since: m.Since, Log: logbook.Unknown,
			VouchedBy: []core.MemberID{}, Waiting: []Waiting{},
		}
		if log, err := s.Book.Member(ctx, m.ID()); err == nil {
			v.Log, v.Heard = log.State, log.Heard
			if log.Root == m.Root {
				v.URL = log.URL
			}
		} else if core.CodeOf(err) != core.CodeNotFound {
			return nil, err
		}
		v.vouched(all, s.self())
		for _, w := range waiting {
			if w.Member == m.ID() {
				v.Waiting = append(v.Waiting, w)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (v *MemberView) vouched(all []Vouch, self core.MemberID) {
	for _, vouch := range all {
		if vouch.For.Member != v.Member || vouch.For.Root != v.Root {
			continue
		}
		if vouch.By == self {
			v.WeVouch = true
		} else {
			v.VouchedBy = append(v.VouchedBy, vouch.By)
		}
	}
}

// Member reads one. Returns CodeNotFound.
func (s *Service) Member(ctx context.Context, id core.MemberID) (MemberView, error) {
	list, err := s.Members(ctx)
	if err != nil {
		return MemberView{}, err
	}
	for _, v := range list {
		if v.Member == id {
			return v, nil
		}
	}
	_, err = member(ctx, s.DB, id)
	return MemberView{}, err
}

// PactView is a pact as commands and pages show it, seen from here.
type PactView struct {
	ID      string        `json:"id"`
	Member  core.MemberID `json:"member"` // the other party
	State   State         `json:"state"`
	Ours    bool          `json:"ours"` // we proposed it
	Gives   []core.Grant  `json:"gives"`
	Gets    []core.Grant  `json:"gets"`
	Made    core.Moment   `json:"made_us"`
	Signed  core.Moment   `json:"signed_us"` // 0 = not in force yet
	Closed  core.Moment   `json:"closed_us"` // 0 = open
	Until   core.Moment   `json:"until_us"`  // end of the notice, 0 = none runs
	Notice  int64         `json:"notice_days"`
	Review  string        `json:"review,omitempty"`
	Waiting []Waiting     `json:"waiting"`
}

// silence is the words key of how a member's logbook stands, where that is not well:
// a pact in force is no sign that its other party is there. Empty when it is heard.
func (s *Service) silence(ctx context.Context, id core.MemberID) (string, error) {
	log, err := s.Book.Member(ctx, id)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		log.State = logbook.Unknown
	case err != nil:
		return "", err
	case log.State == logbook.Fresh:
		return "", nil
	}
	return "trust.log." + string(log.State), nil
}

// pactState says where a pact stands and, when it is in force with somebody who is
// silent, that too; well is whether it is in force and the other party is heard.
func (s *Service) pactState(ctx context.Context, p *words.Printer, h Held) (says string, well bool, err error) {
	says = stateWords(p, h, s.self(), s.now())
	if h.State(s.now()) != Active {
		return says, false, nil
	}
	_, theirs := h.Side(s.self())
	key, err := s.silence(ctx, theirs.Member)
	if err != nil || key == "" {
		return says, err == nil, err
	}
	return p.T("trust.state.active_silent", map[string]any{"Member": theirs.Member, "State": p.T(key, nil)}), false, nil
}

// View is a pact seen from a party at a moment.
func (h Held) View(self core.MemberID, now core.Moment, waiting []Waiting) PactView {
	mine, theirs := h.Side(self)
	v := PactView{
		ID: h.ID, Member: theirs.Member, State: h.State(now), Ours: h.Pact.Proposer.Member == self,
		Gives: mine.Grants, Gets: theirs.Grants, Made: h.Pact.Made, Signed: h.SignedAt, Closed: h.Closed,
		Until: h.Until(), Notice: h.Pact.NoticeDays, Review: h.Pact.Review, Waiting: []Waiting{},
	}
	for _, w := range waiting {
		if w.about == h.ID {
			v.Waiting = append(v.Waiting, w)
		}
	}
	return v
}
