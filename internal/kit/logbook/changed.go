package logbook

import (
	"context"

	"entrechat/internal/core"
)

// Update looks at one log a member says has changed.
func (mr *Mirror) Update(ctx context.Context, at holder, item headItem) error {
	m, err := getMember(ctx, mr.st.DB, item.Member)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil // not followed
	}
	if err != nil {
		return err
	}
	s := mr.remote.sourceAt(at, LogOrigin(item.Member, item.Epoch))
	if item.Version > m.version {
		doc, err := s.keySet(ctx)
		if err != nil {
			return err
		}
		if err := mr.reg.Learn(ctx, item.Member, doc); err != nil {
			return err
		}
	}
	if m.forked != 0 {
		return errSuspended
	}
	l, err := getLog(ctx, mr.st.DB, item.Member, item.Epoch)
	if err != nil || item.Head == "" || item.Head == string(l.note) {
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
	_, err = mr.syncLog(ctx, s, item.Member, item.Epoch, []byte(item.Head))
	return err
}

// updateOwn looks at what others hold of our own log. An earlier state is what
// we expect. More than we have means that this node lost entries, or that another
// one runs with our key: the guard must pass again before anything is appended. What
// our key did not sign means nothing.
func (mr *Mirror) updateOwn(ctx context.Context, l logRow, s source, note []byte) error {
	c, err := claim(note)
	if err != nil {
		return err
	}
	if c.N < l.tree.N || c.Tree == l.tree {
		root, err := rootAt(ctx, mr.st.DB, l, c.N)
		if err != nil || root == c.Hash {
			return err
		}
	}
	keys, _, err := mr.reg.KeySet(ctx, l.member)
	if err != nil {
		return err
	}
	if _, err := openHead(keys, l.epoch, note); err != nil {
		return err
	}
	mr.author.Doubt()
	_, err = mr.syncLog(ctx, s, l.member, l.epoch, note)
	return err
}
