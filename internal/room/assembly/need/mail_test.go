package need

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
)

// An address gets one question, and answers once its owner pressed the button.
func TestOnlyAConfirmedAddressIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, token := w.tell("A calendar", "Ana.Planted@Elsewhere.test")
		if got := w.deliver(); got != planted+": Your need, at chaton-a.test: to confirm" {
			t.Fatal(got)
		}
		claim, sig := mailed(w.sent[0])
		_, err := w.Publish(ctx, n.ID, "", "")
		w.ok(err)
		_, err = w.Answer(ctx, n.ID, Answer{State: Heard, Text: "We look into it."})
		w.ok(err)
		if got := w.deliver(); got != "" {
			t.Errorf("written to before it was confirmed: %s", got)
		}
		if err := w.Confirm(ctx, claim, "x"+sig[1:]); sig[0] != 'x' && core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a forged link: %v", err)
		}
		w.ok(w.Confirm(ctx, claim, sig))
		w.ok(w.Confirm(ctx, claim, sig))
		if got := w.deliver(); got != planted+": An answer to your need, from chaton-a.test" {
			t.Errorf("after the confirmation: %s", got)
		}
		if text := w.sent[0].Text; !strings.Contains(text, "We look into it.") || !strings.Contains(text, "https://chaton-a.test"+pathMine+token) {
			t.Errorf("the mail says: %s", text)
		}
		w.ok(w.ForgetAddress(ctx, n.ID))
		_, err = w.Answer(ctx, n.ID, Answer{State: NotUs, Text: "We are three people."})
		w.ok(err)
		if got := w.deliver(); got != "" {
			t.Errorf("written to after it was to be forgotten: %s", got)
		}
		if err := w.Confirm(ctx, claim, sig); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("a forgotten address is confirmed: %v", err)
		}
	})
}

func TestAddressesAreSealedAndForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, _ := w.tell("A calendar", planted)
		w.deliver()
		claim, sig := mailed(w.sent[0])
		w.ok(w.Confirm(ctx, claim, sig))
		_, err := w.Publish(ctx, n.ID, "", "")
		w.ok(err)
		row, err := get(ctx, w.n.DB, n.ID)
		w.ok(err)
		if len(row.address) == 0 || bytes.Contains(row.address, []byte("elsewhere")) {
			t.Errorf("the address lies open: %q", row.address)
		}
		mails, err := dueMails(ctx, w.n.DB, w.now(), 10)
		if err != nil || len(mails) != 1 || bytes.Contains(mails[0].sealed, []byte("elsewhere")) {
			t.Errorf("the mail lies open: %v, %v", mails, err)
		}
		_, err = w.Answer(ctx, n.ID, Answer{State: Done, Link: "https://chaton-a.test/agenda"})
		w.ok(err)
		for _, c := range []struct {
			after time.Duration
			has   bool
		}{{addressKept - time.Hour, true}, {2 * time.Hour, false}} {
			w.at = w.at.Add(c.after)
			w.ok(w.Forget(ctx))
			if n, err := w.Get(ctx, n.ID); err != nil || n.HasAddress != c.has {
				t.Errorf("after %v: %+v, %v", c.after, n, err)
			}
		}
	})
}

// An address that nobody confirms is somebody else's, perhaps: it is dropped with its link.
func TestAnUnconfirmedAddressIsDropped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		n, token := w.tell("A calendar", planted)
		w.at = w.at.Add(claimTime - time.Hour)
		w.ok(w.Forget(t.Context()))
		if n, err := w.Get(t.Context(), n.ID); err != nil || !n.HasAddress {
			t.Errorf("dropped before its time: %+v, %v", n, err)
		}
		w.at = w.at.Add(2 * time.Hour)
		w.ok(w.Forget(t.Context()))
		if n, err := w.Get(t.Context(), n.ID); err != nil || n.HasAddress {
			t.Errorf("kept: %+v, %v", n, err)
		}
		w.at = w.at.Add(10 * day)
		w.ok(w.GiveAddress(t.Context(), n.ID, token, planted, "203.0.113.0/24"))
		w.ok(w.Forget(t.Context()))
		if n, err := w.Get(t.Context(), n.ID); err != nil || !n.HasAddress {
			t.Errorf("typed again, and dropped at once: %+v, %v", n, err)
		}
	})
}

