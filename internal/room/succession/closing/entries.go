package closing

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
)

// The entries about pacts, of which the notice alone is read here.
// spec: docs/spec/trust.md#entries
const (
	typePact    = "entrechat/pact/1"
	typePactEnd = "entrechat/pact-end/1"
)

// Bounds of the notice of a pact, in days.
// spec: docs/spec/pact.md#payload
const leastNotice, mostNotice = 7, 1095

type pactBody struct {
	Pact       string `json:"pact"`
	NoticeDays int64  `json:"notice_days"`
}

// Readers take in what owners and adopters say. One reader takes all of it, so that what a
// notice was when a closing began is known when it is read.
func (s *Closings) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "succession_closing", Types: append([]string{stage.Type, typePact, typePactEnd}, paper.Types()...), Read: s.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return drop(ctx, q, log, index) })
		},
	}}
}

// Entries are the kinds of entries that are written here, with what each says.
func Entries() map[string]string {
	all := paper.Entries()
	all[stage.Type] = "succession.closing.entry"
	return all
}

func (s *Closings) read(ctx context.Context, e logbook.Entry) error {
	switch e.Typ {
	case stage.Type:
		var b stage.Say
		if wire.Peek(e.Body, &b) != nil || b.Check() != nil {
			return nil //nolint:nilerr // what cannot be read says nothing
		}
		return put(ctx, s.n.DB, stage.Heard{Say: b, Owner: e.Log, Index: e.Index, At: e.Iat})
	case typePact, typePactEnd:
		var b pactBody
		switch {
		case wire.Peek(e.Body, &b) != nil || !stage.ValidID(b.Pact):
			return nil //nolint:nilerr // what cannot be read says nothing
		case e.Typ == typePactEnd:
			return endPact(ctx, s.n.DB, e.Log, b.Pact, e.Index)
		case b.NoticeDays < leastNotice || b.NoticeDays > mostNotice:
			return nil
		}
		return putPact(ctx, s.n.DB, e, b)
	}
	if err := s.papers.Read(ctx, e); err != nil {
		return err
	}
	if e.Typ == paper.TypeHandoverSaid || e.Typ == paper.TypeNoticeSaid {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return nil
}
