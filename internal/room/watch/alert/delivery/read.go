package delivery

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

// Standing is a notice as pages and commands show it.
type Standing struct {
	Key      string        `json:"key"`
	Owner    core.MemberID `json:"owner"`
	Incident string        `json:"incident"`
	Kind     Kind          `json:"kind"`
	Level    contact.Level `json:"level"`
	Weak     bool          `json:"weak"`
	Services []string      `json:"services"`
	At       core.Moment   `json:"at_us"`
	Ends     core.Moment   `json:"ends_us,omitzero"` // when what it warns of happens
	Over     core.Moment   `json:"over_us"`          // zero = it lasts
	Acked    core.Moment   `json:"acked_us"`         // zero = nobody did
	By       string        `json:"acked_by"`
	Person   string        `json:"person,omitempty"` // it was for this one only
}

func (r record) standing() Standing {
	return Standing{
		Key: r.key, Owner: r.Owner, Incident: r.Incident, Kind: r.Kind, Level: r.Level, Weak: r.Weak, Services: r.Services,
		At: r.At, Ends: r.Ends, Over: r.over, Acked: r.acked, By: r.ackedBy, Person: r.Person,
	}
}

// Recent are the newest notices since a moment, at most so many.
func (q *Queue) Recent(ctx context.Context, since core.Moment, limit int) ([]Standing, error) {
	list, err := recentNotices(ctx, q.n.DB, since, limit)
	out := make([]Standing, 0, len(list))
	for _, r := range list {
		out = append(out, r.standing())
	}
	return out, err
}

// maxLasting bounds the notices that Lasting answers.
const maxLasting = 10_000

// Lasting are the notices of a kind, whoever they are about, that are not over: the oldest
// first, 10,000 at most.
func Lasting(ctx context.Context, q db.Querier, kind Kind) ([]Standing, error) {
	list, err := lastingNotices(ctx, q, kind)
	out := make([]Standing, 0, len(list))
	for _, r := range list {
		out = append(out, r.standing())
	}
	return out, err
}

// Of are the notices of one incident, with what was delivered of them.
func (q *Queue) Of(ctx context.Context, owner core.MemberID, incident string) ([]Standing, []Delivery, error) {
	list, err := noticesOf(ctx, q.n.DB, owner, incident)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Standing, 0, len(list))
	for _, r := range list {
		out = append(out, r.standing())
	}
	deliveries, err := deliveriesOf(ctx, q.n.DB, owner, incident)
	return out, deliveries, err
}

// Get is one notice. Returns CodeNotFound.
func (q *Queue) Get(ctx context.Context, key string) (Standing, error) {
	r, err := noticeBy(ctx, q.n.DB, key)
	if errors.Is(err, db.ErrNoRow) {
		return Standing{}, core.NotFound("watch.alert.no_notice", err)
	}
	return r.standing(), err
}

// Deliveries are those of an owner's notices that are on their way, or ended since a
// moment, the newest first.
func (q *Queue) Deliveries(ctx context.Context, owner core.MemberID, since core.Moment) ([]Delivery, error) {
	return recentDeliveries(ctx, q.n.DB, owner, since)
}

// maxAnswer bounds the receipts of one notice that are told at once.
const maxAnswer = 200

// Did is what this node knows of a notice, for another teller that asks: what it sent, is
// sending, and heard that others sent; who acknowledged it here. owner is whose notice it is.
// A notice we do not know has none.
func (q *Queue) Did(ctx context.Context, key string) (owner core.MemberID, out []Receipt, err error) {
	r, err := noticeBy(ctx, q.n.DB, key)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	list, err := deliveriesOf(ctx, q.n.DB, r.Owner, r.Incident)
	if err != nil {
		return "", nil, err
	}
	for _, d := range list {
		switch {
		case d.Key != key:
		case d.State == Sent || d.State == Summary:
			out = append(out, Receipt{r.Owner, key, d.Person, d.Step, string(d.State), d.Done})
		case d.onTheWay():
			out = append(out, Receipt{r.Owner, key, d.Person, d.Step, trying, q.now()})
		}
	}
	voices, err := voicesOf(ctx, q.n.DB, key)
	for _, v := range voices {
		switch {
		case v.Step == stepAck && v.by == q.n.Self:
			out = append(out, v.Receipt)
		case v.Step != stepAck && v.by != q.n.Self && v.State != hearsay:
			v.State = hearsay
			out = append(out, v.Receipt)
		}
	}
	return r.Owner, out[:min(len(out), maxAnswer)], err
}
