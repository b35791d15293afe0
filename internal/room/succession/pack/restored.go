package pack

import (
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/promise"
)

// TypeRestored is the payload type of what a successor says after it restored a service.
const TypeRestored = "application/vnd.entrechat.pack-restored.v1+json"

// Count is a number of the same things in the snapshot and in what was restored of it.
type Count struct {
	What string `json:"what"` // "mailboxes", "messages"
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// Restored is what a successor saw when it restored a service.
type Restored struct {
	V        int64         `json:"v"` // 1
	Owner    core.MemberID `json:"owner"`
	Service  string        `json:"service"`
	By       core.MemberID `json:"by"`
	Pack     string        `json:"pack"` // ID of the pack it was done with
	Snapshot string        `json:"snapshot"`
	Bytes    int64         `json:"bytes"`
	Files    int64         `json:"files"`
	TookS    int64         `json:"took_s"`
	Counts   []Count       `json:"counts"`
	At       core.Moment   `json:"at_us"`
	// LagS is how far behind a copy is that runs there; 0 = none runs.
	LagS int64 `json:"lag_s,omitempty"`

	ID       string        `json:"-"`
	Document seal.Envelope `json:"-"`
}

const maxCounts = 64

// Check returns CodeInvalid for what says nothing.
func (r Restored) Check() error {
	ok := r.V == 1 && r.Owner.Valid() && r.By.Valid() && r.Owner != r.By && promise.ValidService(r.Service) && hashForm.MatchString(r.Pack) &&
		r.Snapshot != "" && plain(r.Snapshot, 100) && r.Bytes >= 0 && r.Files >= 0 && r.TookS >= 0 && r.LagS >= 0 && r.At > 0 && len(r.Counts) <= maxCounts
	for _, c := range r.Counts {
		ok = ok && c.What != "" && plain(c.What, 60) && c.From >= 0 && c.To >= 0
	}
	if !ok {
		return core.Invalid("succession.pack.bad_restored", errors.New("no restore"))
	}
	return nil
}

// Equal says whether something was counted, and everything is as often there as in the snapshot.
func (r Restored) Equal() bool {
	return len(r.Counts) > 0 && !slices.ContainsFunc(r.Counts, func(c Count) bool { return c.From != c.To })
}

func signRestored(r Restored, by seal.Signer) (Restored, error) {
	r.V, r.By = 1, by.ID()
	if r.Counts == nil {
		r.Counts = []Count{}
	}
	if err := r.Check(); err != nil {
		return r, err
	}
	payload, err := wire.Encode(r)
	if err != nil {
		return r, err
	}
	r.ID = idOf(payload)
	r.Document, err = seal.SignDoc(TypeRestored, payload, by)
	return r, err
}

func readRestored(env seal.Envelope) (r Restored, err error) {
	payload, err := payloadOf(env, TypeRestored)
	if err != nil {
		return r, err
	}
	if err := wire.Decode(payload, &r); err != nil {
		return r, err
	}
	r.ID, r.Document = idOf(payload), env
	return r, r.Check()
}

// Kind says what was proved of a service at a successor.
type Kind string

// The kinds; empty = nothing was proved.
const (
	Cold Kind = "cold" // all 12 items are there
	Warm Kind = "warm" // it was restored there, and everything was equal
	Hot  Kind = "hot"  // a copy runs there, and its lag was measured within a day
)

// hotFor is how long a measured lag counts.
const hotFor = 24 * time.Hour

// KindOf is what was proved of a pack at one successor, and until when it counts; until is zero
// for Cold. restores are those of that successor.
func KindOf(p Pack, restores []Restored, now core.Moment) (kind Kind, until core.Moment) {
	for _, r := range restores {
		if !r.Equal() || r.At > now.Add(time.Hour) || r.Owner != p.Owner || r.Service != p.Service {
			continue
		}
		if end := r.At.Add(hotFor); r.LagS > 0 && end >= now && (kind != Hot || end > until) {
			kind, until = Hot, end
		}
		if end := r.At.Add(Fresh); kind != Hot && end >= now && end > until {
			kind, until = Warm, end
		}
	}
	if kind != "" {
		return kind, until
	}
	if len(p.Items) == len(Names()) && !slices.ContainsFunc(p.Items, func(i Item) bool { return i.State != There }) {
		return Cold, 0
	}
	return "", 0
}
