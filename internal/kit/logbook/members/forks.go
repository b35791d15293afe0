package members

import (
	"context"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/wire"
)

// RecordFork stores a fork proof that holds and suspends the member. Against ourselves
// it stops appending: two machines ran with one key. Returns CodeInvalid or
// CodeDenied when nothing is proved, CodeNotFound for a member we do not know.
func (r *Registry) RecordFork(ctx context.Context, f format.Fork) error {
	proof, err := wire.Encode(f)
	if err != nil {
		return err
	}
	fresh := false
	err = r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		fresh, err = r.recordForkTx(ctx, q, f, proof)
		return err
	})
	if err == nil && fresh {
		r.st.Log.Error("a member signed two histories", "member", f.Origin, "epoch", f.Epoch)
		r.st.Wake()
	}
	return err
}

// recordForkTx is RecordFork within a transaction; it says whether the proof is news.
func (r *Registry) recordForkTx(ctx context.Context, q db.Querier, f format.Fork, proof []byte) (bool, error) {
	m, err := store.GetMember(ctx, q, f.Origin)
	if err != nil || m.Forked != 0 {
		return false, err // one proof is enough
	}
	newest := format.KeySet{}
	if m.Version > 0 {
		if newest, err = m.KeySet(); err != nil {
			return false, err
		}
	}
	if err := f.Check(m.Root, newest); err != nil {
		return false, err
	}
	fresh, err := store.PutFork(ctx, q, f.Origin, proof, r.st.Now())
	if err != nil || !fresh { // pardoned before
		return false, err
	}
	settled, err := r.isSettled(ctx, q, f, newest)
	if err != nil {
		return false, err
	}
	if settled {
		_, err := store.PardonForks(ctx, q, f.Origin, r.st.Now())
		return false, err
	}
	if f.Origin == r.st.Self() {
		if err := store.PutStop(ctx, q, store.StopFork, "proof met", r.st.Now()); err != nil {
			return false, err
		}
	}
	m.Forked = r.st.Now()
	return true, store.PutMember(ctx, q, m)
}

// isSettled says that a proof is about something that is over: witnesses of one fork
// each make a proof of their own, and not every one of them starts it all anew. It
// is over once the root key closed the log in question; about somebody else, once
// people also pardoned another proof of that log.
func (r *Registry) isSettled(ctx context.Context, q db.Querier, f format.Fork, newest format.KeySet) (bool, error) {
	if f.Epoch >= newest.Epoch() || f.Origin == r.st.Self() {
		return f.Epoch < newest.Epoch(), nil
	}
	all, err := store.AllForks(ctx, q)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(all, func(k store.ForkRow) bool {
		before, err := format.DecodeFork(k.Proof)
		return err == nil && k.Member == f.Origin && k.Pardoned != 0 && before.Epoch == f.Epoch
	}), nil
}

// Pardon lifts a suspension: people have talked, and decide to go on with the
// history we hold. The proofs stay. Returns CodeNotFound when there is nothing to
// pardon.
func (r *Registry) Pardon(ctx context.Context, id core.MemberID) error {
	err := r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := store.GetMember(ctx, q, id)
		if err != nil {
			return err
		}
		n, err := store.PardonForks(ctx, q, id, r.st.Now())
		if err != nil {
			return err
		}
		if n == 0 && m.Forked == 0 {
			return core.NotFound("logbook.no_fork", fmt.Errorf("nothing held against %s", id)).With("Member", id)
		}
		m.Forked = 0
		if err := store.PutMember(ctx, q, m); err != nil {
			return err
		}
		if err := store.RetryNow(ctx, q, id); err != nil {
			return err
		}
		return store.ResetCursors(ctx, q)
	})
	if err == nil {
		r.st.Wake()
	}
	return err
}

// Evidence is a stored fork proof.
type Evidence struct {
	Member   core.MemberID
	Proof    format.Fork
	Found    core.Moment
	Pardoned core.Moment // zero = not
}

// Forks lists the stored proofs, oldest first.
func (r *Registry) Forks(ctx context.Context) ([]Evidence, error) {
	all, err := store.AllForks(ctx, r.st.DB)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, 0, len(all))
	for _, k := range all {
		f, err := format.DecodeFork(k.Proof)
		if err != nil {
			return nil, store.Damaged(string(k.Member), err)
		}
		out = append(out, Evidence{k.Member, f, k.Found, k.Pardoned})
	}
	return out, nil
}

// unpardoned is when a fork was proved of somebody we begin to follow, and not
// pardoned since; zero = never. The name may have another owner by now, with another
// root key.
func unpardoned(ctx context.Context, q db.Querier, m store.MemberRow) (core.Moment, error) {
	all, err := store.AllForks(ctx, q)
	for _, k := range all {
		if k.Member != m.ID || k.Pardoned != 0 {
			continue
		}
		if f, err := format.DecodeFork(k.Proof); err == nil && f.Check(m.Root, format.KeySet{}) == nil {
			return k.Found, nil
		}
	}
	return 0, err
}
