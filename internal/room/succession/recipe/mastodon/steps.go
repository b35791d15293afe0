package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Steps are those of the move. Without the old server there is no Move.
func (m *move) Steps() []recipe.Step {
	steps := []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Each: true, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "alias", Phase: recipe.Copy, Each: true, Do: m.alias, Undo: m.unalias},
		{Name: "last", Phase: recipe.Last, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "move", Phase: recipe.Cut, Each: true, Do: m.move},
		{Name: "followers", Phase: recipe.After, Each: true, Do: m.followers},
	}
	if m.lives() {
		return steps
	}
	return slices.DeleteFunc(steps, func(s recipe.Step) bool { return s.Name == "alias" || s.Name == "move" || s.Name == "followers" })
}

// Units are the people.
func (m *move) Units(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(m.people)), nil
}

func refuse(key, person string) *core.Error {
	return core.Denied("succession.recipe.mastodon."+key, errors.New(key)).With("Person", person)
}

// look refuses what cannot move: tokens of others, a Move elsewhere, a wait that is not over, files that are not there.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	p := m.people[w.Unit]
	if p.Archive != "" {
		if err := readable(p.Archive); err != nil {
			return err
		}
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if a.me.Moved != nil {
		return refuse("moved", w.Unit).With("Where", a.me.Moved.URL)
	}
	if !m.lives() {
		_, err := m.Old.load(p.CSV)
		return err
	}
	if err := m.ownFolder(w); err != nil {
		return err
	}
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	if o.me.Moved != nil && o.me.Moved.URL != a.me.URL {
		return refuse("moved", w.Unit).With("Where", o.me.Moved.URL)
	}
	return m.waited(w.Unit, o.now)
}

// waited refuses while the programs would refuse a Move after a former one: 30 days of Mastodon, 7 of
// GoToSocial. now is the old server's time; zero = not known, and then nothing is refused.
func (m *move) waited(person string, now time.Time) error {
	last, err := m.people[person].lastMove()
	if err != nil || last.IsZero() || now.IsZero() {
		return err
	}
	days := 7
	if m.Old.Program == "mastodon" {
		days = 30
	}
	if from := last.AddDate(0, 0, days+1); now.Before(from) {
		return refuse("wait", person).With("Day", from.Format(time.DateOnly)).With("Days", days)
	}
	return nil
}

// ownFolder refuses a folder of CSV files that this move did not write.
func (m *move) ownFolder(w recipe.Work) error {
	if begun(w) {
		return nil
	}
	dir := m.people[w.Unit].CSV
	all, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(all) == 0 {
		return nil
	}
	return core.Conflict("succession.recipe.mastodon.folder", errors.Join(err, errors.New("the folder has something"))).With("Folder", dir)
}

// source is what the person has at the old server, or in CSV files, without what is given up, and
// without the new account itself, which cannot follow itself.
func (m *move) source(ctx context.Context, a account, person string) (b book, err error) {
	p := m.people[person]
	if m.lives() {
		o, err := m.old(ctx, person)
		if err != nil {
			return nil, err
		}
		if b, err = o.read(ctx, m.domains()); err != nil {
			return nil, err
		}
	} else if b, err = m.Old.load(p.CSV); err != nil {
		return nil, err
	}
	if !m.domains() {
		delete(b, domainBlocks)
	}
	up := []string{a.address(a.me.Name)}
	for _, value := range p.GiveUp {
		if !strings.Contains(value, "/") {
			value = strings.ToLower(strings.TrimPrefix(value, "@"))
		}
		up = append(up, value)
	}
	b.without(up...)
	return b, nil
}

