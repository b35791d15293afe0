package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

// Needs is what the queue is made of; all of it is required.
type Needs struct {
	// Self is this node; its own people come first.
	Self core.MemberID
	DB   *db.DB
	// Plan is who an owner wants told; false: we hold no plan of it.
	Plan func(ctx context.Context, owner core.MemberID) (contact.Plan, bool, error)
	// Rank is our place among those who tell the owner's people: 0 is the owner itself.
	Rank func(ctx context.Context, owner core.MemberID) (int, error)
	// Domains are those under which an owner runs services: what hangs on them may be gone
	// with it.
	Domains func(ctx context.Context, owner core.MemberID) ([]string, error)
	Sender  channel.Sender
	// Tell hands a receipt to the others who hold the plan; it does not wait for them.
	Tell func(ctx context.Context, r Receipt)
	// Ask asks the others who hold the plan what they know of a notice; who does not answer
	// within seconds is left out. others is how many were asked.
	Ask func(ctx context.Context, owner core.MemberID, key string) (answers map[core.MemberID][]Receipt, others int)
	// Sees are the words keys of what our own newest looks at an incident's targets met, one
	// each; empty when they are fine, or when we do not look.
	Sees func(ctx context.Context, owner core.MemberID, incident string) []string
	// Link is where one person acknowledges one notice.
	Link  func(key, person string) string
	Words *words.Catalogue
	Now   func() time.Time
	Log   *slog.Logger
}

// Queue keeps notices and deliveries. Safe for concurrent use, and beside other processes
// on the same database.
type Queue struct {
	n      Needs
	wake   chan struct{}
	others guests
}

// New makes the queue; Serve runs it.
func New(n Needs) *Queue { return &Queue{n: n, wake: make(chan struct{}, 1)} }

func (q *Queue) now() core.Moment { return core.At(q.n.Now()) }

// poke has Serve look at once.
func (q *Queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Put takes a notice in. A notice that stands already, or an owner whose plan we do not
// hold, changes nothing. Returns CodeInvalid for a notice that is a mistake.
func (q *Queue) Put(ctx context.Context, n Notice) error {
	if err := n.check(); err != nil {
		return err
	}
	plan, ok, err := q.n.Plan(ctx, n.Owner)
	if err != nil || !ok {
		return err
	}
	rank, err := q.n.Rank(ctx, n.Owner)
	if err != nil {
		return err
	}
	now := q.now()
	n.Level = n.level(plan)
	r := record{Notice: n, key: n.Key(), due: max(n.At, now).Add(patience)}
	people := plan.Recipients(contact.OnCall, now.Time())
	if n.Person != "" {
		people = []string{n.Person}
	}
	err = q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		if full, err := (hosting{q}).full(ctx, tx, n.Owner); err != nil || full {
			return err
		}
		fresh, err := addNotice(ctx, tx, r)
		if err != nil {
			return err
		}
		if !fresh {
			return again(ctx, tx, r)
		}
		if err := q.add(ctx, tx, r, batch{plan, people, stepOnCall, rank, now}); err != nil {
			return err
		}
		return listener{q}.acked(ctx, tx, r)
	})
	q.poke()
	return err
}

// again is a notice that stands already: what is unstable and was well for a while is not,
// and nobody is to hear that it stays well.
func again(ctx context.Context, tx db.Querier, r record) error {
	if r.Kind != Unstable {
		return nil
	}
	steady := r.Notice
	steady.Kind = Steady
	list, err := deliveriesOf(ctx, tx, r.Owner, r.Incident)
	if err != nil {
		return err
	}
	for _, d := range list {
		if d.Key == steady.Key() && (d.arrived() || d.onTheWay()) {
			return nil // it is told, and told once
		}
	}
	return reopen(ctx, tx, r.key, steady.Key())
}

// batch is whom to add deliveries for.
type batch struct {
	plan   contact.Plan
	people []string
	step   string
	rank   int
	now    core.Moment
}

