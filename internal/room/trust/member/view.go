package member

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/task"
)

// View is a member as commands and pages show it.
type View struct {
	Address
	Fingerprint string          `json:"fingerprint"` // six words of the root key
	Standing    Standing        `json:"standing"`
	Refused     bool            `json:"refused"`
	Log         logbook.State   `json:"log"`
	Heard       core.Moment     `json:"heard_us"` // 0 = never
	Since       core.Moment     `json:"since_us"`
	VouchedBy   []core.MemberID `json:"vouched_by"`
	WeVouch     bool            `json:"we_vouch"`
	Waiting     []task.Waiting  `json:"waiting"`
}

// List lists everybody known here, whatever their standing, by name.
func (s *Service) List(ctx context.Context) ([]View, error) {
	list, err := All(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	all, err := Vouches(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	waiting, err := s.Tasks.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]View, 0, len(list))
	for _, m := range list {
		v := View{
			Address: m.Address, Fingerprint: seal.Fingerprint(m.Root),
			Standing: m.Standing, Refused: m.Refused, Since: m.Since, Log: logbook.Unknown,
			VouchedBy: []core.MemberID{}, Waiting: []task.Waiting{},
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

func (v *View) vouched(all []Vouch, self core.MemberID) {
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

// View reads one. Returns CodeNotFound.
func (s *Service) View(ctx context.Context, id core.MemberID) (View, error) {
	list, err := s.List(ctx)
	if err != nil {
		return View{}, err
	}
	for _, v := range list {
		if v.Member == id {
			return v, nil
		}
	}
	_, err = Find(ctx, s.DB, id)
	return View{}, err
}
