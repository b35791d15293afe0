package vault

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/upkeep"
)

// mute proves nothing until it is let go.
type mute struct {
	holder.Holder
	free <-chan struct{}
}

// Audit implements holder.Reader.
func (m mute) Audit(ctx context.Context, ref holder.Ref, off int64) (holder.Proof, error) {
	<-m.free
	return m.Holder.Audit(ctx, ref, off)
}

// A member that is long to prove what it holds keeps nobody else's repairs from being
// called over.
func TestOneThatIsLongToProve(t *testing.T) {
	w := emptyWorld(t)
	for i := range 6 {
		w.addMember(core.MemberID("m" + strconv.Itoa(i) + ".test"))
	}
	free := make(chan struct{})
	release := sync.OnceFunc(func() { close(free) })
	defer release()
	var deaf atomic.Bool
	w.wrap = func(id core.MemberID, h holder.Holder) holder.Holder {
		if id == "m0.test" && deaf.Load() {
			return mute{h, free}
		}
		return h
	}
	w.start()
	t.Cleanup(func() { w.stop() })
	w.create("files")
	w.settled()
	c := w.client("files", "")
	for i := range 12 {
		c.put(rest.Index, randomBytes(3000, byte(i)))
	}
	w.settled()
	w.quiet()
	all, err := w.room.store.Objects.All(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	var others []catalogue.Object
	with := 0
	for _, o := range all {
		places, err := w.room.store.Placements.Of(t.Context(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		there := slices.ContainsFunc(places, func(p catalogue.Placement) bool { return p.Member == "m0.test" })
		if there && with == upkeep.Provers-2 {
			continue
		}
		if with++; !there {
			with--
			others = append(others, o)
		}
		trouble := catalogue.Trouble{Member: places[0].Member, Kind: catalogue.TroubleLost, Object: o.ID.String(), Last: 1}
		if err := w.room.store.Troubles.Add(t.Context(), trouble); err != nil {
			t.Fatal(err)
		}
	}
	if with == 0 || len(others) == 0 {
		t.Fatalf("%d objects at m0, %d elsewhere", with, len(others))
	}
	deaf.Store(true)
	done := make(chan error, 1)
	go func() { done <- w.room.upkeep.ProveAll(t.Context()) }()
	w.eventually("the others' repairs are over", func() bool {
		for _, o := range others {
			if n, err := w.room.store.Troubles.Failures(t.Context(), o.ID); err != nil || n > 0 {
				return false
			}
		}
		return true
	})
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
