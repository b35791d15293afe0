package alert

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

func TestChecks(t *testing.T) {
	tn := newTown(t, a)
	n, ctx := tn.nodes[a], t.Context()
	if f, err := (checks{n.Service}).checkPeople(ctx); err != nil || !f.Unknown {
		t.Error(f, err)
	}
	if err := n.Test(ctx, ""); core.CodeOf(err) != core.CodeNotFound || !strings.Contains(err.Error(), "plan is empty") {
		t.Error(err)
	}
	ok(t, n.AddPerson(ctx, contact.Person{ID: "ana", Name: "Ana", Lang: "fr"}))
	if _, err := (checks{n.Service}).checkPeople(ctx); err == nil {
		t.Error("nobody has a channel")
	}
	_, err := n.AddChannel(ctx, "ana", contact.Channel{Kind: contact.Mail, Address: "ana@mail.chaton-a.test"}, false)
	ok(t, err)
	keyOf := func(err error) string {
		if e, is := errors.AsType[*core.Error](err); is {
			return e.Key
		}
		return ""
	}
	if err := (checks{n.Service}).checkReach(ctx); keyOf(err) != "watch.alert.own_channels" {
		t.Error(err)
	}
	_, err = n.AddChannel(ctx, "ana", contact.Channel{Kind: contact.XMPP, Address: "ana@elsewhere.test"}, true)
	ok(t, err)
	if err := (checks{n.Service}).checkReach(ctx); keyOf(err) != "watch.alert.unset_channels" {
		t.Error(err)
	}
	ok(t, n.Tell(ctx, delivery.Notice{Owner: a, Incident: "i", Kind: delivery.Backup, At: core.At(tn.clock())}))
	tn.pass(30 * time.Second)
	if err := (checks{n.Service}).checkFailed(ctx); keyOf(err) != "watch.alert.stuck" {
		t.Error(err)
	}
	// One that arrives later shows that it was mended.
	n.n.Channels.XMPP.JID = "us@elsewhere.test"
	ok(t, n.RemoveChannel(ctx, "ana", "xmpp"))
	_, err = n.AddChannel(ctx, "ana", contact.Channel{Kind: contact.Webhook, Address: tn.hook}, true)
	ok(t, err)
	ok(t, n.Test(ctx, "ana"))
	tn.pass(30 * time.Second)
	ok(t, checks{n.Service}.checkFailed(ctx))
}
