package mastodon

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/recipe"
)

// added is one thing that we brought: noted before it is asked for, and taken back by an undo.
type added struct {
	Kind  string `json:"kind"`
	Entry entry  `json:"entry"`
	ID    string `json:"id"` // of the account or the post at the new server
}

// newList is the kind of a list that we made; its title is the entry's.
const newList = "new_list"

func noteFile(w recipe.Work) string { return filepath.Join(w.Dir, "added-"+w.Unit) }

// begun says whether this move brought anything.
func begun(w recipe.Work) bool {
	_, err := os.Stat(noteFile(w))
	return err == nil
}

// notes are what was added, in its order. A last line that broke off was never asked for.
func notes(w recipe.Work) (all []added, err error) {
	text, err := os.ReadFile(noteFile(w))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		var a added
		if json.Unmarshal(line, &a) == nil && a.Kind != "" {
			all = append(all, a)
		}
	}
	return all, err
}

func note(w recipe.Work, a added) (err error) {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("note what is added: %w", err)
	}
	f, err := os.OpenFile(noteFile(w), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("note what is added: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(append([]byte("\n"), text...), '\n'))
	return errors.Join(err, f.Sync())
}

// bringer gives an account what it does not have.
type bringer struct {
	account

	w       recipe.Work
	ids     map[string]string // of accounts and posts that were found
	titles  map[string]string // of lists
	missing []added
}

// bring adds what source has and the account has not.
func (a account) bring(ctx context.Context, w recipe.Work, source, have book) ([]added, error) {
	b := &bringer{account: a, w: w, ids: map[string]string{}, titles: map[string]string{}}
	all, err := a.lists(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		b.titles[l.Title] = l.ID
	}
	var todo []added
	for _, kind := range kinds() {
		for _, e := range source.sorted(kind) {
			if !have[kind][e] {
				todo = append(todo, added{Kind: kind, Entry: e})
			}
		}
	}
	for i, one := range todo {
		w.Say(int64(i), int64(len(todo)))
		if err := b.one(ctx, one); err != nil {
			return nil, err
		}
	}
	return b.missing, nil
}

// refused are answers that mean this one account or post, not us: gone, blocks us, not to be had.
func refused() []int {
	return []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity}
}

// one adds one. What nobody finds, or refuses, is missing; it is no error.
func (b *bringer) one(ctx context.Context, one added) (err error) {
	if one.Kind != domainBlocks {
		if one.ID, err = b.find(ctx, one); err != nil {
			return err
		}
		if one.ID == "" {
			b.missing = append(b.missing, one)
			return nil
		}
	}
	if one.Kind == lists {
		if err := b.list(ctx, one.Entry.List); err != nil {
			return err
		}
	}
	if err := note(b.w, one); err != nil {
		return err
	}
	c := b.call(one, true)
	c.Also = refused()
	r, err := b.Do(ctx, c)
	if err == nil && slices.Contains(refused(), r.Status) {
		b.missing = append(b.missing, one)
	}
	return err
}

// call is what adds one, or takes it back.
func (b *bringer) call(one added, add bool) recipe.Call {
	word := func(do, undo string) string {
		if add {
			return do
		}
		return undo
	}
	method := word("POST", "DELETE")
	switch one.Kind {
	case domainBlocks:
		return recipe.Call{Method: method, Path: "/api/v1/domain_blocks", Form: url.Values{"domain": {one.Entry.Value}}}
	case lists:
		return recipe.Call{Method: method, Path: "/api/v1/lists/" + b.titles[one.Entry.List] + "/accounts", Form: url.Values{"account_ids[]": {one.ID}}}
	case bookmarks:
		return recipe.Call{Method: "POST", Path: "/api/v1/statuses/" + one.ID + word("/bookmark", "/unbookmark")}
	case blocks:
		return recipe.Call{Method: "POST", Path: "/api/v1/accounts/" + one.ID + word("/block", "/unblock")}
	case mutes:
		return recipe.Call{Method: "POST", Path: "/api/v1/accounts/" + one.ID + word("/mute", "/unmute")}
	default:
		return recipe.Call{Method: "POST", Path: "/api/v1/accounts/" + one.ID + word("/follow", "/unfollow")}
	}
}

