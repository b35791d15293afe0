package mail

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Steps are what is done, in order.
func (m *move) Steps() []recipe.Step {
	freezes := m.How == byDovecot
	list := []recipe.Step{
		{Name: "servers", Phase: recipe.Preflight, Do: outlook{m}.servers},
		{Name: "mailboxes", Phase: recipe.Preflight, Each: true, Do: outlook{m}.preflight},
	}
	if m.accounts() {
		list = append(list, recipe.Step{Name: "accounts", Phase: recipe.Copy, Do: arrival{m}.bring, Undo: arrival{m}.leave})
	}
	list = append(list, recipe.Step{Name: "copy", Phase: recipe.Copy, Each: true, Do: arrival{m}.copy, Undo: arrival{m}.empty})
	if freezes {
		list = append(list,
			recipe.Step{Name: "hold", Phase: recipe.Freeze, Do: freeze{m}.hold, Undo: freeze{m}.release},
			recipe.Step{Name: "deny", Phase: recipe.Freeze, Do: freeze{m}.deny, Undo: freeze{m}.admit})
	}
	if m.How != byMaildir {
		list = append(list, recipe.Step{Name: "last", Phase: recipe.Last, Each: true, Do: arrival{m}.last})
	}
	if m.Roundcube.Database != "" {
		list = append(list, recipe.Step{Name: "webmail", Phase: recipe.Last, Do: webmail{m}.renameHost, Undo: webmail{m}.renameBack})
	}
	list = append(list, recipe.Step{Name: "rules", Phase: recipe.Compare, Each: true, Do: proof{m}.rules})
	if len(m.Old.Aliases) > 0 {
		list = append(list, recipe.Step{Name: "aliases", Phase: recipe.Compare, Do: proof{m}.sameAliases})
	}
	if m.DKIM.Selector != "" {
		list = append(list, recipe.Step{Name: "dkim", Phase: recipe.Compare, Do: proof{m}.selector})
	}
	if m.Probe != "" {
		list = append(list, recipe.Step{Name: "login", Phase: recipe.Login, Do: proof{m}.login})
		if m.New.SMTP != "" {
			list = append(list, recipe.Step{Name: "deliver", Phase: recipe.Deliver, Do: proof{m}.deliver})
		}
	}
	if freezes {
		list = append(list, recipe.Step{Name: "relay", Phase: recipe.Cut, Do: freeze{m}.cut})
		if m.Probe != "" && m.Old.SMTP != "" {
			list = append(list, recipe.Step{Name: "relayed", Phase: recipe.After, Do: proof{m}.relayed})
		}
	}
	return list
}

// through are the words that reach a mailbox at the old server from the doveadm of the new one.
func (m arrival) through(user string) []string {
	switch {
	case m.How == byMaildir:
		return append(m.from.args(user), "dsync-server", "-u", user)
	case len(m.Old.Through) == 1:
		return m.Old.Through
	}
	var words []string
	for _, w := range m.Old.Through {
		if strings.Contains(w, "{user}") && filepath.Base(m.Old.Through[0]) == "ssh" {
			w = strings.ReplaceAll(w, "{user}", "'"+strings.ReplaceAll(user, "'", `'\''`)+"'") // a shell reads it over there
		}
		words = append(words, filled(w, user))
	}
	return words
}

// copy makes the mailbox at the new server the same as the old one is now.
func (m arrival) copy(ctx context.Context, w recipe.Work) error {
	if !marked(w, "whole", w.Unit) {
		if err := m.fits(ctx, w.Unit); err != nil {
			return err
		}
	}
	if err := mark(w, "copied", w.Unit); err != nil {
		return err
	}
	if err := mark(w, "copying", w.Unit); err != nil {
		return err
	}
	var err error
	switch m.How {
	case byIMAP:
		err = m.imapc(ctx, w.Unit, "backup")
	default:
		_, err = m.to.say(ctx, m.target(w.Unit), append([]string{"backup", "-R", "-u", m.target(w.Unit)}, m.through(w.Unit)...)...)
	}
	if err != nil {
		return err
	}
	return mark(w, "whole", w.Unit)
}

// empty takes away what copy brought: the target was empty before, preflight saw to that.
func (m arrival) empty(ctx context.Context, w recipe.Work) error {
	if !marked(w, "copied", w.Unit) {
		return nil
	}
	user := m.target(w.Unit)
	if known, err := m.to.exists(ctx, user); err != nil || !known {
		return err
	}
	list, err := m.to.say(ctx, user, "mailbox", "list", "-u", user)
	if err != nil {
		return err
	}
	folders := strings.Split(strings.TrimRight(list, "\n"), "\n")
	slices.SortFunc(folders, func(a, b string) int { return len(b) - len(a) }) // children first
	for _, name := range folders {
		if name == "" || name == "INBOX" {
			continue
		}
		if _, err := m.to.say(ctx, user, "mailbox", "delete", "-s", "-u", user, name); err != nil && !gone(err) {
			return err
		}
	}
	if _, err := m.to.say(ctx, user, "expunge", "-u", user, "mailbox", "INBOX", "all"); err != nil && !gone(err) {
		return err
	}
	if err := m.to.withoutRules(ctx, user); err != nil {
		return err
	}
	return errors.Join(unmark(w, "whole", w.Unit), unmark(w, "copied", w.Unit))
}

