package target

import (
	"crypto/rand"
	"encoding/hex"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// What an owner says of its targets in its logbook. The last one said of an ID counts.
// spec: docs/spec/watch.md#targets
const (
	TypeTarget = "entrechat/watch-target/1"
	TypeGone   = "entrechat/watch-target-gone/1"
)

// said is the body of a target's entry.
type said struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Kind    Kind   `json:"kind"`
	Address string `json:"address,omitempty"`
	Every   int64  `json:"every_s"`
	Expect  Expect `json:"expect"`
	Paused  bool   `json:"paused,omitempty"`
	Made    int64  `json:"made_us"`
}

// gone is the body of the entry that ends a target.
type gone struct {
	ID string `json:"id"`
}

func (t Target) body() said {
	return said{t.ID, t.Service, t.Kind, t.Address, int64(t.Every / time.Second), t.Expect, t.Paused, int64(t.Made)}
}

// parse reads what a member says of a target of its own. Members a newer program wrote are
// passed over. Returns CodeInvalid.
func parse(e logbook.Entry) (Target, error) {
	var b said
	if err := wire.Peek(e.Body, &b); err != nil {
		return Target{}, err
	}
	if b.Every < 0 || b.Every > int64(MaxEvery/time.Second) {
		return Target{}, bad("watch.target.bad_every", "")
	}
	t := Target{
		ID: b.ID, Owner: e.Log, Service: b.Service, Kind: b.Kind, Address: b.Address, Every: time.Duration(b.Every) * time.Second,
		Expect: b.Expect, Paused: b.Paused, Made: core.Moment(b.Made),
	}
	return t, t.Check()
}

// NewID draws the ID of a target.
func NewID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
