package mirror

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
)

// Update looks at one log a member says has changed.
func (mr *Mirror) Update(ctx context.Context, at store.Holder, item format.HeadItem) error {
	m, err := store.GetMember(ctx, mr.st.DB, item.Member)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // not followed
	}
	if err != nil {
		return err
	}
	s := mr.remote.SourceAt(at, format.LogOrigin(item.Member, item.Epoch))
	if item.Version > m.Version {
		doc, err := s.KeySet(ctx)
		if err != nil {
			return err
		}
		if err := mr.reg.Learn(ctx, item.Member, doc); err != nil {
			return err
		}
	}
	if m.Forked != 0 {
		return ErrSuspended
	}
	l, err := store.GetLog(ctx, mr.st.DB, item.Member, item.Epoch)
	if err != nil || item.Head == "" || item.Head == string(l.Note) {
		return err
	}
	if item.Epoch > 1 {
		keys, _, err := mr.reg.KeySet(ctx, item.Member)
		if err != nil {
			return err
		}
		if err := mr.syncClosed(ctx, at, keys); err != nil {
			return err
		}
	}
	if item.Member == mr.st.Self() {
		return mr.updateOwn(ctx, l, s, []byte(item.Head))
	}
	_, err = mr.SyncLog(ctx, s, item.Member, item.Epoch, []byte(item.Head))
	return err
}

// updateOwn looks at what others hold of our own log. An earlier state is what
// we expect. More than we have means that this node lost entries, or that another
// one runs with our key: the guard must pass again before anything is appended. What
// our key did not sign means nothing.
func (mr *Mirror) updateOwn(ctx context.Context, l store.LogRow, s Source, note []byte) error {
	c, err := format.Claim(note)
	if err != nil {
		return err
	}
	if c.N < l.Tree.N || c.Tree == l.Tree {
		root, err := store.RootAt(ctx, mr.st.DB, l, c.N)
		if err != nil || root == c.Hash {
			return err
		}
	}
	keys, _, err := mr.reg.KeySet(ctx, l.Member)
	if err != nil {
		return err
	}
	if _, err := format.OpenHead(keys, l.Epoch, note); err != nil {
		return err
	}
	mr.author.Doubt()
	_, err = mr.SyncLog(ctx, s, l.Member, l.Epoch, note)
	return err
}
