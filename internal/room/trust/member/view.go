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
	known, err := s.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	logs := make(map[core.MemberID]logbook.Member, len(known))
	for _, log := range known {
		logs[log.ID] = log
	}
	by, err := s.vouchers(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := s.Tasks.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]View, 0, len(list))
	for _, m := range list {
		v := viewOf(m, logs[m.ID()])
		for _, id := range by[vouched{m.ID(), m.Root}] {
			if id == s.self() {
				v.WeVouch = true
			} else {
				v.VouchedBy = append(v.VouchedBy, id)
			}
		}
		for _, w := range waiting {
			if w.Member == m.ID() {
				v.Waiting = append(v.Waiting, w)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// viewOf is a member with its logbook, zero where we hold none, and no vouches yet.
func viewOf(m Member, log logbook.Member) View {
	v := View{
		Address: m.Address, Fingerprint: seal.Fingerprint(m.Root),
		Standing: m.Standing, Refused: m.Refused, Since: m.Since, Log: logbook.Unknown,
		VouchedBy: []core.MemberID{}, Waiting: []task.Waiting{},
	}
	if log.ID == "" {
		return v
	}
	v.Log, v.Heard = log.State, log.Heard
	if log.Root == m.Root {
		v.URL = log.URL
	}
	return v
}

// vouched is whom a vouch is for: an origin under another key is somebody else.
type vouched struct {
	id   core.MemberID
	root core.RootKey
}

// vouchers lists who vouches for each member, by name.
func (s *Service) vouchers(ctx context.Context) (map[vouched][]core.MemberID, error) {
	all, err := Vouches(ctx, s.DB)
	out := map[vouched][]core.MemberID{}
	for _, v := range all {
		to := vouched{v.For.Member, v.For.Root}
		out[to] = append(out[to], v.By)
	}
	return out, err
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
