package record

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/snapshot"
	"entrechat/internal/room/succession/rescue/whose"
)

// Account is a name in a service.
type Account struct {
	Service string `json:"service"`
	User    string `json:"user"`
}

// Gone is what an erasure removed.
type Gone struct {
	Accounts []Account
	Files    int64
	Bytes    int64
}

// Erase removes all that is of somebody in the services of an owner: their items, and who they are.
// It is remembered, by a keyed hash, so that no later restore brings it back.
func (r *Records) Erase(ctx context.Context, owner core.MemberID, who string) (g Gone, err error) {
	r.erasing.Lock()
	defer r.erasing.Unlock()
	all, err := r.List(ctx, owner)
	if err != nil {
		return g, err
	}
	if err := putErased(ctx, r.n.DB, owner, who, r.Now()); err != nil {
		return g, err
	}
	for _, one := range all {
		if one.State == Erased {
			continue
		}
		some, err := r.eraseIn(ctx, owner, one.Service, []string{who})
		if err != nil {
			return g, err
		}
		g.Accounts, g.Files, g.Bytes = append(g.Accounts, some.Accounts...), g.Files+some.Files, g.Bytes+some.Bytes
	}
	return g, nil
}

// EraseAgain removes from a service what people had erased before it was restored again.
func (r *Records) EraseAgain(ctx context.Context, owner core.MemberID, service string) error {
	r.erasing.Lock()
	defer r.erasing.Unlock()
	who, err := erased(ctx, r.n.DB, owner)
	if err == nil && len(who) > 0 {
		_, err = r.eraseIn(ctx, owner, service, who)
	}
	return err
}

func (r *Records) eraseIn(ctx context.Context, owner core.MemberID, service string, who []string) (g Gone, err error) {
	o, err := r.layoutOf(owner, service)
	if err != nil {
		if core.CodeOf(err) == core.CodeNotFound {
			return g, nil // nothing of it is here
		}
		return g, err
	}
	gone := map[string]bool{}
	for _, w := range who {
		for _, i := range o.byWho[w] {
			gone[o.People[i].User] = true
		}
	}
	if len(gone) == 0 {
		return g, nil
	}
	for user := range gone { // a later pack may have another address for them
		if err := putErased(ctx, r.n.DB, owner, r.WhoUser(owner, service, user), r.Now()); err != nil {
			return g, err
		}
	}
	dir := r.FilesOf(owner, service)
	for _, it := range o.items {
		if gone[it.User] {
			files, bytes, err := remove(dir, it.Path)
			if err != nil {
				return g, err
			}
			g.Files, g.Bytes = g.Files+files, g.Bytes+bytes
		}
	}
	for user := range gone {
		g.Accounts = append(g.Accounts, Account{service, user})
	}
	left := slices.DeleteFunc(slices.Clone(o.People), func(p whose.Person) bool { return gone[p.User] })
	return g, r.writeLayout(owner, service, layout{left, o.Shares, o.Shut})
}

// remove removes an item of a sealed tree.
func remove(dir, at string) (files, bytes int64, err error) {
	v, err := whose.Open(dir, at)
	if core.CodeOf(err) == core.CodeNotFound {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	v.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, 0, fmt.Errorf("erase: %w", err)
	}
	defer root.Close() //nolint:errcheck // all that matters returned an error
	if files, bytes, err = snapshot.Empty(root, at); err != nil {
		return files, bytes, fmt.Errorf("erase: %w", err)
	}
	if _, err := root.Lstat(at); err == nil {
		return files, bytes, fmt.Errorf("erase: %w", fs.ErrExist)
	}
	return files, bytes, nil
}
