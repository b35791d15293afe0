package shipping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/encoding"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/shard"
)

// stall is how long a shard on its way may stand still, or wait for its receipt,
// before its lender is taken for away.
const stall = 45 * time.Second

// errOtherCode says that a member has a shard of the object that was encoded with
// another code: sent before a crash, which then forgot both.
var errOtherCode = errors.New("encoded with another code before")

// given is how handing one shard to a lender ended; no placement when the lender
// failed, which is noted and no error.
type given struct {
	member    core.MemberID
	placement *catalogue.Placement
	err       error
}

// Send gives shards to lenders, all at once. The object counts as off-site as soon
// as enough receipts are written down, however long the others take.
func (s *Shipment) Send(ctx context.Context, tasks []pool.Task, p *encoding.Pieces) error {
	label, err := s.by.Keyring.SealLabel(ctx, s.Object)
	if err != nil {
		return err
	}
	repo, err := s.by.Store.Repos.Get(ctx, s.Object.Repo)
	if err != nil {
		return err
	}
	results := make(chan given, len(tasks))
	late := s.watch(len(tasks))
	defer late.end()
	for _, t := range tasks {
		data := late.counting(t.Lender.ID, p.Reader(t.Index))
		h := p.Header(shard.Header{
			Owner: s.by.Signer.ID(), OwnerRoot: s.by.Root, Object: s.Object.ID, Sealed: s.Object.Sealed,
			K: s.Object.Code.K, N: max(s.Object.Code.N, t.Index+1), // a copy's index may lie beyond N when others were lost
			Label: label, Prune: repo.Prune, Made: s.Object.Made,
		}, t.Index)
		go func() {
			placement, err := s.by.give(ctx, t.Lender, h, data)
			results <- given{t.Lender.ID, placement, err}
		}()
	}
	var failed error
	var fresh []catalogue.Placement
	for range tasks {
		r := late.next(ctx, results)
		failed = errors.Join(failed, r.err)
		if r.placement == nil {
			continue
		}
		fresh = append(fresh, *r.placement)
		if s.Object.State == catalogue.Waiting && catalogue.Effective(slices.Concat(s.Stored, fresh)) == s.Object.Code.Enough() {
			failed = errors.Join(failed, s.Confirm(ctx, fresh))
			fresh = nil
		}
	}
	return errors.Join(failed, s.Confirm(ctx, fresh))
}

// give sends one shard to one lender.
func (r *Shipper) give(ctx context.Context, to core.Lender, h shard.Header, data io.Reader) (*catalogue.Placement, error) {
	head, err := shard.Sign(h, r.Signer)
	if err != nil {
		return nil, err
	}
	p := &catalogue.Placement{
		Object: h.Object, Index: h.Index, Member: to.ID, Site: to.Site, Admin: to.Admin,
		Length: h.Length, Root: h.Root, State: catalogue.Stored,
	}
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := &moving{r: data, timer: time.AfterFunc(stall, cancel)}
	defer watched.timer.Stop()
	receipt, err := r.Holder(to.ID).Put(sending, head, watched)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case core.CodeOf(err) == core.CodeConflict:
		r.Pool.Bad(ctx, pool.TroubleOf(to.ID, *p, err))
		return nil, fmt.Errorf("%s: %w", to.ID, errOtherCode)
	case err != nil && sending.Err() != nil:
		err = core.Unsure("vault.member_slow", fmt.Errorf("stood still for %s: %w", stall, err))
		fallthrough
	case err != nil:
		r.Pool.Bad(ctx, pool.TroubleOf(to.ID, *p, err))
		return nil, nil //nolint:nilnil // no placement, and the trouble is noted
	}
	if p.Receipt, err = receipt.Document.Encode(); err != nil {
		return nil, err
	}
	p.Since, p.Seen = receipt.Received, core.At(r.Now())
	r.Pool.Delivered(ctx, *p)
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

// Confirm writes receipts down, and where the object stands with them. Those that are
// not written down do not count: the same shards are sent again.
func (s *Shipment) Confirm(ctx context.Context, fresh []catalogue.Placement) error {
	if len(fresh) == 0 {
		return nil
	}
	s.moved = true
	return s.advance(ctx, fresh)
}

// advance writes the state that follows from the shards that are stored, and fresh
// receipts with it. A data file that is placed leaves the local store.
func (s *Shipment) advance(ctx context.Context, fresh []catalogue.Placement) error {
	r, was := s.by, s.Object.State
	if catalogue.StandingOf(s.Object.Code, s.Stored) == was && len(fresh) == 0 {
		return nil
	}
	var state catalogue.State
	var stored []catalogue.Placement
	var leaves bool
	err := r.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		for _, p := range fresh {
			if err := r.Store.Placements.Put(ctx, q, p); err != nil {
				return fmt.Errorf("write placement: %w", err)
			}
		}
		if state, stored, err = r.Pool.Restate(ctx, q, s.Object.ID); err != nil {
			return err
		}
		if leaves = state == catalogue.Placed && s.Object.Local != "" && !catalogue.IsSmall(s.Object.File.Type); leaves {
			return r.Store.Objects.SetLocal(ctx, q, s.Object.ID, "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.Object.State, s.Stored = state, stored
	if was == catalogue.Waiting && state != catalogue.Waiting {
		if !catalogue.IsSmall(s.Object.File.Type) {
			r.Spool.Sent(s.Object.Sealed, s.began)
		}
		r.Committed.Broadcast()
	}
	if !leaves {
		return nil
	}
	// The row no longer names the file; what a crash leaves here, a start sweeps.
	name := s.Object.Local
	s.Object.Local = ""
	r.Spool.Add(-s.Object.Sealed)
	return local.Removed(r.Local.Remove(name))
}
