package pact

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/task"
)

// View is a pact as commands and pages show it, seen from here.
type View struct {
	ID      string         `json:"id"`
	Member  core.MemberID  `json:"member"` // the other party
	State   State          `json:"state"`
	Ours    bool           `json:"ours"` // we proposed it
	Gives   []core.Grant   `json:"gives"`
	Gets    []core.Grant   `json:"gets"`
	Made    core.Moment    `json:"made_us"`
	Signed  core.Moment    `json:"signed_us"` // 0 = not in force yet
	Closed  core.Moment    `json:"closed_us"` // 0 = open
	Until   core.Moment    `json:"until_us"`  // end of the notice, 0 = none runs
	Notice  int64          `json:"notice_days"`
	Review  string         `json:"review,omitempty"`
	Waiting []task.Waiting `json:"waiting"`
}

// silence is the words key of how a member's logbook stands, where that is not well:
// a pact in force is no sign that its other party is there. Empty when it is heard.
func silence(ctx context.Context, book Book, id core.MemberID) (string, error) {
	log, err := book.Member(ctx, id)
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

// stateOf says where a pact stands and, when it is in force with somebody who is
// silent, that too; well is whether it is in force and the other party is heard.
func (s *Service) stateOf(ctx context.Context, p *words.Printer, h Record) (says string, well bool, err error) {
	says = stateWords(p, h, s.self(), s.now())
	if h.State(s.now()) != Active {
		return says, false, nil
	}
	_, theirs := h.Side(s.self())
	key, err := silence(ctx, s.Book, theirs.Member)
	if err != nil || key == "" {
		return says, err == nil, err
	}
	return p.T("trust.state.active_silent", map[string]any{"Member": theirs.Member, "State": p.T(key, nil)}), false, nil
}

// View is a pact seen from a party at a moment.
func (h Record) View(self core.MemberID, now core.Moment, waiting []task.Waiting) View {
	mine, theirs := h.Side(self)
	v := View{
		ID: h.ID, Member: theirs.Member, State: h.State(now), Ours: h.Pact.Proposer.Member == self,
		Gives: mine.Grants, Gets: theirs.Grants, Made: h.Pact.Made, Signed: h.SignedAt, Closed: h.Closed,
		Until: h.Until(), Notice: h.Pact.NoticeDays, Review: h.Pact.Review, Waiting: []task.Waiting{},
	}
	for _, w := range waiting {
		if w.About == h.ID {
			v.Waiting = append(v.Waiting, w)
		}
	}
	return v
}
