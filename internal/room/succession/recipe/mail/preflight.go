package mail

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

var version = regexp.MustCompile(`(?m)^# ([0-9]+)\.([0-9]+)\.([0-9]+)`)

// tried refuses a Dovecot that no test was made with: CodeInvalid "succession.recipe.mail.version".
func (d dove) tried(ctx context.Context) error {
	text, err := d.say(ctx, "", "config", "-n")
	if err != nil {
		return err
	}
	v := version.FindStringSubmatch(text)
	if v == nil || v[1] != "2" || v[2] != "3" {
		return core.Invalid("succession.recipe.mail.version", errors.New("not 2.3")).With("Side", d.side.Name()).With("Version", strings.TrimPrefix(strings.Join(v, ""), "# "))
	}
	return nil
}

// servers looks at both servers, and changes nothing.
func (m outlook) servers(ctx context.Context, _ recipe.Work) error {
	if err := m.to.tried(ctx); err != nil {
		return err
	}
	if m.Probe != "" {
		if _, err := secret(m.ProbePassword); err != nil {
			return err
		}
	}
	if m.How == byIMAP {
		return nil
	}
	if err := m.sameFeatures(ctx); err != nil || m.How == byMaildir {
		return err
	}
	if err := m.from.tried(ctx); err != nil {
		return err
	}
	text, err := m.from.say(ctx, "", "config", "passdb")
	if err != nil {
		return err
	}
	if !denies(text, m.fromSide.Path(m.Old.Deny)) {
		return core.Invalid("succession.recipe.mail.deny", errors.New("no passdb with deny = yes")).With("File", m.Old.Deny)
	}
	return m.mta.ready(ctx)
}

// denies says whether the first passdb denies who stands in a file.
func denies(config, file string) bool {
	first, _, _ := strings.Cut(config, "\n}")
	args, deny := false, false
	for line := range strings.Lines(first) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch key {
		case "args":
			args = slices.Contains(strings.Fields(value), file)
		case "deny":
			deny = value == "yes"
		}
	}
	return args && deny
}

// sameFeatures refuses a new server that would lose filters or rights: CodeInvalid
// "succession.recipe.mail.feature".
func (m outlook) sameFeatures(ctx context.Context) error {
	for _, name := range []string{"plugin/sieve", "plugin/acl", "mail_attribute_dict"} {
		old, err := m.from.setting(ctx, name)
		if err != nil {
			return err
		}
		now, err := m.to.setting(ctx, name)
		if err != nil {
			return err
		}
		if old != "" && now == "" {
			return core.Invalid("succession.recipe.mail.feature", errors.New(name)).With("Setting", name)
		}
	}
	return nil
}

// preflight looks at one mailbox on both sides, and says how many bytes it has.
func (m outlook) preflight(ctx context.Context, w recipe.Work) error {
	target := m.target(w.Unit)
	if m.How != byIMAP {
		bytes, err := m.from.size(ctx, w.Unit)
		if err != nil {
			return err
		}
		w.Say(0, bytes)
	}
	if m.accounts() {
		hash, err := dove{side: m.fromSide}.hashOf(ctx, m.Old.Users, w.Unit, m.Old.Scheme)
		if err != nil {
			return err
		}
		if hash == "" {
			return core.Invalid("succession.recipe.mail.unknown", errors.New("not in the passwd-file")).With("Side", m.fromSide.Name()).With("User", w.Unit)
		}
		if err := m.to.knows(ctx, hash); err != nil {
			return err
		}
	}
	known, err := m.to.exists(ctx, target)
	switch {
	case err != nil:
		return err
	case !known && m.New.Users == "":
		return core.Invalid("succession.recipe.mail.unknown", errors.New("no such user")).With("Side", m.toSide.Name()).With("User", target)
	case !known || marked(w, "copied", w.Unit):
		return nil // its room is looked at when it is copied
	}
	return m.to.untouched(ctx, target)
}

// untouched refuses a mailbox that has mail: CodeConflict "succession.recipe.mail.touched".
func (d dove) untouched(ctx context.Context, user string) error {
	text, err := d.say(ctx, user, "-f", "tab", "mailbox", "status", "-u", user, "-t", "messages", "*")
	if err != nil {
		return err
	}
	if n := number(text); n != 0 {
		return core.Conflict("succession.recipe.mail.touched", fmt.Errorf("%d messages", n)).With("User", user)
	}
	return nil
}

// number is the last number of the last row.
func number(text string) int64 {
	list := rows(text)
	if len(list) == 0 {
		return 0
	}
	last := list[len(list)-1]
	n, _ := strconv.ParseInt(last[len(last)-1], 10, 64) // "-" = none
	return n
}
