package peertube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// Steps are those of the move.
func (m *move) Steps() []recipe.Step {
	return []recipe.Step{
		{Name: "look", Phase: recipe.Preflight, Each: true, Do: m.look},
		{Name: "copy", Phase: recipe.Copy, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "last", Phase: recipe.Last, Each: true, Do: m.copy, Undo: m.uncopy},
		{Name: "ready", Phase: recipe.Login, Each: true, Do: m.ready},
	}
}

// Units are the people.
func (m *move) Units(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(m.people)), nil
}

// before is what the new account was before we brought anything: kept in Work.Dir, it says too that
// what is there now is ours.
type before struct {
	Channels    []string `json:"channels"`
	Brought     []string `json:"brought"` // of what we gave, by item.key
	DisplayName string   `json:"display_name"`
	Description string   `json:"description"`
}

func noted(w recipe.Work) string   { return filepath.Join(w.Dir, "before-"+w.Unit+".json") }
func fetched(w recipe.Work) string { return filepath.Join(w.Dir, "archive-"+w.Unit+".zip") }

// ours is what was noted; false = nothing was brought.
func ours(w recipe.Work) (b before, ok bool, err error) {
	text, err := os.ReadFile(noted(w))
	if errors.Is(err, os.ErrNotExist) {
		return b, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err == nil, err
}

// look refuses servers that allow no archives, an account that has something, one without room, and what is
// beyond PeerTube's limits, as far as it can be known beforehand.
func (m *move) look(ctx context.Context, w recipe.Work) error {
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	var config struct {
		Import allowed `json:"import"`
		Export allowed `json:"export"`
	}
	if _, err := a.Ask(ctx, recipe.Call{Path: "/api/v1/config"}, &config); err != nil {
		return err
	}
	if !config.Import.Users.Enabled {
		return core.Denied("succession.recipe.peertube.not_allowed", errors.New("import is off")).With("Side", "new")
	}
	if err := m.empty(ctx, a, w); err != nil || !m.lives() {
		if err != nil {
			return err
		}
		_, size, err := look(m.people[w.Unit].Archive)
		return errors.Join(err, a.room(ctx, w.Unit, size))
	}
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	if _, err := o.Ask(ctx, recipe.Call{Path: "/api/v1/config"}, &config); err != nil {
		return err
	}
	if !config.Export.Users.Enabled {
		return core.Denied("succession.recipe.peertube.not_allowed", errors.New("export is off")).With("Side", "old")
	}
	used, err := o.used(ctx)
	if err != nil {
		return err
	}
	if err := recipe.Room(ctx, recipe.Local{Called: "here"}, w.Dir, used); err != nil {
		return err
	}
	h, err := o.holdings(ctx)
	if err != nil {
		return err
	}
	// A video has a file and a picture at least.
	if files := 2*len(h.videos) + len(h.playlists); files > maxFiles {
		return core.Full("succession.recipe.peertube.too_large", errors.New("beyond what PeerTube imports")).
			With("Files", files).With("MaxFiles", maxFiles).With("Bytes", core.Size(used).String()).With("MaxBytes", "-")
	}
	if _, ok, err := ours(w); err != nil || ok {
		return err // what is there counts in the quota
	}
	return a.room(ctx, w.Unit, used)
}

type allowed struct {
	Users struct {
		Enabled bool `json:"enabled"`
	} `json:"users"`
}

func (a account) used(ctx context.Context) (int64, error) {
	var q struct {
		Used int64 `json:"videoQuotaUsed"`
	}
	_, err := a.Ask(ctx, recipe.Call{Path: "/api/v1/users/me/video-quota-used"}, &q)
	return max(0, q.Used), err
}

// room refuses a quota that is too small.
func (a account) room(ctx context.Context, name string, bytes int64) error {
	used, err := a.used(ctx)
	if err != nil || a.me.Quota < 0 || a.me.Quota-used >= bytes {
		return err
	}
	return core.Full("succession.recipe.peertube.quota", errors.New("the quota is too small")).
		With("Person", name).With("Need", core.Size(bytes).String()).With("Free", core.Size(max(0, a.me.Quota-used)).String())
}

// empty refuses a new account that has something which we did not bring, and an archive of
// somebody else at the old server, which would have to be deleted for ours.
func (m *move) empty(ctx context.Context, a account, w recipe.Work) error {
	if _, ok, err := ours(w); err != nil || ok {
		return err
	}
	h, err := a.holdings(ctx)
	if err != nil {
		return err
	}
	if n := len(h.videos) + len(h.playlists) + len(h.following); n > 0 {
		return core.Conflict("succession.recipe.peertube.taken", errors.New("the new account has something")).With("Person", w.Unit).With("N", n)
	}
	if !m.lives() {
		return nil
	}
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	all, err := o.exports(ctx)
	if err == nil && len(all) > 0 {
		err = core.Conflict("succession.recipe.peertube.has_archive", errors.New("an archive is there")).With("Person", w.Unit)
	}
	return err
}

// copy brings everything; where we brought it before and the counts are equal, it does nothing.
func (m *move) copy(ctx context.Context, w recipe.Work) error {
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := m.empty(ctx, a, w); err != nil {
		return err
	}
	_, again, err := ours(w)
	if err != nil {
		return err
	}
	if again {
		if err := a.settle(ctx); err != nil {
			return err
		}
		counts, err := m.Count(ctx, w.Unit)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(counts, func(c recipe.Count) bool { return !c.Equal() }) {
			return m.sweep(ctx, w)
		}
		if err := m.remove(ctx, a, w); err != nil {
			return err
		}
	} else if err := a.note(ctx, w); err != nil {
		return err
	}
	return m.bring(ctx, a, w)
}

// bring fetches the archive and gives it to the new server.
func (m *move) bring(ctx context.Context, a account, w recipe.Work) error {
	archive := m.people[w.Unit].Archive
	if m.lives() {
		archive = fetched(w)
		if err := m.export(ctx, w); err != nil {
			return err
		}
	}
	h, size, err := look(archive)
	if err != nil {
		return err
	}
	if err := a.room(ctx, w.Unit, size); err != nil {
		return err
	}
	if err := bringing(w, h); err != nil {
		return err
	}
	if err := a.give(ctx, w, archive, size); err != nil {
		return err
	}
	return m.sweep(ctx, w)
}

// bringing adds to the note what is about to be given: an undo removes nothing else.
func bringing(w recipe.Work, h holdings) error {
	b, _, err := ours(w)
	if err != nil {
		return err
	}
	b.Brought = append(b.Brought, slices.Collect(maps.Keys(h.keys()))...)
	slices.Sort(b.Brought)
	b.Brought = slices.Compact(b.Brought)
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("note what is given: %w", err)
	}
	return disk.Replace(noted(w), text)
}

