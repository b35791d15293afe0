package mail

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// holding is a transport that defer_transports names: qmgr(8) takes its mail, and keeps it. With "retry",
// which is there already, smtpd(8) turns senders away, and they come again when they like.
const holding = "moving"

// held is the reason that qmgr notes of such mail.
const held = "deferred transport"

// postfix is the Postfix of a side.
type postfix struct {
	side   recipe.Side
	config string // the folder of main.cf
	table  string // "type:file" of ours in transport_maps
}

func (p postfix) say(ctx context.Context, program string, more ...string) (string, error) {
	return recipe.Output(ctx, p.side, recipe.Command{Args: append([]string{program, "-c", p.config}, more...)})
}

// route has the table say this of these mailboxes, whatever it said of them; nil = nothing. Postfix is told
// at once.
func (p postfix) route(ctx context.Context, users []string, to func(user string) string) error {
	kind, name, _ := strings.Cut(p.table, ":")
	if err := edit(ctx, p.side, name, func(lines []string) []string { return routed(lines, users, to) }); err != nil {
		return err
	}
	// Also when nothing changed: it may have broken off before Postfix was told.
	if slices.Contains([]string{"hash", "btree", "lmdb", "cdb"}, kind) {
		if _, err := p.say(ctx, "postmap", kind+":"+p.side.Path(name)); err != nil {
			return err
		}
	}
	_, err := p.say(ctx, "postfix", "reload")
	return err
}

// routed changes the lines of a transport table.
func routed(lines, users []string, to func(user string) string) []string {
	mine := map[string]bool{}
	for _, u := range users {
		mine[strings.ToLower(u)] = true
	}
	lines = slices.DeleteFunc(lines, func(line string) bool {
		fields := strings.Fields(line)
		return len(fields) > 0 && mine[strings.ToLower(fields[0])]
	})
	if to == nil {
		return lines
	}
	for _, u := range users {
		lines = append(lines, u+" "+to(u))
	}
	return lines
}

// queued is a message in the queue, as postqueue -j says it.
type queued struct {
	Queue      string `json:"queue_name"`
	ID         string `json:"queue_id"`
	Recipients []struct {
		Address string `json:"address"`
		Reason  string `json:"delay_reason"`
	} `json:"recipients"`
}

// queue lists the messages for these mailboxes.
func (p postfix) queue(ctx context.Context, users []string) ([]queued, error) {
	text, err := p.say(ctx, "postqueue", "-j")
	if err != nil {
		return nil, err
	}
	return waiting(text, users)
}

// waiting picks messages for these mailboxes out of what postqueue -j printed.
func waiting(text string, users []string) ([]queued, error) {
	var list []queued
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var q queued
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return nil, core.Unsure("succession.recipe.mail.queue", err)
		}
		for i := 0; i < len(q.Recipients); {
			if !slices.ContainsFunc(users, func(u string) bool {
				return strings.EqualFold(u, q.Recipients[i].Address) || strings.EqualFold(u, plain(q.Recipients[i].Address))
			}) {
				q.Recipients = slices.Delete(q.Recipients, i, i+1)
				continue
			}
			i++
		}
		if len(q.Recipients) > 0 {
			list = append(list, q)
		}
	}
	return list, lines.Err()
}

// plain takes an extension off an address: anna+lists@x is anna@x.
func plain(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	if !ok {
		return local
	}
	return local + "@" + domain
}

// settle waits until none of what Postfix has for these mailboxes can still be on its way into them: it
// is gone, or was put back because of us. What comes meanwhile is put back. It is waited for twice, as
// "postfix reload" does not wait for its processes.
func (p postfix) settle(ctx context.Context, users []string) error {
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for range 2 {
		list, err := p.queue(ctx, users)
		if err != nil {
			return err
		}
		open := map[string]bool{}
		for _, q := range list {
			open[q.ID] = q.moving()
		}
		for slices.ContainsFunc(list, func(q queued) bool { return open[q.ID] && q.moving() }) {
			if err := pause(ctx, 200*time.Millisecond); err != nil {
				return core.Conflict("succession.recipe.mail.unsettled", err).With("Count", len(list))
			}
			if list, err = p.queue(ctx, users); err != nil {
				return err
			}
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// pause waits, or answers why ctx ended.
func pause(ctx context.Context, long time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(long):
		return nil
	}
}

const settleFor = 2 * time.Minute

// moving says whether a delivery of it may be under way.
func (q queued) moving() bool {
	for _, r := range q.Recipients {
		if !strings.Contains(r.Reason, held) && q.Queue != "hold" {
			return true
		}
	}
	return false
}

// again has Postfix try at once what it put back because of us: by postqueue -i, or by postsuper -r.
func (p postfix) again(ctx context.Context, users []string, program, option string) error {
	list, err := p.queue(ctx, users)
	if err != nil {
		return err
	}
	for _, q := range list {
		if _, err := p.say(ctx, program, option, q.ID); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// ready says what has to be changed before a freeze, CodeInvalid "succession.recipe.mail.postfix".
func (p postfix) ready(ctx context.Context) error {
	wrong := func(what string) error {
		return core.Invalid("succession.recipe.mail.postfix", fmt.Errorf("%s: %s", p.side.Name(), what)).With("Side", p.side.Name()).With("What", what)
	}
	maps, err := p.say(ctx, "postconf", "-xh", "transport_maps")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(strings.Join(strings.Fields(strings.ReplaceAll(maps, ",", " ")), " "), " ")
	if first != p.table {
		return wrong("transport_maps = " + p.table + ", ...")
	}
	deferred, err := p.say(ctx, "postconf", "-xh", "defer_transports")
	if err != nil {
		return err
	}
	if !slices.Contains(strings.FieldsFunc(deferred, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }), holding) {
		return wrong("defer_transports = " + holding)
	}
	master, err := p.say(ctx, "postconf", "-M", holding+"/unix")
	if err != nil {
		return err
	}
	if !strings.Contains(master, holding) {
		return wrong("master.cf: " + holding + " unix - - y - - lmtp")
	}
	if _, name, _ := strings.Cut(p.table, ":"); path.Dir(name) == "/" {
		return wrong(p.table)
	}
	return nil
}

// expansion is what an alias table says of an address, "" = nothing.
func (p postfix) expansion(ctx context.Context, tables []string, address string) (string, error) {
	for _, t := range tables {
		// It ends with 1, and says nothing, where the table has no such line.
		c := recipe.Shell(`postmap -c "$1" -q "$2" "$3" || test $? = 1`, p.config, address, t)
		text, err := recipe.Output(ctx, p.side, c)
		if err != nil || text != "" {
			return strings.TrimSpace(text), err
		}
	}
	return "", nil
}