// gone says whether doveadm did not find what was to be deleted (EX_NOTFOUND, or a folder that only has
// others below it).
func gone(err error) bool {
	text := err.Error()
	return strings.Contains(text, "exit status 68") || strings.Contains(text, "doesn't exist") || strings.Contains(text, "NOTFOUND")
}

// withoutRules deletes a user's Sieve scripts.
func (d dove) withoutRules(ctx context.Context, user string) error {
	if set, err := d.setting(ctx, "plugin/sieve"); err != nil || set == "" {
		return err
	}
	listed, err := d.say(ctx, user, "-f", "tab", "sieve", "list", "-u", user)
	if err != nil {
		return err
	}
	for _, row := range rows(listed) {
		if _, err := d.say(ctx, user, "sieve", "delete", "-a", "-u", user, row[0]); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// exists says whether the server knows a user.
func (d dove) exists(ctx context.Context, user string) (bool, error) {
	_, err := d.say(ctx, user, "user", "-f", "home", user)
	if err != nil && (strings.Contains(err.Error(), "exit status 67") || strings.Contains(err.Error(), "doesn't exist")) {
		return false, nil
	}
	return err == nil, err
}

// last brings what came since the copy, and takes note of where the old mailbox stood before. It never
// deletes what only the new server has.
func (m arrival) last(ctx context.Context, w recipe.Work) error {
	if m.How == byIMAP {
		return m.imapc(ctx, w.Unit, "sync", "-1")
	}
	stood, err := glance(ctx, inside{m.from, w.Unit})
	if err != nil {
		return err
	}
	if err := keep(w, "stood", w.Unit, stood); err != nil {
		return err
	}
	user, how := m.target(w.Unit), []string{"sync", "-1"}
	if marked(w, tested, w.Unit) {
		how = []string{"backup"} // a test letter was there, or is; nothing else came to the new server
	}
	_, err = m.to.say(ctx, user, append(append(how, "-R", "-u", user), m.through(w.Unit)...)...)
	return err
}

// rules has the new server read the active filter of a mailbox: CodeConflict
// "succession.recipe.mail.rules".
func (m proof) rules(ctx context.Context, w recipe.Work) error {
	user := m.target(w.Unit)
	if set, err := m.to.setting(ctx, "plugin/sieve"); err != nil || set == "" {
		return err
	}
	listed, err := m.to.say(ctx, user, "-f", "tab", "sieve", "list", "-u", user)
	if err != nil {
		return err
	}
	for _, row := range rows(listed) {
		if len(row) > 1 && row[1] == "ACTIVE" {
			if _, err := m.to.say(ctx, user, "sieve", "activate", "-u", user, row[0]); err != nil {
				return core.Conflict("succession.recipe.mail.rules", err).With("User", w.Unit)
			}
		}
	}
	return nil
}

// file is the name of a note about a mailbox; no name of a person is in it.
func file(w recipe.Work, kind, user string) string { return filepath.Join(w.Dir, kind+"-"+sum(user)) }

// mark notes that something was begun, so that it is on disk before.
func mark(w recipe.Work, kind, user string) error { return keep(w, kind, user, true) }

func marked(w recipe.Work, kind, user string) bool {
	_, err := os.Stat(file(w, kind, user))
	return err == nil
}

// between is how long it was from one mark to another; 0 = one is missing.
func between(w recipe.Work, from, to, user string) time.Duration {
	a, errA := os.Stat(file(w, from, user))
	b, errB := os.Stat(file(w, to, user))
	if errA != nil || errB != nil {
		return 0
	}
	return max(b.ModTime().Sub(a.ModTime()), 0)
}

func unmark(w recipe.Work, kind, user string) error {
	err := os.Remove(file(w, kind, user))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keep notes a value.
func keep(w recipe.Work, kind, user string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return disk.Replace(file(w, kind, user), text)
}

// kept reads it again; ok = there is one.
func kept[T any](w recipe.Work, kind, user string) (value T, ok bool, err error) {
	text, err := os.ReadFile(file(w, kind, user))
	if errors.Is(err, fs.ErrNotExist) {
		return value, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	return value, err == nil, err
}
