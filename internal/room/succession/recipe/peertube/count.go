package peertube

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// Count compares one person by what the interfaces of both servers list; where the old one is dead, by
// what the archive has.
func (m *move) Count(ctx context.Context, name string) ([]recipe.Count, error) {
	from, err := m.source(ctx, name)
	if err != nil {
		return nil, err
	}
	a, err := m.new(ctx, name)
	if err != nil {
		return nil, err
	}
	to, err := a.holdings(ctx)
	if err != nil {
		return nil, err
	}
	// What the new account has of its own, such as its first channel, does not count.
	to.only(from.keys())
	counts := []recipe.Count{
		count("videos", from.videos, to.videos, func(i item) string { return fmt.Sprintf("%s\t%d", i.Name, i.Privacy.ID) }),
		count("channels", from.channels, to.channels, func(i item) string { return i.Name }),
		count("playlists", from.playlists, to.playlists, func(i item) string { return i.Title }),
		count("following", from.following, to.following, func(i item) string { return i.Name + "@" + i.Host }),
	}
	if m.lives() {
		counts = append(counts, recipe.Count{What: "playlist_items", From: elements(from), To: elements(to)})
	}
	return counts, nil
}

// source is what a person has at the old server, or in the archive.
func (m *move) source(ctx context.Context, name string) (holdings, error) {
	if !m.lives() {
		h, _, err := look(m.people[name].Archive)
		return h, err
	}
	a, err := m.old(ctx, name)
	if err != nil {
		return holdings{}, err
	}
	return a.holdings(ctx)
}

func elements(h holdings) (n int64) {
	for _, p := range h.playlists {
		n += p.Items
	}
	return n
}

func count(what string, from, to []item, key func(item) string) recipe.Count {
	return recipe.Count{What: what, From: int64(len(from)), To: int64(len(to)), FromSum: sum(from, key), ToSum: sum(to, key)}
}

func sum(all []item, key func(item) string) string {
	if len(all) == 0 {
		return ""
	}
	keys := make([]string, 0, len(all))
	for _, i := range all {
		keys = append(keys, key(i))
	}
	slices.Sort(keys)
	h := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return hex.EncodeToString(h[:])
}
