package nextcloud

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Steps are those of the move.
func (m *move) Steps() []recipe.Step {
	return []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "close", Phase: recipe.Freeze, Each: true, Do: m.close, Undo: m.open},
		{Name: "last", Phase: recipe.Last, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "sign_in", Phase: recipe.Login, Do: m.signIn},
	}
}

// Units are the people. Returns CodeNotFound for somebody who is not there.
func (m *move) Units(ctx context.Context) ([]string, error) {
	all, err := m.from.people(ctx)
	if err != nil {
		return nil, err
	}
	if len(m.People) == 0 {
		for _, name := range all {
			if !valid(name) {
				return nil, recipe.Wrong("people: name them one by one; this name cannot be moved: " + name)
			}
		}
		return all, nil
	}
	some := slices.Compact(slices.Sorted(slices.Values(m.People)))
	for _, name := range some {
		if !slices.Contains(all, name) {
			return nil, core.NotFound("succession.recipe.nextcloud.nobody", errors.New("no such person")).With("Person", name)
		}
	}
	return some, nil
}

// look refuses two Nextclouds between which nobody can move, and people for whom there is no place.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	from, err := m.from.state(ctx)
	if err != nil {
		return err
	}
	to, err := m.to.state(ctx)
	if err != nil {
		return err
	}
	if major(from.Version) != major(to.Version) {
		return core.Denied("succession.recipe.nextcloud.versions", errors.New("two major versions")).With("Old", from.Version).With("New", to.Version)
	}
	people, err := m.Units(ctx)
	for _, w.Unit = range people {
		if err := m.free(ctx, w); err != nil {
			return err
		}
	}
	return err
}

func major(version string) string { v, _, _ := strings.Cut(version, "."); return v }

// mark is the file of a move that says that the person at the new Nextcloud is ours, or that the old one was
// shut by us.
func mark(w recipe.Work, what string) string {
	return filepath.Join(w.Dir, what+"-"+hex.EncodeToString([]byte(w.Unit)))
}

func marked(w recipe.Work, what string) bool {
	_, err := os.Stat(mark(w, what))
	return err == nil
}

// free refuses a name that somebody has at the new Nextcloud, and a disk without room.
func (m *move) free(ctx context.Context, w recipe.Work) error {
	if !marked(w, "ours") {
		there, err := m.to.has(ctx, w.Unit)
		if err != nil {
			return err
		}
		if there {
			return core.Conflict("succession.recipe.nextcloud.taken", errors.New("the name is taken")).With("Person", w.Unit)
		}
	}
	tree, err := recipe.CountTree(ctx, m.from.side, path.Join(m.from.Data, w.Unit))
	if err != nil {
		return err
	}
	return errors.Join(recipe.Room(ctx, m.from.side, m.from.Archives, tree.Bytes), recipe.Room(ctx, m.to.side, m.to.Data, 2*tree.Bytes))
}

func (c cloud) has(ctx context.Context, person string) (bool, error) {
	all, err := c.people(ctx)
	return slices.Contains(all, person), err
}

func (m *move) copy(ctx context.Context, w recipe.Work) (err error) {
	if err := m.free(ctx, w); err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, m.from.sweep(ctx, w.Unit), m.to.sweep(ctx, w.Unit))
	}()
	archive, err := m.from.export(ctx, w.Unit)
	if err != nil {
		return err
	}
	dir := m.to.folder(w.Unit)
	if err := m.to.fresh(ctx, dir); err != nil {
		return err
	}
	there := path.Join(dir, "person.nextcloud_export")
	if err := recipe.CopyFile(ctx, m.from.side, archive, m.to.side, there); err != nil {
		return err
	}
	if err := m.to.side.Run(ctx, recipe.Shell(`test "$(id -u)" -ne 0 || chown -R "$2": "$1"`, m.to.side.Path(dir), m.to.Owner)); err != nil {
		return err
	}
	if err := disk.Replace(mark(w, "ours"), nil); err != nil {
		return err
	}
	if err := m.remove(ctx, w.Unit); err != nil {
		return err
	}
	_, err = m.to.occ(ctx, "user:import", "--", m.to.side.Path(there))
	return err
}

// remove removes a person of ours at the new Nextcloud; one who is not there is no error.
func (m *move) remove(ctx context.Context, person string) error {
	there, err := m.to.has(ctx, person)
	if err != nil || !there {
		return err
	}
	_, err = m.to.occ(ctx, "user:delete", "--", person)
	return err
}

func (m *move) uncopy(ctx context.Context, w recipe.Work) error {
	if !marked(w, "ours") {
		return errors.Join(m.from.sweep(ctx, w.Unit), m.to.sweep(ctx, w.Unit))
	}
	if err := errors.Join(m.from.sweep(ctx, w.Unit), m.to.sweep(ctx, w.Unit), m.remove(ctx, w.Unit)); err != nil {
		return err
	}
	return os.Remove(mark(w, "ours"))
}

// close shuts a person out of the old Nextcloud, unless somebody did before.
func (m *move) close(ctx context.Context, w recipe.Work) error {
	var who struct {
		Enabled bool `json:"enabled"`
	}
	if err := m.from.asked(ctx, &who, "user:info", w.Unit); err != nil {
		return err
	}
	if !who.Enabled {
		return nil
	}
	if err := disk.Replace(mark(w, "shut"), nil); err != nil {
		return err
	}
	_, err := m.from.occ(ctx, "user:disable", "--", w.Unit)
	return err
}

func (m *move) open(ctx context.Context, w recipe.Work) error {
	if !marked(w, "shut") {
		return nil
	}
	if _, err := m.from.occ(ctx, "user:enable", "--", w.Unit); err != nil {
		return err
	}
	return os.Remove(mark(w, "shut"))
}

// signInWait is how long the new Nextcloud may take to answer.
const signInWait = time.Minute

// signIn lists a person's files at the new Nextcloud, as their apps do. Without one in the settings
// nothing is tried.
func (m *move) signIn(ctx context.Context, _ recipe.Work) error {
	if m.SignIn == nil {
		return nil
	}
	password, err := os.ReadFile(m.SignIn.PasswordFile)
	if err != nil {
		return recipe.Wrong("sign_in.password_file: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, signInWait)
	defer cancel()
	address := strings.TrimSuffix(m.SignIn.URL, "/") + "/remote.php/dav/files/" + url.PathEscape(m.SignIn.Person) + "/"
	r, err := http.NewRequestWithContext(ctx, "PROPFIND", address, nil)
	if err != nil {
		return recipe.Wrong("sign_in.url: " + err.Error())
	}
	r.SetBasicAuth(m.SignIn.Person, strings.TrimRight(string(password), "\r\n"))
	r.Header.Set("Depth", "1")
	answer, err := http.DefaultClient.Do(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // only its status is asked for
		if err = answer.Body.Close(); err == nil && answer.StatusCode != http.StatusMultiStatus {
			err = errors.New(answer.Status)
		}
	}
	if err != nil {
		return core.Denied("succession.recipe.nextcloud.sign_in", err).With("Person", m.SignIn.Person).With("Detail", err.Error())
	}
	return nil
}
