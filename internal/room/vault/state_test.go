package vault

import (
	"testing"

	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shipping"
)

// A shard that turns out lost while another of its object is on its way is not
// forgotten when that one arrives.
func TestLostWhileAnotherIsPlaced(t *testing.T) {
	w := newWorld(t, 6)
	w.create("files")
	body := randomBytes(1000, 3)
	w.client("files", "").put(rest.Data, body)
	w.settled()
	w.quiet()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.room.store.Placements.Of(t.Context(), o.ID)
	if err != nil || len(all) != 6 {
		t.Fatal(all, err)
	}
	back, gone := all[0], all[1]
	w.room.pool.Believe(t.Context(), back, catalogue.Lost)
	s := w.room.shipping.Begin(w.object(o.ID), all[1:])
	w.room.pool.Believe(t.Context(), gone, catalogue.Lost)
	if err := s.Confirm(t.Context(), []catalogue.Placement{back}); err != nil {
		t.Fatal(err)
	}
	if got := w.object(o.ID); got.State != catalogue.Safe {
		t.Errorf("%+v", got)
	}
}

// Failed rounds of long ago do not have an object cut anew at its next loss.
func TestPlacedForgetsFailedRounds(t *testing.T) {
	w := newWorld(t, 6)
	w.create("files")
	body := randomBytes(1000, 4)
	w.client("files", "").put(rest.Data, body)
	w.settled()
	w.quiet()
	o, err := w.room.store.Objects.File(t.Context(), "files", rest.Handle{Type: rest.Data, Name: nameOf(body)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.room.store.Placements.Of(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.room.pool.Believe(t.Context(), all[0], catalogue.Lost)
	if err := w.room.store.Queue.Postpone(t.Context(), o.ID, shipping.RecodeAfter, 0); err != nil {
		t.Fatal(err)
	}
	w.room.pool.Believe(t.Context(), all[0], catalogue.Stored)
	if got := w.object(o.ID); got.State != catalogue.Placed || got.Tries != 0 {
		t.Errorf("%+v", got)
	}
}
