package dokuwiki

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// move is one wiki on its way.
type move struct {
	settings

	from, to recipe.Side
}

// trees are the folders of data that move; "index" is made anew.
func trees() []string {
	return []string{"pages", "attic", "meta", "media", "media_attic", "media_meta"}
}

// passing are files of meta that come and go while people read.
func passing() []string { return []string{"*.indexed"} }

// confFiles are what an installation has of its own.
func confFiles() []string {
	return []string{
		"local.php", "plugins.local.php", "acronyms.local.conf", "entities.local.conf", "interwiki.local.conf", "license.local.php",
		"mediameta.local.php", "mime.local.conf", "scheme.local.conf", "smileys.local.conf", "wordblock.local.conf",
		"userstyle.css", "userprint.css", "userall.css", "userscript.js",
	}
}

// userFiles are people and rights.
func userFiles() []string { return []string{"users.auth.php", "acl.auth.php"} }

// pair is a file on both sides.
type pair struct{ name, old, new string }

func (m *move) files() (all []pair) {
	for _, name := range confFiles() {
		all = append(all, pair{name, path.Join(m.Old.Conf, name), path.Join(m.New.Conf, name)})
	}
	for _, name := range userFiles() {
		all = append(all, pair{name, path.Join(m.Old.Users, name), path.Join(m.New.Users, name)})
	}
	return all
}

// Table says what becomes of the parts.
func (*move) Table() []recipe.Row {
	row := func(what string, fate recipe.Fate) recipe.Row {
		return recipe.Row{What: "succession.recipe.dokuwiki." + what, Fate: fate}
	}
	links := row("links", recipe.Lost)
	links.Why = "succession.recipe.dokuwiki.links_why"
	plugins := row("plugins", recipe.Lost)
	plugins.Why = "succession.recipe.dokuwiki.plugins_why"
	return []recipe.Row{
		row("pages", recipe.Kept), row("revisions", recipe.Kept), row("media", recipe.Kept), row("people", recipe.Kept), row("own", recipe.Kept), links, plugins,
	}
}

// Units is the whole.
func (*move) Units(context.Context) ([]string, error) { return []string{""}, nil }

// Steps are the copy, and the freeze where the wiki lives.
func (m *move) Steps() []recipe.Step {
	steps := []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Do: m.pass(false), Undo: m.putBack},
	}
	if m.from.Lives() {
		steps = append(steps, recipe.Step{Name: "freeze", Phase: recipe.Freeze, Do: m.freeze, Undo: m.thaw})
	}
	// The index comes after the counts: to make it, DokuWiki notes in meta what it read.
	steps = append(steps, recipe.Step{Name: "last", Phase: recipe.Last, Do: m.pass(true)}, recipe.Step{Name: "index", Phase: recipe.Login, Do: m.index})
	if m.Login.User != "" {
		steps = append(steps, recipe.Step{Name: "login", Phase: recipe.Login, Do: m.signIn})
	}
	return steps
}

// look asks both sides, and changes nothing.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	if err := m.from.Run(ctx, recipe.Shell(`cd "$1/pages" && test -d "$2"`, m.from.Path(m.Old.Data), m.from.Path(m.Old.Conf))); err != nil {
		return err
	}
	if err := m.to.Run(ctx, recipe.Shell(`cd "$1" && cd "$2" && cd "$3"`, m.to.Path(m.New.Data), m.to.Path(m.New.Conf), m.to.Path(m.New.Users))); err != nil {
		return err
	}
	var total int64
	for _, name := range trees() {
		t, err := recipe.CountTree(ctx, m.from, path.Join(m.Old.Data, name))
		if err != nil {
			return err
		}
		total += t.Bytes
	}
	w.Say(0, total)
	return recipe.Room(ctx, m.to, m.New.Data, total)
}

// Folders of the target are moved aside and made anew; files are copied aside, or their absence is
// noted. What is aside already is what was there first.
const (
	asideFolder = `for d in "$@"; do b="$d.entrechat-before"; test -e "$b" || { mkdir -p "$d" && mv -T "$d" "$b"; } || exit 1
mkdir -p "$d" && chmod --reference="$b" "$d" && { chown --reference="$b" "$d" 2>/dev/null || true; } || exit 1; done`
	asideFile  = `for f in "$@"; do test -e "$f.entrechat-before" || test -e "$f.entrechat-none" || if test -e "$f"; then cp -aL "$f" "$f.entrechat-tmp" && mv -f "$f.entrechat-tmp" "$f.entrechat-before"; else : > "$f.entrechat-none"; fi || exit 1; done`
	backFolder = `for d in "$@"; do b="$d.entrechat-before"; test -e "$b" || continue; rm -rf "$d" && mv -T "$b" "$d" || exit 1; done`
	backFile   = `for f in "$@"; do rm -f "$f.entrechat-tmp" "$f.entrechat-new"; if test -e "$f.entrechat-none"; then rm -f "$f" && rm -f "$f.entrechat-none" || exit 1; fi
if test -e "$f.entrechat-before"; then mv -f "$f.entrechat-before" "$f" || exit 1; fi; done`
)

