package delivery

import (
	"context"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

const (
	// While another teller says that it is sending, we wait so often at most.
	maxBusy = 3
	// What is over waits while most of the others are silent: they may have told of it, and
	// we may be cut off. The owner's node comes first, and waits less.
	quietWait    = time.Minute
	maxSilent    = 15
	maxSilentOwn = 3
	// enough is how many voters must say the same to be believed for good.
	enough = 2
)

// voice is what one teller says, and when we heard it.
type voice struct {
	Receipt
	by    core.MemberID
	heard core.Moment
}

// word is what all voices together say of one delivery. The zero value: nobody says anything.
type word struct {
	state State
	by    core.MemberID
	until core.Moment // zero = it holds for good
}

// wordOf is what the others say of a delivery. The owner's node is believed, and two voters
// who say that they sent it. One voter alone, or who only heard of it, is believed as long as
// an acknowledgement is waited for: somebody may lie. Of what presses nobody, one is enough.
func wordOf(list []voice, t task, self core.MemberID) (w word) {
	voters := map[core.MemberID]bool{}
	for _, v := range list {
		if v.Person != t.Person || v.Step != t.Step || v.Owner != t.Owner {
			continue
		}
		state := Told
		if v.State == string(Summary) {
			state = Summary
		}
		if v.State != hearsay && (v.by == v.Owner || v.by == self) {
			return word{state: state, by: v.by}
		}
		if w.state == "" {
			w = word{state, v.by, v.heard.Add(patience)}
		}
		if v.State != hearsay {
			voters[v.by] = true
		}
	}
	if len(voters) >= enough || !t.presses() {
		w.until = 0
	}
	return w
}

// presses says whether somebody is to do something about a notice now.
func (r record) presses() bool { return r.over == 0 && !r.Kind.ends() && r.Level != contact.Digest }

// ackOf is the acknowledgement that voices tell of: sure when a link of ours was followed,
// the owner's node says so, or two voters do.
func ackOf(list []voice, owner, self core.MemberID) (first voice, said, sure bool) {
	voters := map[core.MemberID]bool{}
	for _, v := range list {
		if v.Step != stepAck {
			continue
		}
		if !said {
			first, said = v, true
		}
		if v.by == owner || v.by == self {
			return v, true, true
		}
		voters[v.by] = true
	}
	return first, said, len(voters) >= enough
}

// listener hears what the other tellers say.
type listener struct{ *Queue }

// take takes in what a teller says.
func (l listener) take(ctx context.Context, from core.MemberID, r Receipt) error {
	return l.n.DB.Tx(ctx, func(ctx context.Context, tx db.Querier) error {
		fresh, err := addVoice(ctx, tx, voice{r, from, l.now()})
		if err != nil || !fresh || r.Step != stepAck {
			return err
		}
		standing, err := noticeBy(ctx, tx, r.Key)
		if errors.Is(err, db.ErrNoRow) {
			return nil
		}
		if err != nil || standing.Owner != r.Owner {
			return err
		}
		return l.acked(ctx, tx, standing)
	})
}

// acked notes an acknowledgement that is sure. One that a single voter tells of puts the
// next people off once, until the person it names could have confirmed it to another.
func (l listener) acked(ctx context.Context, tx db.Querier, r record) error {
	list, err := voicesOf(ctx, tx, r.key)
	if err != nil {
		return err
	}
	v, said, sure := ackOf(list, r.Owner, l.n.Self)
	switch {
	case sure:
		_, err = setAcked(ctx, tx, r, v.Person, v.At)
	case said:
		err = putOff(ctx, tx, r.key, v.heard.Add(2*patience))
	}
	return err
}

// carry has what was said of notices hold for those of another incident, and answers what
// the others should hear: what we sent. Nothing where there is no other incident.
func (l listener) carry(ctx context.Context, tx db.Querier, standing []record, list []Delivery, into string) (told []Receipt, err error) {
	if into == "" {
		return nil, nil
	}
	for _, n := range standing {
		other := n.Notice
		other.Incident = into
		voices, err := voicesOf(ctx, tx, n.key)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if d.Key == n.key && (d.State == Sent || d.State == Unsure) {
				r := Receipt{Owner: n.Owner, Key: other.Key(), Person: d.Person, Step: d.Step, State: string(Sent), At: d.Done}
				told, voices = append(told, r), append(voices, voice{r, l.n.Self, d.Done})
			}
		}
		for _, v := range voices {
			v.Key = other.Key()
			if _, err := addVoice(ctx, tx, v); err != nil {
				return nil, err
			}
		}
	}
	return told, nil
}

// answers is what the others say when they are asked.
type answers struct {
	busy   map[string]bool // keys of messages that somebody sends now
	silent map[string]bool // keys of notices of which most say nothing
}

// name is that of the message about a notice to one person.
func (r Receipt) name() string { return r.Key + "/" + r.Person + "/" + r.Step }

// left asks the others, and answers what is left to send to one person now. The rest was
// sent, or waits.
func (l listener) left(ctx context.Context, p contact.Person, group []task) (left []task, err error) {
	heard, err := l.catchUp(ctx, group)
	if err != nil {
		return nil, err
	}
	rank, err := l.n.Rank(ctx, group[0].Owner)
	if err != nil {
		return nil, err
	}
	now := l.now()
	for _, t := range group {
		voices, err := voicesOf(ctx, l.n.DB, t.key)
		if err != nil {
			return nil, err
		}
		to, w := t.Delivery, wordOf(voices, t, l.n.Self)
		switch {
		case w.state != "" && w.until == 0:
			to.State, to.Done = w.state, now
		case w.until > now:
			to.Held, to.Next = now, due(p, t.record, rank, w.until)
		default:
			wait := heard.wait(t, rank)
			if wait == 0 {
				t.word = w.by
				left = append(left, t)
				continue
			}
			to.Waits++
			to.Next = now.Add(wait)
		}
		if _, err := keep(ctx, l.n.DB, t.Delivery, to); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// wait is how long a message waits for what the others may say yet.
func (a answers) wait(t task, rank int) time.Duration {
	most := int64(maxSilent)
	if rank == 0 {
		most = maxSilentOwn
	}
	r := Receipt{Key: t.key, Person: t.Person, Step: t.Step}
	switch {
	case a.busy[r.name()] && t.Waits < maxBusy:
		return spacing
	case a.silent[t.key] && !t.presses() && t.Waits < most:
		return quietWait
	}
	return 0
}

// catchUp asks the others what they know: a receipt that was on its way to us while we were
// away, or cut off, or while they were, comes no second time.
func (l listener) catchUp(ctx context.Context, group []task) (answers, error) {
	heard := answers{map[string]bool{}, map[string]bool{}}
	asked := map[string]bool{}
	for _, t := range group {
		if asked[t.key] || t.Kind == Test {
			continue // nobody else sends a test
		}
		asked[t.key] = true
		all, others := l.n.Ask(ctx, t.Owner, t.key)
		heard.silent[t.key] = 2*len(all) < others
		for from, receipts := range all {
			for _, r := range receipts {
				if r.Owner != t.Owner || r.Key != t.key || r.checkAnswer(l.now()) != nil {
					continue
				}
				if r.State == trying {
					heard.busy[r.name()] = true
				} else if err := l.take(ctx, from, r); err != nil {
					return heard, err
				}
			}
		}
	}
	return heard, nil
}
