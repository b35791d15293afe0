package mail

import (
	"context"
	"embed"
	"slices"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// Recipe is how mailboxes move.
type Recipe struct{}

var _ recipe.Recipe = Recipe{}

// About says what was tried.
func (Recipe) About() recipe.About {
	return recipe.About{
		Name: "mail", Programs: []string{"dovecot", "postfix", "roundcube"}, Tried: recipe.With,
		Versions: "Dovecot 2.3.19, Postfix 3.7.11, Roundcube 1.6.5", Settings: example,
	}
}

// Read reads settings. Returns CodeInvalid "succession.recipe.settings".
func (Recipe) Read(text []byte) (recipe.Move, error) {
	var s settings
	if err := recipe.ReadSettings(text, &s); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	from, to, err := s.Open()
	if err != nil {
		return nil, err
	}
	m := &move{settings: s, fromSide: from, toSide: to, to: dove{to, s.New.Doveadm}, from: dove{from, s.Old.Doveadm}}
	m.mta = postfix{from, s.Old.Postfix, s.Old.Transport}
	if s.How == byMaildir {
		// The new server's doveadm reads the folders of the backup, which are on this machine.
		m.from = dove{to, append(slices.Clone(s.New.Doveadm), m.restored()...)}
	}
	return m, nil
}

// move is mailboxes that move.
type move struct {
	settings

	fromSide, toSide recipe.Side
	from, to         dove
	mta              postfix // of the old server
}

// Steps of a move, by what they are for.
type (
	outlook struct{ *move } // preflight
	arrival struct{ *move } // copy, last
	freeze  struct{ *move } // freeze, cut
	proof   struct{ *move } // compare, login, deliver, after
	webmail struct{ *move } // the database of Roundcube
)

// restored are words that have doveadm read a backup in place of a mailbox, and write no index there.
func (m *move) restored() []string {
	words := []string{"-o", "mail_location=maildir:" + m.fromSide.Path(m.Old.Maildir) + ":INDEX=MEMORY"}
	if m.Old.Home != "" {
		words = append(words, "-o", "mail_home="+m.fromSide.Path(m.Old.Home))
	}
	return words
}

// Units are the mailboxes, as the old server calls them.
func (m *move) Units(ctx context.Context) ([]string, error) {
	if len(m.Mailboxes) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(m.Mailboxes))), nil
	}
	text, err := m.from.say(ctx, "", "user", "*")
	if err != nil {
		return nil, err
	}
	var list []string
	for user := range strings.Lines(text) {
		user = strings.TrimSpace(user)
		if !mailbox.MatchString(user) {
			return nil, recipe.Wrong("mailboxes: " + user)
		}
		list = append(list, user)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// box is where a mailbox comes from.
func (m *move) box(user string) (box, error) {
	if m.How == byIMAP {
		return m.passwordOf(user)
	}
	return inside{m.from, user}, nil
}

// Count takes the numbers of a mailbox on both sides.
func (m *move) Count(ctx context.Context, user string) ([]recipe.Count, error) {
	b, err := m.box(user)
	if err != nil {
		return nil, err
	}
	target := m.target(user)
	from, err := take(ctx, b)
	if err != nil {
		return nil, err
	}
	to, err := take(ctx, inside{m.to, target})
	if err != nil {
		return nil, err
	}
	rows := counts(from, to)
	if m.How == byIMAP {
		return rows, nil
	}
	more, err := m.countRest(ctx, user, from, to)
	return append(rows, more...), err
}

// countRest counts what IMAP does not show.
func (m *move) countRest(ctx context.Context, user string, from, to inventory) ([]recipe.Count, error) {
	target := m.target(user)
	rules, shares, password := recipe.Count{What: countRules}, recipe.Count{What: countShares}, recipe.Count{What: countPassword}
	var err error
	if rules.From, rules.FromSum, err = m.from.rules(ctx, user); err != nil {
		return nil, err
	}
	if rules.To, rules.ToSum, err = m.to.rules(ctx, target); err != nil {
		return nil, err
	}
	if shares.From, shares.FromSum, err = m.from.shares(ctx, user, from.names()); err != nil {
		return nil, err
	}
	if shares.To, shares.ToSum, err = m.to.shares(ctx, target, to.names()); err != nil {
		return nil, err
	}
	if !m.accounts() {
		return []recipe.Count{rules, shares}, nil
	}
	if password.From, password.FromSum, err = m.password(ctx, dove{m.fromSide, nil}, m.Old.Users, user); err != nil {
		return nil, err
	}
	password.To, password.ToSum, err = m.password(ctx, m.to, m.New.Users, target)
	return []recipe.Count{rules, shares, password}, err
}

// password is 1 and the hash of a user's password hash, or 0.
func (m *move) password(ctx context.Context, d dove, file, user string) (int64, string, error) {
	hash, err := d.hashOf(ctx, file, user, m.Old.Scheme)
	if err != nil || hash == "" {
		return 0, "", err
	}
	return 1, sum(hash), nil
}

// Table is what becomes of what.
func (m *move) Table() []recipe.Row {
	row := func(what string, fate recipe.Fate, why string) recipe.Row {
		if why != "" {
			why = "succession.recipe.mail.why." + why
		}
		return recipe.Row{What: "succession.recipe.mail.row." + what, Fate: fate, Why: why}
	}
	onlyIMAP := m.How == byIMAP
	list := []recipe.Row{row("messages", recipe.Kept, ""), row("folders", recipe.Kept, ""), row("uids", recipe.Kept, "")}
	for _, what := range []string{"rules", "shares"} {
		if onlyIMAP {
			list = append(list, row(what, recipe.Lost, "only_imap"))
		} else {
			list = append(list, row(what, recipe.Kept, ""))
		}
	}
	if m.accounts() {
		list = append(list, row("passwords", recipe.Kept, ""))
	} else {
		list = append(list, row("passwords", recipe.Lost, "new_password"))
	}
	if len(m.Addresses) > 0 {
		list = append(list, row("address", recipe.Archived, "relayed"), row("books", recipe.Lost, "books"))
	} else {
		list = append(list, row("address", recipe.Kept, "domain"))
	}
	if m.Roundcube.Database != "" {
		list = append(list, row("contacts", recipe.Kept, "webmail"), row("webmail_sessions", recipe.Lost, "des_key"))
	} else {
		list = append(list, row("contacts", recipe.Lost, "no_webmail"))
	}
	return list
}
