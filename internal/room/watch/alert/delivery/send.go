package delivery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

const (
	perPass = 500 // deliveries of one owner that are read at once
	// atOnce is how many people are written to side by side.
	atOnce = 16
	poll   = time.Second
)

// who is one person of one owner.
type who struct {
	owner  core.MemberID
	person string
}

// crew are the people that are being written to now.
type crew struct {
	mu   sync.Mutex
	busy map[who]bool
	all  sync.WaitGroup
}

// take gives a person of an owner a place; most are the places that may be taken for it.
func (c *crew) take(w who, most places) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	same := 0
	for other := range c.busy {
		if other.owner == w.owner {
			same++
		}
	}
	if c.busy[w] || len(c.busy) >= most.all || same >= most.same {
		return false
	}
	c.busy[w] = true
	return true
}

func (c *crew) free(w who) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, w)
}

// Serve sends what is due until ctx ends, then waits for what is being sent. A channel
// that hangs keeps only its person waiting.
func (q *Queue) Serve(ctx context.Context) error {
	c := &crew{busy: map[who]bool{}}
	defer c.all.Wait()
	for {
		if err := q.pass(ctx, c); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		case <-time.After(poll):
		}
	}
}

// Run sends what is due now, once, and waits for it: for a command.
func (q *Queue) Run(ctx context.Context) error {
	c := &crew{busy: map[who]bool{}}
	err := q.pass(ctx, c)
	c.all.Wait()
	return err
}

func (q *Queue) pass(ctx context.Context, c *crew) error {
	if err := q.escalate(ctx, q.now()); err != nil && ctx.Err() == nil {
		q.n.Log.LogAttrs(ctx, slog.LevelError, "alert not escalated", slog.Any("err", err))
	}
	owners, err := dueOwners(ctx, q.n.DB, q.now())
	if err != nil {
		return err
	}
	for _, owner := range owners {
		list, err := dueTasks(ctx, q.n.DB, owner, q.now(), perPass)
		if err != nil {
			return err
		}
		groups := map[who][]task{}
		for _, t := range list {
			w := who{t.Owner, t.Person}
			groups[w] = append(groups[w], t)
		}
		for w, group := range groups {
			hosting{q}.begin(ctx, c, w, group)
		}
	}
	return nil
}

// begin writes to one person, when there is a place.
func (q hosting) begin(ctx context.Context, c *crew, w who, group []task) {
	if !c.take(w, q.placesOf(w.owner)) {
		return
	}
	c.all.Go(func() {
		defer c.free(w)
		if err := q.write(ctx, w, group); err != nil && ctx.Err() == nil {
			q.n.Log.LogAttrs(ctx, slog.LevelWarn, "alert not delivered yet", slog.String("owner", string(w.owner)), slog.Any("err", err))
		}
		q.poke()
	})
}

// write tells one person what is due: each notice once, what is over in one summary.
func (q *Queue) write(ctx context.Context, w who, group []task) error {
	plan, ok, err := q.n.Plan(ctx, w.owner)
	if err != nil {
		return err
	}
	p, known := plan.Person(w.person)
	if !ok || !known {
		return q.finish(ctx, group, Dropped)
	}
	if group, err = (listener{q}).left(ctx, p, group); err != nil {
		return err
	}
	before, err := earlier(ctx, q.n.DB, w, group)
	if err != nil {
		return err
	}
	alone, together, useless := sorted(group, func(r record) []Delivery { return before[r.key] })
	if err := q.finish(ctx, useless, Dropped); err != nil {
		return err
	}
	// What wakes goes first; one that fails does not hold the next.
	for _, t := range alone {
		err = errors.Join(err, q.try(ctx, p, []task{t}))
	}
	if len(together) > 0 {
		err = errors.Join(err, q.try(ctx, p, together))
	}
	return err
}