func (q *Queue) add(ctx context.Context, tx db.Querier, r record, b batch) error {
	for _, id := range b.people {
		p, ok := b.plan.Person(id)
		if !ok {
			continue
		}
		d := Delivery{Key: r.key, Person: id, Step: b.step, Owner: r.Owner, Next: due(p, r, b.rank, b.now)}
		if err := addDelivery(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

// Replace says that an incident goes on as another, or, when into is empty, never was: what
// was not sent of it is not sent any more, and who was told of it counts as told of the
// other. Call it before the other's notices are put.
func (q *Queue) Replace(ctx context.Context, owner core.MemberID, incident, into string) error {
	now := q.now()
	var told []Receipt
	err := q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		standing, err := noticesOf(ctx, tx, owner, incident)
		if err != nil {
			return err
		}
		list, err := deliveriesOf(ctx, tx, owner, incident)
		if err != nil {
			return err
		}
		if told, err = (listener{q}).carry(ctx, tx, standing, list, into); err != nil {
			return err
		}
		return silence(ctx, tx, standing, list, now)
	})
	for _, r := range told {
		if err == nil {
			q.n.Tell(ctx, r)
		}
	}
	return err
}

// silence ends notices, and deliveries that nobody has begun.
func silence(ctx context.Context, tx db.Querier, standing []record, list []Delivery, now core.Moment) error {
	for _, d := range list {
		if d.State != Open || d.onTheWay() {
			continue
		}
		to := d
		to.State, to.Done = Dropped, now
		if _, err := keep(ctx, tx, d, to); err != nil {
			return err
		}
	}
	for _, n := range standing {
		if err := setOver(ctx, tx, n.key, now); err != nil {
			return err
		}
	}
	return nil
}

// Resolve says that an incident is over. Who was told of it is told this, once: at once, or
// when what was unstable has been well for an hour.
func (q *Queue) Resolve(ctx context.Context, owner core.MemberID, incident string, at core.Moment) error {
	plan, ok, err := q.n.Plan(ctx, owner)
	if err != nil {
		return err
	}
	rank, err := q.n.Rank(ctx, owner)
	if err != nil {
		return err
	}
	now := q.now()
	err = q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		r, people, err := end(ctx, tx, owner, incident, at)
		if err != nil || len(people) == 0 || !ok {
			return err
		}
		if fresh, err := addNotice(ctx, tx, r); err != nil || !fresh {
			return err
		}
		if r.Kind == Steady {
			now = max(now, at.Add(steadyAfter))
		}
		return q.add(ctx, tx, r, batch{plan, people, stepOnCall, rank, now})
	})
	q.poke()
	return err
}

// Absorb says that an incident is a part of another from now on. Its notices are over: nobody
// else is asked, and nobody is told of an end that is none.
func (q *Queue) Absorb(ctx context.Context, owner core.MemberID, incident string, at core.Moment) error {
	return q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		_, _, err := end(ctx, tx, owner, incident, at)
		return err
	})
}

// end marks all notices of an incident as over. It answers the notice of its recovery and
// who has deliveries of it.
func end(ctx context.Context, tx db.Querier, owner core.MemberID, incident string, at core.Moment) (r record, people []string, err error) {
	standing, err := noticesOf(ctx, tx, owner, incident)
	if err != nil || len(standing) == 0 {
		return r, nil, err
	}
	r = standing[0]
	kind := Recovered
	for _, n := range standing {
		if n.Level.Above(r.Level) {
			r.Level = n.Level
		}
		if n.Kind == Unstable {
			kind = Steady
		}
		if err := setOver(ctx, tx, n.key, at); err != nil {
			return r, nil, err
		}
	}
	list, err := deliveriesOf(ctx, tx, owner, incident)
	for _, d := range list {
		people = append(people, d.Person)
	}
	if kind == Steady {
		r.Level = contact.Notify // it wakes nobody
	}
	r.Kind, r.over, r.Person = kind, at, ""
	r.key = r.Key()
	return r, people, err
}

// Acknowledge notes that a person looks after a notice, and so after its whole incident;
// nobody else is asked. It says whether this is the first word of it. Returns
// CodeNotFound.
func (q *Queue) Acknowledge(ctx context.Context, key, person string) (first bool, err error) {
	now := q.now()
	var r record
	err = q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		if r, err = noticeBy(ctx, tx, key); err != nil {
			return err
		}
		if _, err = addVoice(ctx, tx, voice{Receipt{r.Owner, key, person, stepAck, stepAck, now}, q.n.Self, now}); err != nil {
			return err
		}
		first, err = setAcked(ctx, tx, r, person, now)
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return false, core.NotFound("watch.alert.no_notice", err)
	}
	if err == nil && first {
		q.n.Tell(ctx, Receipt{Owner: r.Owner, Key: key, Person: person, Step: stepAck, State: stepAck, At: now})
	}
	return first, err
}

// Receive takes a receipt in that another sender signed. Whether it may is for the caller.
func (q *Queue) Receive(ctx context.Context, from core.MemberID, r Receipt) error {
	if err := r.Check(q.now()); err != nil {
		return err
	}
	return listener{q}.take(ctx, from, r)
}

// escalate asks the next people where nobody acknowledged. Trouble with one notice does
// not stop the others.
func (q *Queue) escalate(ctx context.Context, now core.Moment) error {
	list, err := unanswered(ctx, q.n.DB, now)
	for _, r := range list {
		err = errors.Join(err, q.further(ctx, r, now))
	}
	return err
}

// further takes one notice to its next step.
func (q *Queue) further(ctx context.Context, r record, now core.Moment) error {
	plan, ok, err := q.n.Plan(ctx, r.Owner)
	if err != nil {
		return err
	}
	rank, err := q.n.Rank(ctx, r.Owner)
	if err != nil {
		return err
	}
	return q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		if err := setStep(ctx, tx, r.key, r.step+1, now.Add(patience)); err != nil || !ok {
			return err
		}
		// Who was on call when it began, not now.
		people := plan.Recipients(r.step+1, r.At.Time())
		return q.add(ctx, tx, r, batch{plan, people, stepName(r.step + 1), rank, now})
	})
}

// Forget drops what is older than 90 days.
func (q *Queue) Forget(ctx context.Context) error {
	return q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error { return forget(ctx, tx, q.now().Add(-kept)) })
}
