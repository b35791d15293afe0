package delivery

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/migrations"
)

// A member that looks at nothing of ours says, under our notice's name, that somebody looks
// after it and that it was sent: nobody believes it, and what a voter says still counts.
func TestReceiptsOfAnotherOwner(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, mailer("ana", contact.Quiet{}), mailer("bob", contact.Quiet{}))
		n := Notice{Owner: owner, Incident: "i1", Kind: Down, Level: contact.Page}
		for _, step := range []string{"ack", "oncall"} {
			state := map[string]string{"ack": "ack", "oncall": "sent"}[step]
			r := Receipt{Owner: "eve.test", Key: n.Key(), Person: "ana", Step: step, State: state, At: core.At(w.at)}
			if err := w.q.Receive(t.Context(), "eve.test", r); err != nil {
				t.Fatal(err)
			}
		}
		w.rank = 1
		w.put(n)
		r := Receipt{Owner: owner, Key: n.Key(), Person: "ana", Step: "oncall", State: "sent", At: core.At(w.at)}
		if err := w.q.Receive(t.Context(), owner, r); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.expect("bob-mail Down")
		if all, err := w.q.Recent(t.Context(), 0, 9); err != nil || all[0].Acked != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// slowSender is one that other hosters' channels make wait.
type slowSender struct {
	*world

	calls map[string]int
}

func (s *slowSender) Send(ctx context.Context, to contact.Channel, m channel.Message) error {
	s.mu.Lock()
	s.calls[string(m.Owner)]++
	s.mu.Unlock()
	if m.Owner != owner {
		return &channel.SendError{Why: "refused"}
	}
	return s.world.Send(ctx, to, m)
}

// A member whose plan names fifty strangers, and whose thousand services fall every minute,
// has us call them a bounded number of times; our own people are told at once beside it.
func TestPlanOfAFlooder(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	w := newWorld(t, d, mailer("ana", contact.Quiet{}))
	eve := contact.Plan{Owner: "eve.test", At: 1}
	for i := range 50 {
		p := mailer(fmt.Sprintf("p%d", i), contact.Quiet{})
		for c := range 7 {
			p.Channels = append(p.Channels, hook(fmt.Sprintf("h%d", c), "https://victim.test/"))
		}
		eve.People = append(eve.People, p)
	}
	slow := &slowSender{w, map[string]int{}}
	w.q.n.Sender = slow
	w.q.n.Plan = func(_ context.Context, o core.MemberID) (contact.Plan, bool, error) {
		return map[core.MemberID]contact.Plan{owner: w.plan, "eve.test": eve}[o], true, nil
	}
	w.q.n.Rank = func(_ context.Context, o core.MemberID) (int, error) { return strings.Count(string(o), "eve"), nil }
	for i := range 60 {
		n := Notice{Owner: "eve.test", Incident: fmt.Sprintf("e%d", i), Kind: Down, Services: []string{"Win money at https://eve.test"}, At: core.At(w.at)}
		if err := w.q.Put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Minute)
	w.put(Notice{Kind: Down})
	w.pass(5 * time.Second)
	w.expect("ana-mail Down")
	w.pass(time.Hour)
	if got := slow.calls["eve.test"]; got > 300 || got < 50 {
		t.Errorf("%d calls within an hour", got)
	}
}