// earlier are, for each notice that something is over, the deliveries to a person that make
// it news: those of the incident, or that it was unstable. None where newer trouble with the
// same services tells more.
func earlier(ctx context.Context, q db.Querier, w who, group []task) (map[string][]Delivery, error) {
	out := map[string][]Delivery{}
	for _, t := range group {
		if !t.Kind.ends() {
			continue
		}
		if t.Kind == Steady {
			newer, err := newerOutages(ctx, q, t.Owner, t.over)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(newer, t.meets) {
				continue
			}
		}
		list, err := deliveriesOf(ctx, q, t.Owner, t.Incident)
		if err != nil {
			return nil, err
		}
		unstable := Notice{Owner: t.Owner, Incident: t.Incident, Kind: Unstable}.Key()
		for _, d := range list {
			if d.Person == w.person && d.Key != t.key && (t.Kind == Recovered || d.Key == unstable) {
				out[t.key] = append(out[t.key], d)
			}
		}
	}
	return out, nil
}

func (q *Queue) finish(ctx context.Context, list []task, state State) error {
	for _, t := range list {
		to := t.Delivery
		to.State, to.Done = state, q.now()
		if _, err := keep(ctx, q.n.DB, t.Delivery, to); err != nil {
			return err
		}
	}
	return nil
}

// try makes one try for notices that go out in one message, on the channel whose turn it
// is. What it returns is our own trouble; a channel's stands in the delivery.
func (q *Queue) try(ctx context.Context, p contact.Person, list []task) error {
	first := list[0]
	var victim []string
	if first.Kind.outage() {
		domains, err := q.n.Domains(ctx, first.Owner)
		if err != nil {
			return err
		}
		victim = domains
	}
	c, ok := attempts(list).choose(p.Channels, victim)
	if !ok {
		return q.exhaust(ctx, p, list, victim)
	}
	state := Sent
	if len(list) > 1 || first.over != 0 && !first.Kind.ends() || first.Level == contact.Digest {
		state = Summary
	}
	if !(hosting{q}).admits(first.Owner) {
		return hosting{q}.putOff(ctx, first.Owner)
	}
	charged, err := q.charge(ctx, c, list)
	if err != nil || charged == nil {
		return err
	}
	sent := q.n.Sender.Send(ctx, c, q.compose(ctx, p, list))
	// The answer is kept even when the process is told to end.
	return q.note(context.WithoutCancel(ctx), charged, sent, state)
}

// charge notes what is about to happen; nil: another process was faster.
func (q *Queue) charge(ctx context.Context, c contact.Channel, list []task) ([]Delivery, error) {
	now := q.now()
	out := make([]Delivery, len(list))
	lost := errors.New("another process is at it")
	err := q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		for i, t := range list {
			out[i] = t.charged(c.ID, now)
			mine, err := keep(ctx, tx, t.Delivery, out[i])
			if err != nil {
				return err
			}
			if !mine {
				return lost
			}
		}
		return nil
	})
	if errors.Is(err, lost) {
		return nil, nil
	}
	return out, err
}

// note writes down how a try ended, and tells the others of a good one.
func (q *Queue) note(ctx context.Context, charged []Delivery, sent error, state State) error {
	now := q.now()
	err := q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		for _, d := range charged {
			if _, err := keep(ctx, tx, d, d.answered(sent, state, now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sent != nil {
		f := &channel.SendError{}
		_ = errors.As(sent, &f)
		q.n.Log.LogAttrs(ctx, slog.LevelInfo, "alert channel failed", slog.String("owner", string(charged[0].Owner)), slog.String("why", f.Why))
		return nil //nolint:nilerr // the delivery holds what became of it
	}
	for _, d := range charged {
		q.n.Tell(ctx, Receipt{Owner: d.Owner, Key: d.Key, Person: d.Person, Step: d.Step, State: string(state), At: now})
	}
	return nil
}

// exhaust puts notices off that no channel took. For what may wake, the next person is
// asked at once.
func (q *Queue) exhaust(ctx context.Context, p contact.Person, list []task, victim []string) error {
	now := q.now()
	return q.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		for _, t := range list {
			to := t.exhausted(passable(p.Channels, victim), t.At, now)
			if _, err := keep(ctx, tx, t.Delivery, to); err != nil {
				return err
			}
			if t.Rounds == 0 && t.over == 0 && t.acked == 0 && t.Step == stepName(t.step) {
				if err := setStep(ctx, tx, t.key, t.step, now); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