// list makes a list with a title where there is none.
func (b *bringer) list(ctx context.Context, title string) error {
	if b.titles[title] != "" {
		return nil
	}
	if err := note(b.w, added{Kind: newList, Entry: entry{List: title}}); err != nil {
		return err
	}
	var made list
	if _, err := b.Ask(ctx, recipe.Call{Method: "POST", Path: "/api/v1/lists", Form: url.Values{"title": {title}}}, &made); err != nil {
		return err
	}
	if !idForm.MatchString(made.ID) {
		return b.odd("/api/v1/lists", "a list without id")
	}
	b.titles[title] = made.ID
	return nil
}

// find has the new server look for an account or a post; "" = not found.
func (b *bringer) find(ctx context.Context, one added) (string, error) {
	if id, ok := b.ids[one.Entry.Value]; ok {
		return id, nil
	}
	kind, q := "accounts", "@"+one.Entry.Value
	if one.Kind == bookmarks {
		kind, q = "statuses", one.Entry.Value
	}
	var found struct {
		Accounts []who `json:"accounts"`
		Statuses []struct {
			ID  string `json:"id"`
			URI string `json:"uri"`
		} `json:"statuses"`
	}
	r, err := b.Do(ctx, recipe.Call{Path: "/api/v2/search?" + url.Values{"q": {q}, "type": {kind}, "resolve": {"true"}, "limit": {"5"}}.Encode(), Also: []int{http.StatusNotFound, http.StatusUnprocessableEntity}})
	if err != nil {
		return "", err
	}
	id := ""
	if r.Status == http.StatusOK {
		if err := json.Unmarshal(r.Body, &found); err != nil {
			return "", b.odd("/api/v2/search", "no JSON")
		}
	}
	for _, a := range found.Accounts {
		if b.address(a.Acct) == one.Entry.Value && idForm.MatchString(a.ID) {
			id = a.ID
		}
	}
	for _, s := range found.Statuses {
		if s.URI == one.Entry.Value && idForm.MatchString(s.ID) {
			id = s.ID
		}
	}
	b.ids[one.Entry.Value] = id
	return id, nil
}

// takeBack takes back what we added, the last first.
func (a account) takeBack(ctx context.Context, w recipe.Work) error {
	all, err := notes(w)
	if err != nil || len(all) == 0 {
		return err
	}
	now, err := a.lists(ctx)
	if err != nil {
		return err
	}
	b := &bringer{account: a, titles: map[string]string{}}
	for _, l := range now {
		b.titles[l.Title] = l.ID
	}
	for _, one := range slices.Backward(all) {
		c := b.call(one, false)
		switch {
		case (one.Kind == lists || one.Kind == newList) && b.titles[one.Entry.List] == "":
			continue // the list is gone, or never was made
		case one.Kind == newList:
			c = recipe.Call{Method: "DELETE", Path: "/api/v1/lists/" + b.titles[one.Entry.List]}
		}
		c.Also = refused()
		if _, err := b.Do(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

const missingFile = "missing.csv"

// writeMissing tells people what nobody found: kind, list, account or post.
func writeMissing(dir string, all []added) error {
	name := filepath.Join(dir, missingFile)
	if len(all) == 0 {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	for _, one := range all {
		_ = w.Write([]string{one.Kind, one.Entry.List, one.Entry.Value}) // into memory
	}
	w.Flush()
	return disk.Replace(name, text.Bytes())
}

// asked finds follows of source that wait for an answer: they are in no list of the server.
func (a account) asked(ctx context.Context, source, have book) error {
	var ids []string
	addresses := map[string]string{}
	for _, e := range source.sorted(follows) {
		if have[follows][e] || len(ids) >= maxAsked {
			continue
		}
		var w who
		_, err := a.Ask(ctx, recipe.Call{Path: "/api/v1/accounts/lookup?" + url.Values{"acct": {strings.TrimSuffix(e.Value, "@"+a.Domain)}}.Encode()}, &w)
		if core.CodeOf(err) == core.CodeNotFound || err == nil && !idForm.MatchString(w.ID) {
			continue
		}
		if err != nil {
			return err
		}
		ids, addresses[w.ID] = append(ids, w.ID), e.Value
	}
	for some := range slices.Chunk(ids, 40) {
		var all []struct {
			ID        string `json:"id"`
			Requested bool   `json:"requested"`
		}
		if _, err := a.Ask(ctx, recipe.Call{Path: "/api/v1/accounts/relationships?" + url.Values{"id[]": some}.Encode()}, &all); err != nil {
			return err
		}
		for _, r := range all {
			if r.Requested {
				have.add(follows, entry{Value: addresses[r.ID]})
			}
		}
	}
	return nil
}

// maxAsked is how many follows that are in no list are asked for one by one.
const maxAsked = 1000
