package logbook

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
)

// Entries reads at most limit verified entries of a member from an Index on, over
// all its epochs; leaves nobody can read are passed over.
func (st *Store) Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]Entry, error) {
	logs, err := logsOf(ctx, st.DB, id)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, l := range logs {
		next := max(0, from-l.base)
		for next < l.tree.N && len(out) < limit {
			page, err := st.page(ctx, l, next, limit-len(out))
			if err != nil {
				return out, err
			}
			for _, s := range page {
				if e, err := parseLeaf(id, l.base+s.index, s.data); err == nil {
					out = append(out, e)
				}
			}
			next = page[len(page)-1].index + 1
		}
	}
	return out, nil
}

// Entry is one entry of a member by its Index. Returns CodeNotFound, or
// CodeInvalid when nobody can read it.
func (st *Store) Entry(ctx context.Context, id core.MemberID, index int64) (Entry, error) {
	logs, err := logsOf(ctx, st.DB, id)
	if err != nil {
		return Entry{}, err
	}
	for _, l := range logs {
		if index < l.base || index >= l.base+l.tree.N {
			continue
		}
		found, err := st.page(ctx, l, index-l.base, 1)
		if err != nil {
			return Entry{}, err
		}
		return parseLeaf(id, index, found[0].data)
	}
	return Entry{}, core.NotFound("logbook.no_entry", fmt.Errorf("no entry %d of %s", index, id)).With("Member", id)
}

// page reads at most limit leaves of a log from one on, at least one, and checks each
// against the tree: what the disk has changed is an error, never somebody's word.
func (st *Store) page(ctx context.Context, l logRow, from int64, limit int) ([]stored, error) {
	page, err := getEntries(ctx, st.DB, l.origin, from, int(min(int64(limit), l.tree.N-from)))
	if err != nil {
		return nil, err
	}
	return page, st.Suspect(verifyPage(l, hashes(ctx, st.DB, l.origin, l.tree), from, page))
}

// Verify recomputes every tree of a member from the stored entries and compares it
// with the stored tiles and the signed head. It answers how many entries it
// checked. Returns CodeInternal (logbook.damaged) naming what does not match,
// CodeNotFound for a stranger or when nothing has come yet.
func (st *Store) Verify(ctx context.Context, id core.MemberID) (int64, error) {
	m, err := getMember(ctx, st.DB, id)
	if err != nil {
		return 0, err
	}
	logs, err := logsOf(ctx, st.DB, id)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, l := range logs {
		if err := st.verifyLog(ctx, m, l); err != nil {
			return size, err
		}
		size += l.tree.N
	}
	if size == 0 {
		return 0, core.NotFound("logbook.no_head", fmt.Errorf("nothing of %s yet", id)).With("Member", id)
	}
	return size, nil
}

func (st *Store) verifyLog(ctx context.Context, m memberRow, l logRow) error {
	if l.note != nil {
		keys, err := m.keySet()
		if err != nil {
			return err
		}
		h, err := openHead(keys, l.epoch, l.note)
		if err != nil || h.tree != l.tree {
			return damaged(l.origin, errors.Join(errors.New("head does not cover the tree"), err))
		}
	}
	// Tiles are read through the tree, which proves them; leaves must match them.
	read := hashes(ctx, st.DB, l.origin, l.tree)
	for next := int64(0); next < l.tree.N; {
		page, err := getEntries(ctx, st.DB, l.origin, next, pageSize)
		if err != nil {
			return err
		}
		if err := verifyPage(l, read, next, page); err != nil {
			return err
		}
		next += int64(len(page))
	}
	return nil
}

// verifyPage checks leaves from one index on against the tree.
func verifyPage(l logRow, read tlog.HashReader, next int64, page []stored) error {
	if len(page) == 0 {
		return damaged(l.origin, fmt.Errorf("entry %d is missing", l.base+next))
	}
	indexes := make([]int64, len(page))
	for i, s := range page {
		if s.index != next+int64(i) || s.index >= l.tree.N {
			return damaged(l.origin, fmt.Errorf("entry %d is missing, or one too many", l.base+next+int64(i)))
		}
		indexes[i] = tlog.StoredHashIndex(0, s.index)
	}
	want, err := read.ReadHashes(indexes)
	if err != nil {
		return damaged(l.origin, err)
	}
	for i, s := range page {
		if tlog.RecordHash(s.data) != want[i] {
			return damaged(l.origin, fmt.Errorf("entry %d is not the one signed", l.base+s.index))
		}
	}
	return nil
}

// leaves reads the leaves [from, to) of a log, every one, as they were signed: who
// asks must not take our disk's fault for a lie.
func (st *Store) leaves(ctx context.Context, l logRow, from, to int64) ([]stored, error) {
	page, err := st.page(ctx, l, from, int(to-from))
	if err == nil && int64(len(page)) != to-from {
		err = st.Suspect(damaged(l.origin, fmt.Errorf("entry %d is missing", from+int64(len(page)))))
	}
	return page, err
}