// "Me too" by mail counts when its owner presses the button, once, and leaves no address.
func TestMeTooByMail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n := w.published("A calendar")
		for _, typed := range []string{planted, "ana.planted+two@elsewhere.test"} {
			w.ok(w.AskAlso(ctx, n.ID, typed, "en", "203.0.113.0/24"))
			w.deliver()
			claim, sig := mailed(w.sent[0])
			w.ok(w.Confirm(ctx, claim, sig))
		}
		if n, err := w.Get(ctx, n.ID); err != nil || n.Voices != 1 {
			t.Errorf("one mailbox has %d voices, %v", n.Voices, err)
		}
		w.ok(w.AskAlso(ctx, n.ID, planted, "en", ""))
		w.deliver()
		late, sig := mailed(w.sent[0])
		w.at = w.at.Add(claimTime + time.Hour)
		if err := w.Confirm(ctx, late, sig); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("an old link: %v", err)
		}
		if err := w.AskAlso(ctx, n.ID, "no address", "en", ""); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("no address: %v", err)
		}
		w.off = true
		if err := w.AskAlso(ctx, n.ID, planted, "en", ""); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("no mail server: %v", err)
		}
	})
}

// A stranger's mailbox gets few questions, whoever types it.
func TestAMailboxIsNotFlooded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 10 {
			w.tell("A calendar", planted)
		}
		w.deliver()
		if len(w.sent) != perMailbox {
			t.Errorf("%d mails to somebody who asked for none", len(w.sent))
		}
	})
}

func TestAMailIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.tell("A calendar", planted)
		w.fail = errors.New("the server is busy")
		for range 2 * mailTries {
			w.deliver()
			w.at = w.at.Add(3 * time.Hour)
		}
		w.fail = nil
		if got := w.deliver(); got != "" {
			t.Errorf("tried for ever: %s", got)
		}
		w.tell("An agenda", planted)
		w.fail = errors.New("the server is busy")
		w.deliver()
		w.fail, w.at = nil, w.at.Add(2*time.Minute)
		if got := w.deliver(); !strings.HasPrefix(got, planted) {
			t.Errorf("not tried again: %q", got)
		}
		if got := w.deliver(); got != "" {
			t.Errorf("sent twice: %s", got)
		}
	})
}

// Who floods "me too" takes nothing from the questions to those who told a need.
func TestVoicesLeaveRoomForNeeds(t *testing.T) {
	w := newVisitor(t).world
	n := w.published("A calendar")
	for i := range perNode + 1 {
		w.ok(w.AskAlso(t.Context(), n.ID, fmt.Sprintf("somebody%d@elsewhere.test", i), "en", fmt.Sprintf("198.51.%d.0/24", i/20)))
	}
	mails, err := dueMails(t.Context(), w.n.DB, w.now(), 2*perNode)
	if err != nil || len(mails) != perNode {
		t.Fatalf("%d mails for voices, %v", len(mails), err)
	}
	n, _ = w.tell("An agenda", planted)
	if list, err := mailsOf(t.Context(), w.n.DB, n.ID); err != nil || len(list) != 1 {
		t.Errorf("its author is not asked: %v, %v", list, err)
	}
}

// Who was put together with another is answered as the other is, and their address is kept as
// long.
func TestAMergedNeedIsAnsweredWithTheOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		n, _ := w.tell("An agenda", planted)
		w.deliver()
		claim, sig := mailed(w.sent[0])
		_, err := w.Publish(ctx, n.ID, "", "")
		w.ok(err)
		other := w.published("A calendar")
		_, err = w.Merge(ctx, n.ID, other.ID)
		w.ok(err)
		_, err = w.Answer(ctx, other.ID, Answer{State: Done, Link: "https://chaton-a.test/agenda"})
		w.ok(err)
		w.ok(w.Confirm(ctx, claim, sig))
		if got := w.deliver(); !strings.Contains(got, "An answer to your need") {
			t.Errorf("told on confirming: %q", got)
		}
		for _, c := range []struct {
			after time.Duration
			has   bool
		}{{addressKept - time.Hour, true}, {2 * time.Hour, false}} {
			w.at = w.at.Add(c.after)
			w.ok(w.Forget(ctx))
			if n, err := w.Get(ctx, n.ID); err != nil || n.HasAddress != c.has {
				t.Errorf("after %v: %+v, %v", c.after, n, err)
			}
		}
	})
}
