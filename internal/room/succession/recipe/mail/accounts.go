package mail

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// line is one of a passwd-file: "user:{SCHEME}hash:uid:gid:gecos:home:shell:extra".
type line struct{ User, Hash string }

// passwd reads a passwd-file; lines that are not of a user are left out.
func passwd(text string) []line {
	var list []line
	for raw := range strings.Lines(text) {
		raw = strings.TrimRight(raw, "\r\n")
		if raw == "" || strings.HasPrefix(raw, "#") {
			continue
		}
		fields := strings.Split(raw, ":")
		l := line{User: fields[0]}
		if len(fields) > 1 {
			l.Hash = fields[1]
		}
		list = append(list, l)
	}
	return list
}

var scheme = regexp.MustCompile(`^\{([A-Za-z0-9-]+)(\.(?i:hex|b64|base64))?\}`)

// scheme is the name of a hash's scheme in capitals; "" = the line does not say, and Dovecot takes its
// default.
func (l line) scheme() string {
	if m := scheme.FindStringSubmatch(l.Hash); m != nil {
		return strings.ToUpper(m[1])
	}
	return ""
}

// with puts a user's hash into lines of a passwd-file, in place of the user's own; hash "" takes the user
// out.
func with(lines []string, user, hash string) []string {
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, user+":") || l == user })
	switch {
	case hash == "" && at >= 0:
		return slices.Delete(lines, at, at+1)
	case hash == "":
		return lines
	case at < 0:
		return append(lines, user+":"+hash+"::::::")
	}
	fields := strings.SplitN(lines[at], ":", 3)
	rest := ":::::"
	if len(fields) == 3 {
		rest = fields[2]
	}
	lines[at] = user + ":" + hash + ":" + rest
	return lines
}

// hashOf is a user's hash in the passwd-file of a side, with its scheme; "" = there is no such user. A line
// without a scheme has the one named.
func (d dove) hashOf(ctx context.Context, file, user, otherwise string) (string, error) {
	text, err := read(ctx, d.side, file)
	if err != nil {
		return "", err
	}
	for _, l := range passwd(text) {
		switch {
		case l.User != user || l.Hash == "":
		case l.scheme() == "":
			return "{" + otherwise + "}" + l.Hash, nil
		default:
			return l.Hash, nil
		}
	}
	return "", nil
}

var errScheme = errors.New("a scheme of password hashes that the new server does not know")

// knows refuses a hash that this side cannot check: CodeInvalid "succession.recipe.mail.scheme".
func (d dove) knows(ctx context.Context, hash string) error {
	text, err := d.say(ctx, "", "pw", "-l")
	if err != nil {
		return err
	}
	if name := (line{Hash: hash}).scheme(); !slices.Contains(strings.Fields(text), name) {
		return core.Invalid("succession.recipe.mail.scheme", errScheme).With("Scheme", name)
	}
	return nil
}

// bring gives the targets the old password hashes. What they had before, if they were there, is noted
// first. It waits until the new server knows them: Dovecot looks once a second whether the file changed.
func (m arrival) bring(ctx context.Context, w recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	hashes := map[string]string{}
	for _, unit := range units {
		if hashes[unit], err = (dove{side: m.fromSide}).hashOf(ctx, m.Old.Users, unit, m.Old.Scheme); err != nil {
			return err
		}
		if marked(w, "before", unit) {
			continue
		}
		before, err := m.to.hashOf(ctx, m.New.Users, m.target(unit), m.Old.Scheme)
		if err != nil {
			return err
		}
		if err := keep(w, "before", unit, before); err != nil {
			return err
		}
	}
	if err := m.setHashes(ctx, hashes); err != nil {
		return err
	}
	for _, unit := range units {
		if err := m.to.await(ctx, m.target(unit)); err != nil {
			return err
		}
	}
	return nil
}

// leave gives the targets back what they had.
func (m arrival) leave(ctx context.Context, w recipe.Work) error {
	units, err := m.Units(ctx)
	if err != nil {
		return err
	}
	hashes := map[string]string{}
	for _, unit := range units {
		before, ok, err := kept[string](w, "before", unit)
		if err != nil {
			return err
		}
		if ok {
			hashes[unit] = before
		}
	}
	if err := m.setHashes(ctx, hashes); err != nil {
		return err
	}
	for _, unit := range units {
		if err := unmark(w, "before", unit); err != nil {
			return err
		}
	}
	return nil
}

// setHashes writes hashes into the new server's file; "" takes a user out.
func (m arrival) setHashes(ctx context.Context, hashes map[string]string) error {
	if len(hashes) == 0 {
		return nil
	}
	targets := []string{}
	err := edit(ctx, m.toSide, m.New.Users, func(lines []string) []string {
		for _, unit := range slices.Sorted(maps.Keys(hashes)) {
			targets = append(targets, m.target(unit))
			lines = with(lines, m.target(unit), hashes[unit])
		}
		return lines
	})
	if err != nil {
		return err
	}
	return m.to.flush(ctx, targets)
}

// await waits until the server knows a user.
func (d dove) await(ctx context.Context, user string) error {
	for range 20 {
		known, err := d.exists(ctx, user)
		if err != nil || known {
			return err
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return core.Invalid("succession.recipe.mail.unknown", errors.New("not after its line was written")).With("Side", d.side.Name()).With("User", user)
}

// accounts says whether password hashes move.
func (m *move) accounts() bool {
	return m.Old.Users != "" && m.New.Users != "" && m.How != byIMAP
}
