package xmpp

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Steps are those of the move. Each pass makes the accounts anew from a new export.
func (m *move) Steps() []recipe.Step {
	return []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Do: m.copy, Undo: m.uncopy},
		{Name: "close", Phase: recipe.Freeze, Do: m.close, Undo: m.open},
		{Name: "last", Phase: recipe.Last, Do: m.copy, Undo: m.uncopy},
		{Name: "sign_in", Phase: recipe.Login, Do: m.signIn},
	}
}

// Units are the accounts.
func (m *move) Units(ctx context.Context) ([]string, error) {
	all, err := m.export(ctx, m.from, m.Old)
	names := make([]string, 0, len(all))
	for _, a := range all {
		names = append(names, a.name)
	}
	return names, err
}

// folderOf is the name of the folder in which Prosody keeps a host: every sign that is no letter or
// digit of ASCII is written as % and two hexadecimal digits.
func folderOf(host string) string {
	var b strings.Builder
	for _, c := range []byte(host) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strconv.FormatUint(uint64(c), 16))
	}
	return b.String()
}

// folder is that of the host at the new server.
func (m *move) folder() string { return path.Join(m.to.Path(m.New.Data), folderOf(m.Domain)) }

// mark is the file of a move that says: what the new server has of the host came from us.
func mark(w recipe.Work) string { return filepath.Join(w.Dir, "accounts-are-ours") }

// look refuses a new server that has accounts of the host.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	if _, err := os.Stat(mark(w)); err == nil {
		return nil
	}
	empty, err := recipe.Empty(ctx, m.to, m.folder())
	if err == nil && !empty {
		err = core.Conflict("succession.recipe.xmpp.taken", errors.New("accounts of the host lie there")).With("Domain", m.Domain).With("Folder", m.folder())
	}
	return err
}

// placing puts the host's folder in the place of the one that is there: the new server is off, or
// reads each account's file when it is asked for it.
const placing = `rm -rf -- "$2" && mv -- "$1" "$2"`

func (m *move) copy(ctx context.Context, w recipe.Work) (err error) {
	defer m.forget()
	if err := m.look(ctx, w); err != nil {
		return err
	}
	all, err := m.export(ctx, m.from, m.Old)
	if err != nil {
		return err
	}
	w.Say(0, int64(len(all)))
	stage, err := prepare(ctx, m.to, m.New, "xml", "out")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sweep(context.WithoutCancel(ctx), m.to, m.New)) }()
	xml, out := path.Join(stage, "xml"), path.Join(stage, "out")
	if err := m.deliver(ctx, m.to, xml, all); err != nil {
		return err
	}
	if err := m.migrate(ctx, m.to, m.New, store{"xep0227", xml}, store{"internal", out}); err != nil {
		return err
	}
	if err := disk.Replace(mark(w), nil); err != nil {
		return err
	}
	if err := m.to.Run(ctx, recipe.Command{Args: m.New.Stop}); err != nil {
		return err
	}
	err = m.to.Run(ctx, recipe.Shell(`test -d "$1" || mkdir "$1"; `+placing, path.Join(out, path.Base(m.folder())), m.folder()))
	if err == nil {
		w.Say(int64(len(all)), int64(len(all)))
	}
	return errors.Join(err, m.to.Run(context.WithoutCancel(ctx), recipe.Command{Args: m.New.Start}))
}

// uncopy takes our accounts out again.
func (m *move) uncopy(ctx context.Context, w recipe.Work) error {
	defer m.forget()
	if _, err := os.Stat(mark(w)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := sweep(ctx, m.to, m.New); err != nil {
		return err
	}
	if err := m.to.Run(ctx, recipe.Command{Args: m.New.Stop}); err != nil {
		return err
	}
	err := m.to.Run(ctx, recipe.Command{Args: []string{"rm", "-rf", "--", m.folder()}})
	if err = errors.Join(err, m.to.Run(context.WithoutCancel(ctx), recipe.Command{Args: m.New.Start})); err != nil {
		return err
	}
	return os.Remove(mark(w))
}

func (m *move) close(ctx context.Context, _ recipe.Work) error {
	if !m.from.Lives() {
		return nil
	}
	defer m.forget()
	return m.from.Run(ctx, recipe.Command{Args: m.Old.Stop})
}

func (m *move) open(ctx context.Context, _ recipe.Work) error {
	if !m.from.Lives() {
		return nil
	}
	return m.from.Run(ctx, recipe.Command{Args: m.Old.Start})
}

// Count compares one account, from an export of each side.
func (m *move) Count(ctx context.Context, unit string) ([]recipe.Count, error) {
	from, err := m.numbersOf(ctx, m.from, m.Old, unit)
	if err != nil {
		return nil, err
	}
	to, err := m.numbersOf(ctx, m.to, m.New, unit)
	if err != nil {
		return nil, err
	}
	var counts []recipe.Count
	add := func(what string, a, b part) {
		counts = append(counts, recipe.Count{What: what, Of: "", From: a.count, To: b.count, FromSum: a.sum, ToSum: b.sum})
	}
	add("credentials", from.credentials, to.credentials)
	add("contacts", from.roster, to.roster)
	add("cards", from.card, to.card)
	add("private", from.private, to.private)
	add("published", from.published, to.published)
	if m.Old.Program == "prosody" {
		add("archive", from.archive, to.archive)
	}
	return counts, nil
}

// lately is an export that serves the counts of all accounts, each once: who counts one again sees
// what is there then. A step has all of them look again.
func (m *move) lately(ctx context.Context, side recipe.Side, s Server, name string) ([]account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last, ok := m.seen[side.Name()]; ok && !last.counted[name] {
		last.counted[name] = true
		return last.all, nil
	}
	all, err := m.export(ctx, side, s)
	if err == nil {
		m.seen[side.Name()] = seen{all, map[string]bool{name: true}}
	}
	return all, err
}

// forget has counts look again.
func (m *move) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = map[string]seen{}
}

func (m *move) numbersOf(ctx context.Context, side recipe.Side, s Server, name string) (numbers, error) {
	all, err := m.lately(ctx, side, s, name)
	if err != nil {
		return numbers{}, err
	}
	for _, a := range all {
		if a.name == name {
			return a.numbers(), nil
		}
	}
	return numbers{}, nil
}
