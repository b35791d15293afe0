package xmpp

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// stageName is our folder at a server, below the one that settings name.
const stageName = ".entrechat-move"

// hook tells Prosody's migrator where its data directory is: the program sets the name of it when
// it begins, and reads it from there, nowhere else.
const hook = `setmetatable(_G, { __newindex = function(t, k, v) if k == "CFG_DATADIR" then v = os.getenv("MOVE_DATA") end rawset(t, k, v) end })`

// migrating runs the migrator by the Lua that its first line names.
const migrating = `m=$(command -v prosody-migrator) || { echo "prosody-migrator is missing: it comes with prosody" >&2; exit 1; }
lua=$(sed -n '1s/^#! *//p' "$m"); exec $lua -e "$1" "$m" --keep-going --config "$2" input output`

// owning gives a folder to the user that the program runs as, where we may.
const owning = `test "$(id -u)" -ne 0 || chown -R "$1": "$2"`

// stores are what Prosody's migrator is asked for, as its configuration lists them.
const stores = `"accounts", "roster", "vcard", "private", "pep-pubsub", "archive-archive"`

// store is where the migrator reads or writes: the type "xep0227" or "internal", and a folder.
type store struct{ kind, path string }

// prepare makes an empty stage at a server, with folders in it; its path there.
func prepare(ctx context.Context, side recipe.Side, s Server, folders ...string) (string, error) {
	stage := path.Join(side.Path(s.Data), stageName)
	words := append(make([]string, 0, 1+len(folders)), stage)
	for _, f := range folders {
		words = append(words, path.Join(stage, f))
	}
	return stage, side.Run(ctx, recipe.Shell(`rm -rf -- "$1" && mkdir -p -m 700 -- "$@"`, words...))
}

// sweep removes the stage.
func sweep(ctx context.Context, side recipe.Side, s Server) error {
	return side.Run(ctx, recipe.Command{Args: []string{"rm", "-rf", "--", path.Join(side.Path(s.Data), stageName)}})
}

// migrate has Prosody's migrator read one store and write another, on the stage; account files lie in
// its folder xml.
func (m *move) migrate(ctx context.Context, side recipe.Side, s Server, in, out store) error {
	stage := path.Join(side.Path(s.Data), stageName)
	var b strings.Builder
	for i, end := range []store{in, out} {
		b.WriteString([]string{"input", "output"}[i] + ` { hosts = { ["` + m.Domain + `"] = { ` + stores + " } };\n" +
			`  type = "` + end.kind + `"; path = [==[` + end.path + "]==] }\n")
	}
	config := path.Join(stage, "migrate.cfg.lua")
	if err := side.Run(ctx, recipe.Command{Args: []string{"tee", "--", config}, Stdin: strings.NewReader(b.String()), Stdout: io.Discard}); err != nil {
		return err
	}
	if err := side.Run(ctx, recipe.Shell(owning, s.User, stage)); err != nil {
		return err
	}
	c := recipe.Shell(migrating, hook, config)
	c.Env = []string{"MOVE_DATA=" + path.Join(stage, "xml")}
	return side.Run(ctx, c)
}

// export are the accounts that a server has now, by name. It ends what it began.
func (m *move) export(ctx context.Context, side recipe.Side, s Server) (all []account, err error) {
	stage, err := prepare(ctx, side, s, "xml")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sweep(context.WithoutCancel(ctx), side, s)) }()
	xml := path.Join(stage, "xml")
	if s.Program == "ejabberd" {
		if err := side.Run(ctx, recipe.Shell(owning, s.User, stage)); err != nil {
			return nil, err
		}
		err = side.Run(ctx, recipe.Command{Args: append(slices.Clone(s.Control), "export_piefxis_host", xml, m.Domain)})
	} else {
		err = m.migrate(ctx, side, s, store{"internal", side.Path(s.Data)}, store{"xep0227", xml})
	}
	if err != nil {
		return nil, err
	}
	all, err = m.collect(ctx, side, xml)
	if err != nil || s.Program == "ejabberd" {
		return all, err
	}
	return all, m.complete(ctx, side, s, int64(len(all)))
}

// complete refuses an export of fewer accounts than Prosody's folder has: the migrator goes on where it
// cannot read, and ends well.
func (m *move) complete(ctx context.Context, side recipe.Side, s Server, came int64) error {
	tree, err := recipe.CountTree(ctx, side, path.Join(s.Data, folderOf(m.Domain), "accounts"))
	if err == nil && tree.Files != came {
		err = unreadable(side, fmt.Errorf("%d accounts of %d", came, tree.Files))
	}
	return err
}

// maxExport is how large an export may be, in bytes.
const maxExport = 2 << 30

// collect reads the account files of a folder.
func (m *move) collect(ctx context.Context, side recipe.Side, dir string) (all []account, err error) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := side.Run(ctx, recipe.Command{Args: []string{"tar", "-C", dir, "-cf", "-", "."}, Stdout: w})
		done <- err
		_ = w.CloseWithError(err) // never fails; nil is the end of the file
	}()
	all, err = m.unpack(io.LimitReader(r, maxExport))
	_ = r.Close() // ends who writes
	if err != nil {
		cancel()
		<-done //nolint:errcheck // it was ended
		return nil, unreadable(side, err)
	}
	if err := <-done; err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return nil, err
	}
	slices.SortFunc(all, func(a, b account) int { return strings.Compare(a.name, b.name) })
	if len(slices.CompactFunc(slices.Clone(all), func(a, b account) bool { return a.name == b.name })) != len(all) {
		return nil, unreadable(side, errors.New("an account twice"))
	}
	return all, nil
}

func (m *move) unpack(tarred io.Reader) (all []account, err error) {
	t := tar.NewReader(tarred)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// What tar pads its end with is read too, or it would be told of a broken pipe.
			_, err = io.Copy(io.Discard, tarred)
			return all, err
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(h.Name, ".xml") {
			continue
		}
		some, _, err := read(t, m.Domain)
		if err != nil {
			return nil, errors.Join(errors.New(path.Base(h.Name)), err)
		}
		all = append(all, some...)
	}
}

func unreadable(side recipe.Side, err error) error {
	return core.Unsure("succession.recipe.xmpp.export", err).With("Side", side.Name())
}

// deliver writes account files below a folder of a side.
func (m *move) deliver(ctx context.Context, side recipe.Side, dir string, all []account) error {
	r, w := io.Pipe()
	go func() {
		t := tar.NewWriter(w)
		for _, a := range all {
			text := []byte(a.file(m.Domain))
			h := &tar.Header{Name: a.name + "@" + m.Domain + ".xml", Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
			if err := t.WriteHeader(h); err != nil {
				_ = w.CloseWithError(err) // never fails
				return
			}
			if _, err := io.Copy(t, bytes.NewReader(text)); err != nil {
				_ = w.CloseWithError(err) // never fails
				return
			}
		}
		_ = w.CloseWithError(t.Close()) // never fails
	}()
	err := side.Run(ctx, recipe.Command{Args: []string{"tar", "-C", dir, "--no-same-owner", "-xf", "-"}, Stdin: r})
	_ = r.CloseWithError(io.ErrClosedPipe) // ends who writes
	return err
}
