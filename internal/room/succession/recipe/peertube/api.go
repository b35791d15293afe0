package peertube

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// account is one person at one server, signed in.
type account struct {
	*recipe.Web

	side string
	poll time.Duration
	me   me
}

type me struct {
	ID      int64  `json:"id"`
	Name    string `json:"username"`
	Quota   int64  `json:"videoQuota"` // -1 = without end
	Account struct {
		DisplayName string `json:"displayName"`
		Description string `json:"description"`
	} `json:"account"`
}

func (m *move) open(ctx context.Context, side, address, token string) (a account, err error) {
	a.side, a.poll = side, m.poll
	if a.Web, err = recipe.OpenWeb(side, address, token); err != nil {
		return a, err
	}
	_, err = a.Ask(ctx, recipe.Call{Path: "/api/v1/users/me"}, &a.me)
	if err == nil && (a.me.ID <= 0 || !nameForm.MatchString(a.me.Name)) {
		err = core.Unsure("succession.recipe.web", errors.New("no person")).With("Side", side).With("Path", "/api/v1/users/me").With("Said", "no id or name")
	}
	return a, err
}

// old signs in at the old server; its token must be of the person whom the settings name.
func (m *move) old(ctx context.Context, name string) (account, error) {
	a, err := m.open(ctx, "old", m.Old.URL, m.people[name].OldToken)
	if err == nil && a.me.Name != name {
		err = recipe.Wrong(name + ": old_token is of " + a.me.Name)
	}
	return a, err
}

func (m *move) new(ctx context.Context, name string) (account, error) {
	return m.open(ctx, "new", m.New.URL, m.people[name].NewToken)
}

// user is a path below that of the person.
func (a account) user(path string) string { return fmt.Sprintf("/api/v1/users/%d/%s", a.me.ID, path) }

// mine is a path below that of the person's public account.
func (a account) mine(path string) string {
	return "/api/v1/accounts/" + url.PathEscape(a.me.Name) + "/" + path
}

// item is what lists have: of a video, a channel, a playlist, or a channel that is followed.
type item struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Host     string `json:"host"`
	Title    string `json:"displayName"` // of a playlist
	Duration int64  `json:"duration"`
	Privacy  kind   `json:"privacy"`
	State    kind   `json:"state"`
	Type     kind   `json:"type"` // of a playlist: 1 = made by the person
	Items    int64  `json:"videosLength"`
}

type kind struct {
	ID int64 `json:"id"`
}

// maxItems is how many of one kind are read.
const maxItems = 10_000

// list reads all of a list, 100 at a time.
func (a account) list(ctx context.Context, path string) (all []item, err error) {
	for {
		var page struct {
			Total int64  `json:"total"`
			Data  []item `json:"data"`
		}
		if _, err := a.Ask(ctx, recipe.Call{Path: path + "?count=100&sort=createdAt&start=" + strconv.Itoa(len(all))}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		switch {
		case int64(len(all)) >= page.Total:
			return all, nil
		case len(page.Data) == 0 || len(all) > maxItems:
			return nil, core.Unsure("succession.recipe.web", errors.New("a list without end")).With("Side", a.side).With("Path", path).With("Said", "a list without end")
		}
	}
}

// holdings are what a person has.
type holdings struct{ videos, channels, playlists, following []item }

func (a account) holdings(ctx context.Context) (h holdings, err error) {
	for _, l := range []struct {
		path string
		into *[]item
	}{
		{"/api/v1/users/me/videos", &h.videos},
		{a.mine("video-channels"), &h.channels},
		{a.mine("video-playlists"), &h.playlists},
		{"/api/v1/users/me/subscriptions", &h.following},
	} {
		if *l.into, err = a.list(ctx, l.path); err != nil {
			return h, err
		}
	}
	own := h.playlists[:0]
	for _, p := range h.playlists {
		if p.Type.ID != watchLater {
			own = append(own, p)
		}
	}
	h.playlists = own
	return h, nil
}

// key tells an item of one kind from others, by what an archive and a server both say of it.
func (i item) key(kind string) string {
	switch kind {
	case "playlist":
		return kind + " " + i.Title
	case "following":
		return kind + " " + i.Name + "@" + i.Host
	}
	return kind + " " + i.Name
}

func (h *holdings) kinds() map[string]*[]item {
	return map[string]*[]item{"video": &h.videos, "channel": &h.channels, "playlist": &h.playlists, "following": &h.following}
}

// keys are those of all that a person has.
func (h *holdings) keys() map[string]bool {
	keys := map[string]bool{}
	for kind, all := range h.kinds() {
		for _, i := range *all {
			keys[i.key(kind)] = true
		}
	}
	return keys
}

// only keeps what has one of these keys.
func (h *holdings) only(keys map[string]bool) {
	for kind, all := range h.kinds() {
		*all = slices.DeleteFunc(*all, func(i item) bool { return !keys[i.key(kind)] })
	}
}

// watchLater is the type of the playlist that everybody has.
const watchLater = 2
