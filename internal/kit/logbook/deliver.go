package logbook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Reader is told every verified entry of the types it names, of every log, in the
// order of each log, at least once: Read must not mind a second time. An error
// stops that log for that reader until the next delivery.
type Reader struct {
	Name  string
	Types []string
	Read  func(ctx context.Context, e Entry) error
}

// page is how many entries are read at a time.
const page = 128

// Deliver tells every reader what is new. One log's trouble does not stop another.
func (b *Book) Deliver(ctx context.Context, readers []Reader) error {
	seq, err := lastSeq(ctx, b.n.DB)
	if err != nil {
		return err
	}
	var problems error
	for _, r := range append(slices.Clip(readers), b.ownReader()) {
		b.mu.Lock()
		after := b.delivered[r.Name]
		b.mu.Unlock()
		if after == seq {
			continue
		}
		err := b.tellAll(ctx, r, after)
		problems = errors.Join(problems, err)
		if err == nil {
			b.mu.Lock()
			b.delivered[r.Name] = seq
			b.mu.Unlock()
		}
	}
	return problems
}

// tellAll tells one reader of every log that changed after a seq.
func (b *Book) tellAll(ctx context.Context, r Reader, after int64) error {
	rows, err := allRows(ctx, b.n.DB, after)
	if err != nil {
		return err
	}
	var problems error
	for _, l := range rows {
		if err := b.deliver(ctx, l, r); err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s reads %s: %w", r.Name, l.Origin, err))
		}
	}
	return problems
}

func (b *Book) deliver(ctx context.Context, l row, r Reader) error {
	next, err := getCursor(ctx, b.n.DB, r.Name, l.Origin)
	if err != nil {
		return err
	}
	for next < l.Tree.N {
		entries, err := getEntries(ctx, b.n.DB, l.Origin, next, page)
		if err != nil || len(entries) == 0 {
			return err
		}
		done, err := tell(ctx, l.Origin, entries, r)
		if cerr := putCursor(ctx, b.n.DB, r.Name, l.Origin, next+done); cerr != nil || err != nil {
			return errors.Join(err, cerr)
		}
		next += done
	}
	return nil
}

// tell hands a page to a reader and answers how many entries are done with.
func tell(ctx context.Context, id core.MemberID, entries []stored, r Reader) (int64, error) {
	for i, s := range entries {
		if !slices.Contains(r.Types, s.typ) {
			continue
		}
		e, err := parseLeaf(id, s.index, s.data)
		if err != nil {
			continue // its bytes are in the tree; its meaning is nobody's
		}
		if err := r.Read(ctx, e); err != nil {
			return int64(i), err
		}
	}
	return int64(len(entries)), nil
}

// ownReader learns key sets and fork proofs that others logged.
func (b *Book) ownReader() Reader {
	return Reader{Name: "logbook", Types: []string{TypKeySet, TypFork}, Read: func(ctx context.Context, e Entry) error {
		if e.Typ == TypKeySet {
			doc, ok := keySetInBody(e.Body)
			if !ok {
				return nil
			}
			return ignoreInvalid(b.Learn(ctx, e.Log, doc))
		}
		var f Fork
		if err := wire.Decode(e.Body, &f); err != nil {
			return ignoreInvalid(err)
		}
		return ignoreInvalid(b.accuse(ctx, f))
	}}
}

// ignoreInvalid passes over what a stranger got wrong; it must not stop his log.
func ignoreInvalid(err error) error {
	switch core.CodeOf(err) { //nolint:exhaustive // the rest is ours to know
	case core.CodeInvalid, core.CodeDenied, core.CodeNotFound, core.CodeConflict:
		return nil
	}
	return err
}
