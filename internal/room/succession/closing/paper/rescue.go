package paper

import (
	"context"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/succession/promise"
)

// The entries by which a successor says that it serves the data of a service, and no more.
// spec: docs/spec/succession.md#rescue
const (
	TypeRescue    = "entrechat/rescue/1"
	TypeRescueEnd = "entrechat/rescue-end/1"
)

// Rescue is what a member says of the data of another that can be read at it.
type Rescue struct {
	Owner   core.MemberID `json:"owner"`
	Service string        `json:"service"`
	Since   core.Moment   `json:"since_us"`
	Until   core.Moment   `json:"until_us"`

	By core.MemberID `json:"-"`
}

func (b Rescue) subject() string {
	if !b.Owner.Valid() || !promise.ValidService(b.Service) {
		return ""
	}
	return string(b.Owner) + "/" + b.Service
}

// Rescues lists what members say they serve of an owner now. Whether the owner named them is the
// caller's question.
func (p *Papers) Rescues(ctx context.Context, owner core.MemberID, now core.Moment) ([]Rescue, error) {
	all, err := rescuesOf(ctx, p.DB, owner)
	if err != nil {
		return nil, err
	}
	last := map[string]int{} // of a member about a service: its place in out
	var out []Rescue
	for _, s := range all {
		r := peek[Rescue](s.Body)
		key := string(s.Member) + " " + r.Service
		if s.Typ == TypeRescueEnd {
			r.Until = 0
		}
		r.By = s.Member
		if i, ok := last[key]; ok {
			out[i] = r
			continue
		}
		last[key] = len(out)
		out = append(out, r)
	}
	open := out[:0]
	for _, r := range out {
		if r.Until > now {
			open = append(open, r)
		}
	}
	return open, nil
}

func rescuesOf(ctx context.Context, q db.Querier, owner core.MemberID) ([]Said, error) {
	all, err := saidAny(ctx, q, []string{TypeRescue, TypeRescueEnd}, string(owner)+"/")
	out := all[:0]
	for _, s := range all {
		if strings.HasPrefix(peek[Rescue](s.Body).subject(), string(owner)+"/") {
			out = append(out, s)
		}
	}
	return out, err
}