// copy writes the CSV files and gives the new account what it does not have.
func (m *move) copy(ctx context.Context, w recipe.Work) error {
	if m.lives() {
		if err := m.ownFolder(w); err != nil {
			return err
		}
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	source, err := m.source(ctx, a, w.Unit)
	if err != nil {
		return err
	}
	have, err := a.read(ctx, m.domains())
	if err != nil {
		return err
	}
	if !begun(w) {
		if err := disk.Replace(noteFile(w), nil); err != nil {
			return err
		}
	}
	dir := m.people[w.Unit].CSV
	if m.lives() {
		if err := source.write(dir); err != nil {
			return err
		}
	}
	missing, err := a.bring(ctx, w, source, have)
	if err != nil {
		return err
	}
	return writeMissing(dir, missing)
}

func (m *move) uncopy(ctx context.Context, w recipe.Work) error {
	if !begun(w) {
		return nil
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := a.takeBack(ctx, w); err != nil {
		return err
	}
	dir := m.people[w.Unit].CSV
	if m.lives() {
		err = unwrite(dir)
	} else {
		err = writeMissing(dir, nil)
	}
	return errors.Join(err, os.Remove(noteFile(w)))
}

// Count compares what the old account has, or the CSV files, with what of it the new one has. What the new
// one has beside does not count.
func (m *move) Count(ctx context.Context, person string) (counts []recipe.Count, err error) {
	a, err := m.new(ctx, person)
	if err != nil {
		return nil, err
	}
	source, err := m.source(ctx, a, person)
	if err != nil {
		return nil, err
	}
	have, err := a.read(ctx, m.domains())
	if err != nil {
		return nil, err
	}
	if err := a.asked(ctx, source, have); err != nil {
		return nil, err
	}
	for _, kind := range kinds() {
		if kind == domainBlocks && !m.domains() {
			continue
		}
		c := recipe.Count{What: kind}
		c.From, c.FromSum = source.sum(kind, nil)
		c.To, c.ToSum = source.sum(kind, have)
		counts = append(counts, c)
	}
	return counts, nil
}

func aliasFile(w recipe.Work) string { return filepath.Join(w.Dir, "aliases-"+w.Unit+".json") }

// alias has the new account say that it is the old one too. In Mastodon a person does that, and it is
// looked at where the server lets us.
func (m *move) alias(ctx context.Context, w recipe.Work) error {
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if o.me.Moved == nil { // from the Move on they become fewer
		if err := disk.Replace(followersFile(w), []byte(strconv.FormatInt(o.me.Followers, 10))); err != nil {
			return err
		}
	}
	if m.New.Program == "mastodon" {
		return a.aliased(ctx, o.me.URI, w.Unit)
	}
	if slices.Contains(a.me.Source.Aliases, o.me.URI) {
		return nil
	}
	before, err := json.Marshal(a.me.Source.Aliases)
	if err != nil {
		return err
	}
	if err := disk.Replace(aliasFile(w), before); err != nil {
		return err
	}
	return a.setAliases(ctx, append(slices.Clone(a.me.Source.Aliases), o.me.URI))
}

func (a account) setAliases(ctx context.Context, all []string) error {
	if all == nil {
		all = []string{}
	}
	_, err := a.Do(ctx, recipe.Call{Method: "POST", Path: "/api/v1/accounts/alias", JSON: map[string][]string{"also_known_as_uris": all}})
	return err
}

// aliased asks Mastodon's public page of the account. A server that shows it to signed requests alone
// cannot be asked; the old one looks again at the Move.
func (a account) aliased(ctx context.Context, old, person string) error {
	var actor struct {
		Aliases []string `json:"alsoKnownAs"`
	}
	_, err := a.Ask(ctx, recipe.Call{Path: a.me.URI, Header: http.Header{"Accept": {"application/activity+json"}}}, &actor)
	if core.CodeOf(err) == core.CodeDenied {
		return nil
	}
	if err == nil && !slices.Contains(actor.Aliases, old) {
		err = refuse("no_alias", person).With("Old", old)
	}
	return err
}

func (m *move) unalias(ctx context.Context, w recipe.Work) error {
	text, err := os.ReadFile(aliasFile(w))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var before []string
	if err := json.Unmarshal(text, &before); err != nil {
		return err
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := a.setAliases(ctx, before); err != nil {
		return err
	}
	return os.Remove(aliasFile(w))
}

func followersFile(w recipe.Work) string { return filepath.Join(w.Dir, "followers-"+w.Unit) }

// move sends the followers on. In Mastodon the person has pressed it; nothing takes it back.
func (m *move) move(ctx context.Context, w recipe.Work) error {
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if _, err := os.Stat(followersFile(w)); errors.Is(err, os.ErrNotExist) {
		if err := disk.Replace(followersFile(w), []byte(strconv.FormatInt(o.me.Followers, 10))); err != nil {
			return err
		}
	}
	switch {
	case o.me.Moved != nil && o.me.Moved.URL == a.me.URL:
		return nil
	case o.me.Moved != nil:
		return refuse("moved", w.Unit).With("Where", o.me.Moved.URL)
	case m.Old.Program == "mastodon":
		return refuse("press", w.Unit).With("New", a.address(a.me.Name))
	}
	if err := m.waited(w.Unit, o.now); err != nil {
		return err
	}
	password, err := recipe.Secret(w.Unit+": old_password", m.people[w.Unit].OldPassword)
	if err != nil {
		return err
	}
	_, err = o.Do(ctx, recipe.Call{Method: "POST", Path: "/api/v1/accounts/move", Form: url.Values{"password": {password}, "moved_to_uri": {a.me.URI}}})
	return err
}

// settled is how long nobody more has to come until those who did not are given up.
const settled = 24 * time.Hour

// followers refuses while fewer follow the new account than followed the old one before the Move, until
// nobody more came for a day: servers that are down never tell their people.
func (m *move) followers(ctx context.Context, w recipe.Work) error {
	text, err := os.ReadFile(followersFile(w))
	if err != nil {
		return err
	}
	want, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return err
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil || a.me.Followers >= want {
		return err
	}
	var seen struct {
		N  int64     `json:"n"`
		At time.Time `json:"at"` // by the server's clock
	}
	name := followersFile(w) + "-seen.json"
	if text, err := os.ReadFile(name); err == nil {
		if err := json.Unmarshal(text, &seen); err != nil {
			return err
		}
	}
	if seen.N == a.me.Followers && !seen.At.IsZero() && a.now.Sub(seen.At) >= settled {
		return nil
	}
	if seen.N != a.me.Followers || seen.At.IsZero() {
		seen.N, seen.At = a.me.Followers, a.now
		text, err := json.Marshal(seen)
		if err == nil {
			err = disk.Replace(name, text)
		}
		if err != nil {
			return err
		}
	}
	return core.Unsure("succession.recipe.mastodon.few", errors.New("fewer followers")).With("Person", w.Unit).With("N", a.me.Followers).With("Of", want)
}
