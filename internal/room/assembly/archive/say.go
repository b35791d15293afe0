package archive

import (
	"bytes"
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/wire"
)

// Utter keeps an entry of ours that is to be written. Whatever else has to lie in the database
// before the logbook says it belongs into the same transaction.
func (a *Archive) Utter(ctx context.Context, q db.Querier, s Saying, body any) (err error) {
	if s.Body, err = wire.Encode(body); err != nil {
		return err
	}
	return putSaying(ctx, q, s)
}

// Finish writes into our logbook what is kept for it. What a crash left between is looked up
// first: nothing stands there twice. Returns CodeUnsure "assembly.decision.kept" while the
// logbook cannot be written: it is tried again.
func (a *Archive) Finish(ctx context.Context) error {
	return disk.Alone(ctx, a.Lock, func() error {
		all, err := Unsaid(ctx, a.DB)
		if err != nil {
			return err
		}
		for _, s := range all {
			entry, err := a.write(ctx, s)
			if code := core.CodeOf(err); code == core.CodeUnsure || code == core.CodeConflict {
				return core.Unsure("assembly.decision.kept", err)
			}
			if err != nil {
				return err
			}
			if err := setSaid(ctx, a.DB, s.ID, entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// write appends an entry, unless it stands in what was written since, or it is too late.
func (a *Archive) write(ctx context.Context, s Saying) (int64, error) {
	const page = 500
	for from := s.From; ; {
		list, err := a.Book.Entries(ctx, a.Self, from, page)
		if err != nil {
			return 0, err
		}
		for _, e := range list {
			if e.Typ == s.Typ && bytes.Equal(e.Body, s.Body) {
				return e.Index, nil
			}
			from = e.Index + 1
		}
		if len(list) == 0 {
			break
		}
	}
	if a.now() > s.Until {
		return TooLate, nil
	}
	var body any = raw(s.Body)
	e, err := a.Book.Append(ctx, s.Typ, nil, 0, body)
	return e.Index, err
}

// raw is JSON that wire wrote before.
type raw []byte

// MarshalJSON implements json.Marshaler.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

// Say keeps what a verb has to keep, has it written, and wakes the jobs.
func (a *Archive) Say(ctx context.Context, keep func(ctx context.Context, q db.Querier, from int64) error) error {
	from, err := a.Size(ctx)
	if err != nil {
		return err
	}
	if err := a.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return keep(ctx, q, from) }); err != nil {
		return err
	}
	defer a.Wake()
	return a.Finish(ctx)
}
