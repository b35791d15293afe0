package rehearsal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/share"
)

const (
	// Scope is that of the dummy's deal and box.
	Scope = "rehearsal"
	// Valid is how long a rehearsal counts.
	Valid = 365 * 24 * time.Hour
	// longest is how long one may take: then it failed.
	longest = 30 * 24 * time.Hour
)

// Rehearsal is one. The zero value is none.
type Rehearsal struct {
	Deal     share.ID    `json:"deal"`  // the dummy's
	Scope    string      `json:"scope"` // what is rehearsed
	K        int64       `json:"k"`
	N        int64       `json:"n"`
	Ask      string      `json:"ask,omitempty"`
	Words    string      `json:"words,omitempty"` // six, while holders have to compare them
	Begun    core.Moment `json:"begun_us"`
	Asked    core.Moment `json:"asked_us"` // 0 = the dummy is on its way to its holders
	Done     core.Moment `json:"done_us"`  // 0 = not opened
	Released int64       `json:"released"`
	Bad      int64       `json:"bad"` // shares that did not hold

	content string
}

// Took is how long it took from the ask until enough shares came; zero while it goes on.
func (o Rehearsal) Took() time.Duration {
	if o.Done == 0 {
		return 0
	}
	return o.Done.Sub(o.Asked)
}

// State is how one stands: "dealt", "asked", "done" or "failed".
func (o Rehearsal) State(now core.Moment) string {
	switch {
	case o.Done != 0:
		return "done"
	case now >= o.Begun.Add(longest):
		return "failed"
	case o.Asked != 0:
		return "asked"
	}
	return "dealt"
}

// Dealer deals the dummy.
type Dealer interface {
	// Dummy deals a content to the holders of the deal of a scope that stands.
	Dummy(ctx context.Context, scope string, content []byte) (id share.ID, k, n int64, err error)
	// Stands says whether a deal of ours does.
	Stands(ctx context.Context, id share.ID) (bool, error)
	// Scopes lists those of our deals that stand.
	Scopes(ctx context.Context) ([]string, error)
}

// Asks asks for it.
type Asks interface {
	Open(ctx context.Context, w breakglass.Wish) (ask.Signed, error)
	Collect(ctx context.Context, id string, paper []share.Share, deliver func(content []byte) error) (collect.Collected, error)
}

// Rehearsals makes them. Safe for concurrent use.
type Rehearsals struct {
	DB     *db.DB
	Dealer Dealer
	Asks   Asks
	Now    func() time.Time
}

func (r *Rehearsals) now() core.Moment { return core.At(r.Now()) }

// Begin deals a dummy to the holders of a scope. Returns CodeConflict while another rehearsal
// goes on, and what dealing does.
func (r *Rehearsals) Begin(ctx context.Context, scope string) error {
	_, on, err := under(ctx, r.DB, r.now().Add(-longest))
	if err != nil {
		return err
	}
	if on {
		return core.Conflict("custody.rehearsal.goes_on", errors.New("another goes on"))
	}
	content := []byte("rehearsal " + rand.Text() + "\n")
	sum := sha256.Sum256(content)
	id, k, n, err := r.Dealer.Dummy(ctx, scope, content)
	if err != nil {
		return err
	}
	return insert(ctx, r.DB, Rehearsal{Deal: id, Scope: scope, K: k, N: n, Begun: r.now(), content: hex.EncodeToString(sum[:])})
}

// Run takes the rehearsal that goes on a step further: it asks once the dummy stands, and opens
// it once enough shares came.
func (r *Rehearsals) Run(ctx context.Context) error {
	o, on, err := under(ctx, r.DB, r.now().Add(-longest))
	if err != nil || !on {
		return err
	}
	if o.Asked == 0 {
		stands, err := r.Dealer.Stands(ctx, o.Deal)
		if err != nil || !stands {
			return err
		}
		s, err := r.Asks.Open(ctx, breakglass.Wish{Scope: Scope, Reason: ask.Rehearsal})
		if err != nil {
			return err
		}
		return setAsked(ctx, r.DB, o.Deal, s.ID, r.now())
	}
	c, err := r.Asks.Collect(ctx, o.Ask, nil, func(content []byte) error {
		sum := sha256.Sum256(content)
		if hex.EncodeToString(sum[:]) != o.content {
			return core.Conflict("custody.rehearsal.other_content", errors.New("the dummy holds something else"))
		}
		o.Done = r.now()
		return nil
	})
	if e, ok := errors.AsType[*core.Error](err); ok && e.Key == "custody.breakglass.opened" {
		o.Done = r.now() // opened before a crash, and looked at before that
		o.Released = o.K
		return setReleased(ctx, r.DB, o)
	}
	if err != nil && o.Done == 0 {
		return err
	}
	o.Released, o.Bad = int64(c.Have), 0
	for _, f := range c.From {
		if f.Bad != "" {
			o.Bad++
		}
	}
	return errors.Join(err, setReleased(ctx, r.DB, o))
}

// List lists them, the newest first.
func (r *Rehearsals) List(ctx context.Context) ([]Rehearsal, error) {
	all, err := list(ctx, r.DB)
	for i, o := range all {
		if o.State(r.now()) == "asked" {
			all[i].Words = ask.SixWords(o.Ask)
		}
	}
	return all, err
}

// Last is when opening boxes of a scope was last rehearsed to its end; zero = never.
func (r *Rehearsals) Last(ctx context.Context, scope string) (core.Moment, error) {
	all, err := list(ctx, r.DB)
	for _, o := range all {
		if o.Scope == scope && o.Done != 0 {
			return o.Done, err
		}
	}
	return 0, err
}

// Jobs go on with what was begun.
func (r *Rehearsals) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "custody-rehearsal", Every: 30 * time.Second, Run: r.Run}}
}

// Checks are what `doctor` asks: whether opening was rehearsed within a year.
func (r *Rehearsals) Checks() []fit.Check {
	return []fit.Check{{Name: "custody.rehearsal.check", Run: r.check}}
}

func (r *Rehearsals) check(ctx context.Context) (fit.Finding, error) {
	scopes, err := r.Dealer.Scopes(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(scopes) == 0 {
		return fit.Unknown("custody.rehearsal.nothing_dealt", nil), nil
	}
	var newest core.Moment
	for _, s := range scopes {
		last, err := r.Last(ctx, s)
		if err != nil {
			return fit.Finding{}, err
		}
		newest = max(newest, last)
	}
	if newest == 0 || r.now() >= newest.Add(Valid) {
		return fit.Finding{}, core.NotFound("custody.rehearsal.due", errors.New("not rehearsed within a year")).With("Scope", scopes[0])
	}
	return fit.Well("custody.rehearsal.well", map[string]any{"Day": newest}), nil
}