// targets are the folders and the files at the target that the move writes.
func (m *move) targets() (folders, files []string) {
	for _, name := range append(trees(), "index") {
		folders = append(folders, m.to.Path(path.Join(m.New.Data, name)))
	}
	for _, f := range m.files() {
		files = append(files, m.to.Path(f.new))
	}
	return folders, files
}

// ours is the note in the move's folder that what is at the target is ours.
func ours(w recipe.Work) string { return filepath.Join(w.Dir, "ours") }

func (m *move) pass(last bool) func(context.Context, recipe.Work) error {
	return func(ctx context.Context, w recipe.Work) error {
		if err := m.setAside(ctx, w); err != nil {
			return err
		}
		for _, name := range trees() {
			t := recipe.Trees{From: m.from, To: m.to, FromDir: path.Join(m.Old.Data, name), ToDir: path.Join(m.New.Data, name), Without: passing(), Thorough: last}
			if err := t.Copy(ctx, w.Say); err != nil {
				return err
			}
		}
		for _, f := range m.files() {
			source, err := m.source(ctx, f)
			if err == nil && source != "" {
				err = recipe.CopyFile(ctx, m.from, source, m.to, f.new)
			}
			if err != nil {
				return err
			}
		}
		return m.own(ctx)
	}
}

// setAside makes room for ours at the target.
func (m *move) setAside(ctx context.Context, w recipe.Work) error {
	folders, files := m.targets()
	if _, err := os.Stat(ours(w)); errors.Is(err, fs.ErrNotExist) {
		left, err := recipe.Output(ctx, m.to, recipe.Shell(`for x in "$@"; do if test -e "$x.entrechat-before"; then echo "$x"; fi; done`, slices.Concat(folders, files)...))
		if err != nil {
			return err
		}
		if left != "" {
			return core.Conflict("succession.recipe.taken", errors.New("another move set something aside")).With("Side", m.to.Name())
		}
	}
	if err := disk.Replace(ours(w), nil); err != nil {
		return err
	}
	if err := m.to.Run(ctx, recipe.Shell(asideFolder, folders...)); err != nil {
		return err
	}
	return m.to.Run(ctx, recipe.Shell(asideFile, files...))
}

// source is where a file is as it was before the freeze; empty = it was not there.
func (m *move) source(ctx context.Context, f pair) (string, error) {
	text, err := recipe.Output(ctx, m.from, recipe.Shell(`if test -e "$1.entrechat-frozen"; then echo frozen; elif test -e "$1.entrechat-unfrozen"; then echo none; elif test -e "$1"; then echo there; else echo none; fi`, m.from.Path(f.old)))
	switch strings.TrimSpace(text) {
	case "frozen":
		return f.old + ".entrechat-frozen", err
	case "there":
		return f.old, err
	}
	return "", err
}

// own gives what was copied to whom the settings name.
func (m *move) own(ctx context.Context) error {
	if m.Owner == "" {
		return nil
	}
	folders, files := m.targets()
	return m.to.Run(ctx, recipe.Shell(`o=$1; shift; for x in "$@"; do test -e "$x" || continue; chown -R -- "$o" "$x" || exit 1; done`,
		slices.Concat([]string{m.Owner}, folders, files[len(files)-len(userFiles()):])...))
}

// index has the target make its search index.
func (m *move) index(ctx context.Context, _ recipe.Work) error {
	if err := m.to.Run(ctx, recipe.Command{Args: m.Index}); err != nil {
		return err
	}
	return m.own(ctx)
}

// putBack makes the target what it was.
func (m *move) putBack(ctx context.Context, w recipe.Work) error {
	if _, err := os.Stat(ours(w)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	folders, files := m.targets()
	if err := m.to.Run(ctx, recipe.Shell(backFolder, folders...)); err != nil {
		return err
	}
	if err := m.to.Run(ctx, recipe.Shell(backFile, files...)); err != nil {
		return err
	}
	return os.Remove(ours(w))
}
