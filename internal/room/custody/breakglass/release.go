package breakglass

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
)

// TypeRelease is the entry by which a holder says that it let its share go; it is in the
// logbook before the share is handed out. TypeOpened is that of the asker, who opened the box.
// spec: docs/spec/custody.md#release
const (
	TypeRelease = "entrechat/custody-release/1"
	TypeOpened  = "entrechat/custody-opened/1"
)

type entryBody struct {
	Ask string `json:"ask"`
}

// Release lets our share go to the recipient of an ask, because a person here says so.
// clockSeen says that they looked at the clock, where it is doubtful. Returns CodeConflict
// "custody.breakglass.not_ready" with the State, "custody.breakglass.clock", CodeInvalid for a share that is
// damaged here.
func (a *base) Release(ctx context.Context, id string, clockSeen bool) error {
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return err
	}
	if !r.held {
		return core.Denied("custody.breakglass.no_share", errors.New("we keep no share"))
	}
	f, err := a.facts(ctx, r.Signed)
	if err != nil {
		return err
	}
	sealed, err := a.sealShare(ctx, r)
	if err != nil {
		return err
	}
	from, err := a.ownSize(ctx)
	if err != nil {
		return err
	}
	err = a.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if r, err = get(ctx, q, id); err != nil {
			return err
		}
		s, err := a.standing(ctx, q, r, f)
		if err != nil {
			return err
		}
		c, err := readClock(ctx, q)
		if err != nil {
			return err
		}
		v := s.Judge(a.now(), c.Ran)
		switch {
		case v.State == ask.Released:
			return nil
		case v.State != ask.Ready:
			return core.Conflict("custody.breakglass.not_ready_"+string(v.State), fmt.Errorf("it is %s", v.State)).With("Left", v.Left.Round(time.Minute))
		case c.Doubtful() && !clockSeen:
			return core.Conflict("custody.breakglass.clock", fmt.Errorf("off by %v", c.Owed)).With("By", c.Owed.Abs())
		}
		r.share, r.logFrom = sealed, from
		_, err = setReleased(ctx, q, r, a.now())
		return err
	})
	if err != nil {
		return err
	}
	return a.finish(ctx)
}

// sealShare encrypts our share to the recipient of the ask.
func (a *base) sealShare(ctx context.Context, r row) ([]byte, error) {
	s, err := a.n.Deals.Share(ctx, r.Deal)
	if err != nil {
		return nil, err
	}
	to, err := age.ParseX25519Recipient(r.Recipient)
	if err != nil {
		return nil, ask.Bad(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write([]byte(s.Text()))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal a share: %w", err)
	}
	return out.Bytes(), nil
}

// ownSize is how many entries our logbook has.
func (a *base) ownSize(ctx context.Context) (int64, error) {
	me, _, err := a.member(ctx, a.self())
	return me.Size, err
}

// finish writes into the logbook which shares were let go. What a crash left between is looked
// up first: nothing stands there twice.
func (a *base) finish(ctx context.Context) error {
	return disk.Alone(ctx, a.n.Lock, func() error {
		all, err := unlogged(ctx, a.n.DB)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := a.write(ctx, TypeRelease, r.ID, r.logFrom); err != nil {
				return err
			}
			if err := setLogged(ctx, a.n.DB, r.ID, a.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// write appends an entry about an ask, unless it stands in what was written since from.
func (a *base) write(ctx context.Context, typ, id string, from int64) error {
	const page = 500
	for {
		list, err := a.n.Book.Entries(ctx, a.self(), from, page)
		if err != nil {
			return err
		}
		for _, e := range list {
			var b entryBody
			if e.Typ == typ && wire.Peek(e.Body, &b) == nil && b.Ask == id {
				return nil
			}
			from = e.Index + 1
		}
		if len(list) == 0 {
			break
		}
	}
	_, err := a.n.Book.Append(ctx, typ, nil, 0, entryBody{id})
	return err
}

// Hand answers the asker. Nothing of the deal is said before a person released, or once the owner's
// words said no: a share that was let go and not fetched stays here.
func (a *base) Hand(ctx context.Context, id string) (h collect.Handed, err error) {
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return h, err
	}
	v, err := a.judge(ctx, r)
	h.Status = collect.StatusOf(v)
	if err != nil || !r.held || v.State != ask.Released || r.logged == 0 {
		return h, err
	}
	words, err := allSaid(ctx, a.n.DB, id)
	if err != nil {
		return h, err
	}
	if slices.ContainsFunc(words, func(w said) bool { return w.strength == ask.ByRoot }) {
		h.Status = collect.Status{State: ask.Vetoed, Why: ask.WhyRoot}
		return h, nil
	}
	d, err := a.n.Deals.Held(ctx, r.Deal)
	if err != nil {
		return h, err
	}
	box, err := a.n.Boxes.Sealed(ctx, r.Deal)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return h, err
	}
	h.Share, h.Box, h.Deal = base64.StdEncoding.EncodeToString(r.share), base64.StdEncoding.EncodeToString(box), &d.Document
	h.Holders = map[core.MemberID]string{}
	for _, m := range d.Members {
		if url, err := a.n.Book.URL(ctx, m); err == nil && m != a.self() {
			h.Holders[m] = url
		}
	}
	return h, nil
}
