package mail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// Longest is how long a mailbox may not be writable.
const Longest = 5 * time.Minute

// hold has the old Postfix keep what comes for these mailboxes, and waits until nothing is on its way
// into them. It refuses, CodeConflict "succession.recipe.mail.long", more mailboxes than can be done in
// Longest, by what copying them again took: the last pass and the comparison take about that.
func (m freeze) hold(ctx context.Context, w recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	if err := m.soon(w, units); err != nil {
		return err
	}
	if !marked(w, "frozen", "") {
		if err := mark(w, "frozen", ""); err != nil {
			return err
		}
	}
	if err := m.mta.route(ctx, units, func(string) string { return holding + ":" }); err != nil {
		return err
	}
	return m.mta.settle(ctx, units)
}

// soon adds up what the newest pass over each mailbox took.
func (m freeze) soon(w recipe.Work, units []string) error {
	var all time.Duration
	for _, unit := range units {
		all += 2 * between(w, "copying", "whole", unit)
	}
	if all > Longest {
		return core.Conflict("succession.recipe.mail.long", fmt.Errorf("%s", all)).With("Count", len(units)).With("Minutes", int(all/time.Minute)+1)
	}
	return nil
}

// release has Postfix deliver again as before, and at once what it held.
func (m freeze) release(ctx context.Context, w recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	if err := m.mta.route(ctx, units, nil); err != nil {
		return err
	}
	if err := m.mta.again(ctx, units, "postqueue", "-i"); err != nil {
		return err
	}
	return unmark(w, "frozen", "")
}

// deny keeps people out of these mailboxes at the old server, and waits until those who are in are out.
func (m freeze) deny(ctx context.Context, _ recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	err = edit(ctx, m.fromSide, m.Old.Deny, func(lines []string) []string {
		for _, u := range units {
			if !slices.Contains(lines, u) {
				lines = append(lines, u)
			}
		}
		return lines
	})
	if err != nil {
		return err
	}
	if err := m.from.flush(ctx, units); err != nil {
		return err
	}
	return m.from.out(ctx, units)
}

// admit lets people in again.
func (m freeze) admit(ctx context.Context, _ recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	err = edit(ctx, m.fromSide, m.Old.Deny, func(lines []string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return slices.Contains(units, l) })
	})
	if err != nil {
		return err
	}
	return m.from.flush(ctx, units)
}

// flush has Dovecot forget who signed in.
func (d dove) flush(ctx context.Context, users []string) error {
	_, err := d.say(ctx, "", append([]string{"auth", "cache", "flush"}, users...)...)
	return err
}

// out ends the connections of users, and waits until they are gone. Dovecot looks whether a passwd-file
// changed once a second (db-passwd-file.c), so who came in before it saw the deny file is ended too: nobody
// may be there for two seconds.
func (d dove) out(ctx context.Context, users []string) error {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for quiet := 0; quiet < 8; {
		text, err := d.say(ctx, "", "-f", "tab", "who")
		if err != nil {
			return err
		}
		quiet++
		for _, row := range rows(text) {
			if !slices.Contains(users, row[0]) {
				continue
			}
			quiet = 0
			if _, err := d.say(ctx, row[0], "kick", row[0]); err != nil && !gone(err) {
				return err
			}
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return core.Conflict("succession.recipe.mail.inside", err)
		}
	}
	return nil
}

var errLate = errors.New("the old mailbox changed after the last pass")

// cut sends what comes for these mailboxes to the new server, also what was held. It refuses, CodeConflict
// "succession.recipe.mail.late", when an old mailbox is not as the last pass found it.
func (m freeze) cut(ctx context.Context, w recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	for i, unit := range units {
		stood, ok, err := kept[map[string][2]uint32](w, "stood", unit)
		if err != nil {
			return err
		}
		now, err := glance(ctx, inside{m.from, unit})
		if err != nil {
			return err
		}
		if !ok || !maps.Equal(stood, now) {
			return core.Conflict("succession.recipe.mail.late", errLate).With("User", unit)
		}
		w.Say(int64(i+1), int64(len(units)))
	}
	if err := m.relay(ctx, units); err != nil {
		return err
	}
	if marked(w, "cut", "") {
		return nil // it was cut before
	}
	return mark(w, "cut", "")
}

// Closed is how long the mailboxes of a move were not writable, from the notes in its folder; 0 = it
// was not cut.
func Closed(dir string) time.Duration {
	return between(recipe.Work{Dir: dir}, "frozen", "cut", "")
}

// relay writes where each mailbox is now, and sends on what was held: to the same address at another
// server, or to another address.
func (m freeze) relay(ctx context.Context, units []string) error {
	if len(m.Addresses) == 0 {
		if err := m.mta.route(ctx, units, func(string) string { return m.New.Relay }); err != nil {
			return err
		}
		return m.mta.again(ctx, units, "postqueue", "-i")
	}
	forward := m.mta
	forward.table = m.Old.Forward
	if err := forward.route(ctx, units, m.target); err != nil {
		return err
	}
	if err := m.mta.route(ctx, units, nil); err != nil {
		return err
	}
	return m.mta.again(ctx, units, "postsuper", "-r") // their addresses are looked up anew
}
