package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/shard"
)

// stall is how long a shard on its way may stand still, or wait for its receipt,
// before its lender is taken for away.
const stall = 45 * time.Second

// given is how handing one shard to a lender ended; no placement when the lender
// failed, which is noted and no error.
type given struct {
	placement *Placement
	err       error
}

// send gives shards to lenders, all at once. The object counts as off-site as soon
// as enough receipts are written down, however long the others take.
func (s *shipment) send(ctx context.Context, tasks []task, p *pieces) error {
	label, err := s.room.keys.sealLabel(s.o)
	if err != nil {
		return err
	}
	repo, err := s.room.store.repo(ctx, s.o.Repo)
	if err != nil {
		return err
	}
	results := make(chan given, len(tasks))
	for _, t := range tasks {
		h := p.header(shard.Header{
			Owner: s.room.n.Signer.ID(), OwnerRoot: s.room.n.Root, Object: s.o.ID, Sealed: s.o.Sealed,
			K: s.o.Code.K, N: max(s.o.Code.N, t.Index+1), // a copy's index may lie beyond N when others were lost
			Label: label, Prune: repo.Prune, Made: s.o.Made,
		}, t.Index)
		go func() {
			placement, err := s.room.give(ctx, t.Lender, h, p.reader(t.Index))
			results <- given{placement, err}
		}()
	}
	var failed error
	var fresh []Placement
	for range tasks {
		r := <-results
		failed = errors.Join(failed, r.err)
		if r.placement == nil {
			continue
		}
		fresh, s.held = append(fresh, *r.placement), append(s.held, *r.placement)
		if s.o.State == Waiting && effective(s.held) == s.o.Code.Enough() {
			failed = errors.Join(failed, s.keep(ctx, fresh))
			fresh = nil
		}
	}
	return errors.Join(failed, s.keep(ctx, fresh))
}

// give sends one shard to one lender.
func (r *Room) give(ctx context.Context, to core.Lender, h shard.Header, data io.Reader) (*Placement, error) {
	head, err := shard.Sign(h, r.n.Signer)
	if err != nil {
		return nil, err
	}
	p := &Placement{
		Object: h.Object, Index: h.Index, Member: to.ID, Site: to.Site, Admin: to.Admin,
		Length: h.Length, Root: h.Root, State: Held,
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := &moving{r: data, timer: time.AfterFunc(stall, cancel)}
	defer watched.timer.Stop()
	receipt, err := r.n.Holder(to.ID).Put(sending, head, watched)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && sending.Err() != nil:
		err = core.Unsure("vault.member_slow", fmt.Errorf("stood still for %s: %w", stall, err))
		fallthrough
	case err != nil:
		r.pool.bad(ctx, troubleOf(to.ID, *p, err))
		return nil, nil //nolint:nilnil // no placement, and the trouble is noted
	}
	if p.Receipt, err = receipt.Document.Encode(); err != nil {
		return nil, err
	}
	p.Held, p.Seen = receipt.Received, core.At(r.n.Now())
	r.pool.took(ctx, to.ID, h.Length+headRoom)
	return p, nil
}

// moving is a reader that puts off an alarm each time it is read.
type moving struct {
	r     io.Reader
	timer *time.Timer
}

func (m *moving) Read(p []byte) (int, error) {
	m.timer.Reset(stall)
	return m.r.Read(p)
}

// keep writes receipts down, and where the object stands with them. A crash before
// it only means that the same shards are sent again.
func (s *shipment) keep(ctx context.Context, fresh []Placement) error {
	if len(fresh) == 0 {
		return nil
	}
	s.moved = true
	err := s.room.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		for _, p := range fresh {
			if err := s.room.store.place(ctx, q, p); err != nil {
				return fmt.Errorf("write placement: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.advance(ctx)
}

// advance writes the state that follows from the shards that are held.
func (s *shipment) advance(ctx context.Context) error {
	r, was := s.room, s.o.State
	state := stateOf(s.o.Code, effective(s.held))
	if state == was {
		return nil
	}
	if err := r.store.setState(ctx, s.o.ID, state, core.At(r.n.Now())); err != nil {
		return err
	}
	s.o.State = state
	if was == Waiting && !kept(s.o.File.Type) {
		r.spool.sent(s.o.Sealed, s.began)
	}
	r.committed.broadcast()
	return nil
}