// note writes down what the account is before anything is brought.
func (a account) note(ctx context.Context, w recipe.Work) error {
	h, err := a.holdings(ctx)
	if err != nil {
		return err
	}
	b := before{DisplayName: a.me.Account.DisplayName, Description: a.me.Account.Description}
	for _, c := range h.channels {
		b.Channels = append(b.Channels, c.Name)
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("note what was there: %w", err)
	}
	return disk.Replace(noted(w), text)
}

// remove removes what we brought; what the person added meanwhile, with other names, stays.
func (m *move) remove(ctx context.Context, a account, w recipe.Work) error {
	b, ok, err := ours(w)
	if err != nil || !ok {
		return err
	}
	h, err := a.holdings(ctx)
	if err != nil {
		return err
	}
	brought := map[string]bool{}
	for _, key := range b.Brought {
		brought[key] = true
	}
	h.only(brought)
	var paths []string
	for _, p := range h.playlists {
		paths = append(paths, "/api/v1/video-playlists/"+strconv.FormatInt(p.ID, 10))
	}
	for _, v := range h.videos {
		paths = append(paths, "/api/v1/videos/"+strconv.FormatInt(v.ID, 10))
	}
	for _, f := range h.following {
		paths = append(paths, "/api/v1/users/me/subscriptions/"+f.Name+"@"+f.Host)
	}
	for _, c := range h.channels {
		if !slices.Contains(b.Channels, c.Name) {
			paths = append(paths, "/api/v1/video-channels/"+c.Name)
		}
	}
	for _, path := range paths {
		if _, err := a.Do(ctx, recipe.Call{Method: "DELETE", Path: path}); err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
	}
	_, err = a.Do(ctx, recipe.Call{Method: "PUT", Path: "/api/v1/users/me", JSON: map[string]string{"displayName": b.DisplayName, "description": b.Description}})
	return err
}

// sweep removes our archive at the old server, and its copy here.
func (m *move) sweep(ctx context.Context, w recipe.Work) error {
	if !m.lives() {
		return nil
	}
	if err := os.Remove(fetched(w)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	o, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	return o.unexport(ctx)
}

func (m *move) uncopy(ctx context.Context, w recipe.Work) error {
	if _, ok, err := ours(w); err != nil || !ok {
		return err
	}
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	if err := errors.Join(m.remove(ctx, a, w), m.sweep(ctx, w)); err != nil {
		return err
	}
	return os.Remove(noted(w))
}

// published is the state of a video that people can see.
const published = 1

// ready refuses while a video of the person is not there for people: still transcoded, or failed.
func (m *move) ready(ctx context.Context, w recipe.Work) error {
	a, err := m.new(ctx, w.Unit)
	if err != nil {
		return err
	}
	all, err := a.list(ctx, "/api/v1/users/me/videos")
	if err != nil {
		return err
	}
	n := 0
	for _, v := range all {
		if v.State.ID != published {
			n++
		}
	}
	if n > 0 {
		return core.Unsure("succession.recipe.peertube.not_ready", errors.New("videos are not published")).With("Person", w.Unit).With("N", n)
	}
	return nil
}
