package store

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
)

// Entries reads at most limit verified entries of a member from an Index on, over
// all its epochs; leaves nobody can read are passed over.
func (st *Store) Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]format.Entry, error) {
	logs, err := LogsOf(ctx, st.DB, id)
	if err != nil {
		return nil, err
	}
	var out []format.Entry
	for _, l := range logs {
		next := max(0, from-l.Base)
		for next < l.Tree.N && len(out) < limit {
			page, err := st.Page(ctx, l, next, limit-len(out))
			if err != nil {
				return out, err
			}
			for _, s := range page {
				if e, err := format.ParseLeaf(id, l.Base+s.Index, s.Data); err == nil {
					out = append(out, e)
				}
			}
			next = page[len(page)-1].Index + 1
		}
	}
	return out, nil
}

// Entry is one entry of a member by its Index. Returns CodeNotFound, or
// CodeInvalid when nobody can read it.
func (st *Store) Entry(ctx context.Context, id core.MemberID, index int64) (format.Entry, error) {
	logs, err := LogsOf(ctx, st.DB, id)
	if err != nil {
		return format.Entry{}, err
	}
	for _, l := range logs {
		if index < l.Base || index >= l.Base+l.Tree.N {
			continue
		}
		found, err := st.Page(ctx, l, index-l.Base, 1)
		if err != nil {
			return format.Entry{}, err
		}
		return format.ParseLeaf(id, index, found[0].Data)
	}
	return format.Entry{}, core.NotFound("logbook.no_entry", fmt.Errorf("no entry %d of %s", index, id)).With("Member", id)
}

// Page reads at most limit leaves of a log from one on, at least one, and checks each
// against the tree: what the disk has changed is an error, never somebody's word.
func (st *Store) Page(ctx context.Context, l LogRow, from int64, limit int) ([]LeafRow, error) {
	page, err := GetEntries(ctx, st.DB, l.Origin, from, int(min(int64(limit), l.Tree.N-from)))
	if err != nil {
		return nil, err
	}
	return page, st.Suspect(VerifyPage(l, Hashes(ctx, st.DB, l.Origin, l.Tree), from, page))
}

// Verify recomputes every tree of a member from the stored entries and compares it
// with the stored tiles and the signed head. It answers how many entries it
// checked. Returns CodeInternal (logbook.damaged) naming what does not match,
// CodeNotFound for a stranger or when nothing has come yet.
func (st *Store) Verify(ctx context.Context, id core.MemberID) (int64, error) {
	m, err := GetMember(ctx, st.DB, id)
	if err != nil {
		return 0, err
	}
	logs, err := LogsOf(ctx, st.DB, id)
	if err != nil {
		return 0, err
	}
	var size int64
	for _, l := range logs {
		if err := st.verifyLog(ctx, m, l); err != nil {
			return size, err
		}
		size += l.Tree.N
	}
	if size == 0 {
		return 0, core.NotFound("logbook.no_head", fmt.Errorf("nothing of %s yet", id)).With("Member", id)
	}
	return size, nil
}

func (st *Store) verifyLog(ctx context.Context, m MemberRow, l LogRow) error {
	if l.Note != nil {
		keys, err := m.KeySet()
		if err != nil {
			return err
		}
		h, err := format.OpenHead(keys, l.Epoch, l.Note)
		if err != nil || h.Tree != l.Tree {
			return Damaged(l.Origin, errors.Join(errors.New("head does not cover the tree"), err))
		}
	}
	// Tiles are read through the tree, which proves them; leaves must match them.
	read := Hashes(ctx, st.DB, l.Origin, l.Tree)
	for next := int64(0); next < l.Tree.N; {
		page, err := GetEntries(ctx, st.DB, l.Origin, next, PageSize)
		if err != nil {
			return err
		}
		if err := VerifyPage(l, read, next, page); err != nil {
			return err
		}
		next += int64(len(page))
	}
	return nil
}

// VerifyPage checks leaves from one index on against the tree.
func VerifyPage(l LogRow, read tlog.HashReader, next int64, page []LeafRow) error {
	if len(page) == 0 {
		return Damaged(l.Origin, fmt.Errorf("entry %d is missing", l.Base+next))
	}
	indexes := make([]int64, len(page))
	for i, s := range page {
		if s.Index != next+int64(i) || s.Index >= l.Tree.N {
			return Damaged(l.Origin, fmt.Errorf("entry %d is missing, or one too many", l.Base+next+int64(i)))
		}
		indexes[i] = tlog.StoredHashIndex(0, s.Index)
	}
	want, err := read.ReadHashes(indexes)
	if err != nil {
		return Damaged(l.Origin, err)
	}
	for i, s := range page {
		if tlog.RecordHash(s.Data) != want[i] {
			return Damaged(l.Origin, fmt.Errorf("entry %d is not the one signed", l.Base+s.Index))
		}
	}
	return nil
}

// Leaves reads the leaves [from, to) of a log, every one, as they were signed: who
// asks must not take our disk's fault for a lie.
func (st *Store) Leaves(ctx context.Context, l LogRow, from, to int64) ([]LeafRow, error) {
	page, err := st.Page(ctx, l, from, int(to-from))
	if err == nil && int64(len(page)) != to-from {
		err = st.Suspect(Damaged(l.Origin, fmt.Errorf("entry %d is missing", from+int64(len(page)))))
	}
	return page, err
}
