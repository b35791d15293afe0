package nextcloud

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// occ runs a command of Nextcloud and gives what it printed.
func (c cloud) occ(ctx context.Context, args ...string) (string, error) {
	return recipe.Output(ctx, c.side, recipe.Command{Args: append(append(slices.Clone(c.Occ), "--no-interaction"), args...)})
}

// asked is occ with an answer in JSON.
func (c cloud) asked(ctx context.Context, into any, args ...string) error {
	text, err := c.occ(ctx, append(args, "--output=json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return core.Unsure("succession.recipe.nextcloud.answer", err).With("Side", c.side.Name()).With("Command", args[0])
	}
	return nil
}

// people are everybody's names, sorted.
func (c cloud) people(ctx context.Context) ([]string, error) {
	all := map[string]string{}
	if err := c.asked(ctx, &all, "user:list", "--limit=100000"); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// about is what must hold of one Nextcloud before anybody moves.
type about struct {
	Installed   bool   `json:"installed"`
	Version     string `json:"version"` // "31.0.2.1"
	Maintenance bool   `json:"maintenance"`
}

// state asks what it is, and refuses what cannot be moved from, or to.
func (c cloud) state(ctx context.Context) (a about, err error) {
	if err := c.asked(ctx, &a, "status"); err != nil {
		return a, err
	}
	var apps struct {
		Enabled map[string]any `json:"enabled"`
	}
	if err := c.asked(ctx, &apps, "app:list"); err != nil {
		return a, err
	}
	no := func(key, why string) error {
		return core.Denied("succession.recipe.nextcloud."+key, errors.New(why)).With("Side", c.side.Name())
	}
	if _, ok := apps.Enabled["user_migration"]; !ok {
		return a, no("no_app", "user_migration is not enabled")
	}
	if !a.Installed || a.Maintenance {
		return a, no("maintenance", "not installed, or in maintenance")
	}
	var encryption struct {
		Enabled bool `json:"enabled"`
	}
	if err := c.asked(ctx, &encryption, "encryption:status"); err == nil && encryption.Enabled {
		return a, no("encrypted", "encryption by the server")
	}
	var system struct {
		System map[string]json.RawMessage `json:"system"`
	}
	if err := c.asked(ctx, &system, "config:list", "system"); err != nil {
		return a, err
	}
	for _, key := range []string{"objectstore", "objectstore_multibucket"} {
		if _, ok := system.System[key]; ok {
			return a, no("object_storage", "files in object storage")
		}
	}
	return a, nil
}

// types are the kinds of data that an export has, without those of files.
func (c cloud) types(ctx context.Context) ([]string, error) {
	var all []string
	if err := c.asked(ctx, &all, "user:export", "--list"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t string) bool { return t == "files" || t == "trashbin" }), nil
}

// export writes a person's archive; types empty = everything. It answers where it lies.
func (c cloud) export(ctx context.Context, person string, types ...string) (string, error) {
	dir := c.folder(person)
	if err := c.fresh(ctx, dir); err != nil {
		return "", err
	}
	args := []string{"user:export"}
	if len(types) > 0 {
		args = append(args, "--types="+strings.Join(types, ","))
	}
	if _, err := c.occ(ctx, append(args, "--", person, c.side.Path(dir))...); err != nil {
		return "", err
	}
	text, err := recipe.Output(ctx, c.side, recipe.Command{Args: []string{"find", c.side.Path(dir), "-type", "f", "-name", "*.zip", "-print0"}})
	if err != nil {
		return "", err
	}
	found := strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
	if len(found) != 1 || found[0] == "" {
		return "", core.Unsure("succession.recipe.nextcloud.no_archive", errors.New("no archive, or several")).With("Person", person)
	}
	return path.Join(dir, path.Base(found[0])), nil
}

// owning gives a folder to the user that occ runs as, where we may.
const owning = `rm -rf -- "$1" && mkdir -p -m 700 -- "$1" && { test "$(id -u)" -ne 0 || chown "$2": "$1"; }`

// fresh makes an empty folder for an archive.
func (c cloud) fresh(ctx context.Context, dir string) error {
	return c.side.Run(ctx, recipe.Shell(owning, c.side.Path(dir), c.Owner))
}

// sweep removes a person's archives.
func (c cloud) sweep(ctx context.Context, person string) error {
	return c.side.Run(ctx, recipe.Command{Args: []string{"rm", "-rf", "--", c.side.Path(c.folder(person))}})
}
