package delivery

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/watch/alert/contact"
)

const self, liar, other = core.MemberID("chaton-b.test"), core.MemberID("chaton-c.test"), core.MemberID("chaton-d.test")

func TestWordOf(t *testing.T) {
	const came = core.Moment(1_000_000)
	say := func(by core.MemberID, state string) voice {
		return voice{Receipt{Owner: owner, Person: "ana", Step: "oncall", State: state}, by, came}
	}
	elsewhere := say(owner, "sent")
	elsewhere.Step = "team"
	for name, c := range map[string]struct {
		voices []voice
		kind   Kind
		over   core.Moment
		state  State
		held   bool
	}{
		"nobody":                     {kind: Down},
		"of another step":            {voices: []voice{elsewhere}, kind: Down},
		"the owner":                  {voices: []voice{say(owner, "sent")}, kind: Down, state: Told},
		"ourselves":                  {voices: []voice{say(liar, "sent"), say(self, "sent")}, kind: Down, state: Told},
		"the owner, in a summary":    {voices: []voice{say(owner, "digest")}, kind: Down, state: Summary},
		"one voter":                  {voices: []voice{say(liar, "sent")}, kind: Down, state: Told, held: true},
		"two voters":                 {voices: []voice{say(liar, "sent"), say(other, "sent")}, kind: Down, state: Told},
		"one, and one who heard it":  {voices: []voice{say(liar, "sent"), say(other, "told")}, kind: Down, state: Told, held: true},
		"two who heard it":           {voices: []voice{say(liar, "told"), say(other, "told")}, kind: Down, state: Told, held: true},
		"one, of what is over":       {voices: []voice{say(liar, "sent")}, kind: Down, over: 1, state: Told},
		"one, of a recovery":         {voices: []voice{say(liar, "sent")}, kind: Recovered, over: 1, state: Told},
		"hearsay, of a recovery":     {voices: []voice{say(liar, "told")}, kind: Recovered, over: 1, state: Told},
		"the owner only heard of it": {voices: []voice{say(owner, "told")}, kind: Down, state: Told, held: true},
	} {
		task := task{record: record{Notice: Notice{Owner: owner, Kind: c.kind, Level: contact.Page}, over: c.over}, Delivery: Delivery{Owner: owner, Person: "ana", Step: "oncall"}}
		w := wordOf(c.voices, task, self)
		if w.state != c.state || (w.until != 0) != c.held || c.held && w.until != came.Add(patience) {
			t.Errorf("%s: %+v", name, w)
		}
	}
}

func TestAckOf(t *testing.T) {
	say := func(by core.MemberID) voice {
		return voice{Receipt: Receipt{Owner: owner, Person: "ana", Step: "ack", State: "ack"}, by: by}
	}
	for name, c := range map[string]struct {
		voices     []voice
		said, sure bool
	}{
		"nobody": {}, "one voter": {[]voice{say(liar)}, true, false}, "one voter twice": {[]voice{say(liar), say(liar)}, true, false},
		"two voters": {[]voice{say(liar), say(other)}, true, true}, "the owner": {[]voice{say(liar), say(owner)}, true, true}, "our own link": {[]voice{say(self)}, true, true},
	} {
		if _, said, sure := ackOf(c.voices, owner, self); said != c.said || sure != c.sure {
			t.Errorf("%s: %v, %v", name, said, sure)
		}
	}
}

// TestAlwaysAtIt: who says that it is sending, and never is done, holds us up for a minute;
// a recovery is not told into a silence that may be ours, but for a while.
func TestAlwaysAtIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}))
		w.rank, w.others = 1, 3
		n := Notice{Owner: owner, Incident: "i1", Kind: Down, Level: contact.Page}
		at := Receipt{Owner: owner, Key: n.Key(), Person: "ana", Step: "oncall", State: trying, At: core.At(w.at)}
		w.answers = map[core.MemberID][]Receipt{liar: {at, {Owner: "x.test", Key: n.Key()}}, other: nil}
		w.put(n)
		w.pass(70 * time.Second)
		w.expect()
		w.pass(15 * time.Second)
		w.expect("ana-mail Down")
		w.answers = map[core.MemberID][]Receipt{liar: nil}
		w.resolve()
		w.pass(14 * time.Minute)
		w.expect()
		w.answers[other] = nil // most of them have nothing to say
		w.pass(2 * time.Minute)
		w.expect("ana-mail Back")
	})
}
