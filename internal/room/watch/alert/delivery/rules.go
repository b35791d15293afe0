package delivery

import (
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

const (
	// spacing is between two senders of one rank: so long the first has to say that it sent.
	spacing = 20 * time.Second
	// patience is how long an acknowledgement is waited for before the next are asked.
	patience = 30 * time.Minute
	// lease is how long a try keeps a delivery: a try and what the database needs.
	lease = channel.Timeout + 5*time.Second
	// pause is between two tries on one channel.
	pause = 2 * time.Second

	maxFailed = 3
	maxUnsure = 2
	// life is how long a delivery that fails is tried.
	life = 48 * time.Hour
	skew = 10 * time.Minute
	// steadyAfter is how long what was unstable must be well before that is told: so long a
	// fall would make it a part of the same incident.
	steadyAfter = time.Hour
	// kept is how long notices and deliveries are kept.
	kept = 90 * 24 * time.Hour
)

// usable says whether a channel may be tried once more in this round.
func (a Attempt) usable() bool { return a.Failed < maxFailed && a.Unsure < maxUnsure }

// choose is the channel to try now. Channels that hang on the victim are passed over
// unless there is no other. ok is false when each was tried often enough.
func (d Delivery) choose(channels []contact.Channel, victim []string) (c contact.Channel, ok bool) {
	for _, c := range passable(channels, victim) {
		if d.Tries[c.ID].usable() {
			return c, true
		}
	}
	return contact.Channel{}, false
}

func passable(channels []contact.Channel, victim []string) []contact.Channel {
	var out []contact.Channel
	for _, c := range channels {
		if !c.Below(victim) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return channels
	}
	return out
}

// charged is the delivery as it stands in the database while a channel is tried: if
// nothing is heard of the try, it may have arrived.
func (d Delivery) charged(channel string, now core.Moment) Delivery {
	d.Tries = clone(d.Tries)
	a := d.Tries[channel]
	a.Unsure++
	d.Tries[channel], d.Channel, d.Next = a, channel, now.Add(lease)
	return d
}

// answered is the delivery after a try that was charged.
func (d Delivery) answered(err error, state State, now core.Moment) Delivery {
	if err == nil {
		d.State, d.Done, d.Error = state, now, ""
		return d
	}
	d.Tries = clone(d.Tries)
	a := d.Tries[d.Channel]
	a.Failed++
	if !channel.Unsure(err) {
		a.Unsure--
	}
	d.Tries[d.Channel], d.Error = a, err.Error()
	d.Next = now.Add(pause)
	if !a.usable() {
		d.Next = now
	}
	return d
}

// exhausted is the delivery after every channel was tried often enough: all of it again
// later, but for channels that may have carried it twice.
func (d Delivery) exhausted(channels []contact.Channel, at, now core.Moment) Delivery {
	d.Tries = clone(d.Tries)
	unsure := len(channels) > 0
	for _, c := range channels {
		a := d.Tries[c.ID]
		unsure = unsure && a.Unsure >= maxUnsure
		a.Failed = 0
		d.Tries[c.ID] = a
	}
	switch {
	case unsure:
		d.State, d.Done = Unsure, now
	case len(channels) == 0:
		d.State, d.Done, d.Error = Failed, now, "not delivered: no channel"
	case now.Sub(at) > life && d.Rounds > 3:
		d.State, d.Done = Failed, now
	default:
		d.Next = now.Add(min(time.Minute<<min(d.Rounds, 10), time.Hour))
	}
	d.Rounds++
	return d
}

func clone(m map[string]Attempt) map[string]Attempt {
	out := map[string]Attempt{}
	maps.Copy(out, m)
	return out
}

// due is when a sender of this rank delivers to a person.
func due(p contact.Person, r record, rank int, now core.Moment) core.Moment {
	at, _ := p.At(r.Level, r.Weak, max(r.At, now).Time())
	if r.Now {
		at = now.Time()
	}
	return core.At(at).Add(time.Duration(rank) * spacing)
}

// sorted puts what is due for one person into what is sent alone, what goes into one
// summary, and what is no longer of use. earlier are all deliveries to the person about
// the incidents of those.
func sorted(list []task, earlier func(record) []Delivery) (alone, together, useless []task) {
	for _, t := range list {
		switch {
		case t.Kind.ends():
			// A recovery is told to who was told of the trouble, as long as it lasted.
			before := earlier(t.record)
			switch {
			case slices.ContainsFunc(before, Delivery.arrived):
				alone = append(alone, t)
			case slices.ContainsFunc(before, Delivery.onTheWay): // it waits
			default:
				useless = append(useless, t)
			}
		case t.over != 0 && t.Kind != Test:
			together = append(together, t)
		case t.acked != 0 && t.Step != stepOnCall:
			useless = append(useless, t)
		case t.Level == contact.Digest:
			together = append(together, t)
		default:
			alone = append(alone, t)
		}
	}
	return alone, together, useless
}

// arrived says whether the person knows of it, as far as we know.
func (d Delivery) arrived() bool {
	return d.State == Sent || d.State == Told || d.State == Unsure || d.Held != 0
}

// onTheWay says whether somebody tries it now, or ended while trying.
func (d Delivery) onTheWay() bool {
	for _, a := range d.Tries {
		if d.State == Open && a.Unsure > 0 {
			return true
		}
	}
	return false
}

// attempts is what was tried for any of those that go out in one message.
func attempts(list []task) Delivery {
	d := Delivery{Tries: map[string]Attempt{}}
	for _, t := range list {
		for id, a := range t.Tries {
			d.Tries[id] = Attempt{max(a.Failed, d.Tries[id].Failed), max(a.Unsure, d.Tries[id].Unsure)}
		}
	}
	return d
}

// task is a delivery with its notice.
type task struct {
	record
	Delivery
	// word is the voter that alone says it told the person; empty = none does.
	word core.MemberID
}
