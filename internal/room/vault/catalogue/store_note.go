package catalogue

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// NoteMark is the mark in the database.
const NoteMark = "mark"

// folderUsed says whether something is known to lie in a folder.
func (s Notes) folderUsed(ctx context.Context, folder string) (bool, error) {
	query := map[string]string{
		FolderStore: `SELECT count(*) FROM vault_stored WHERE state = 'stored'`,
		FolderLocal: `SELECT count(*) FROM vault_object WHERE file <> ''`,
	}[folder]
	if query == "" {
		return false, nil
	}
	n, err := db.One(ctx, s.db, db.Int64, query)
	return n > 0, err
}

// CountMark adds one to the mark and answers it.
func (s Notes) CountMark(ctx context.Context) (int64, error) {
	text, err := db.One(ctx, s.db, db.Text, `INSERT INTO vault_note (name, value) VALUES ($1, '1') ON CONFLICT (name)
		DO UPDATE SET value = CAST(CAST(vault_note.value AS BIGINT) + 1 AS TEXT) RETURNING value`, NoteMark)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// Mark is the number that grows with each acknowledged snapshot; zero when there is none.
func (s Notes) Mark(ctx context.Context) (int64, error) {
	text, err := s.Get(ctx, NoteMark)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// Moment reads a remark that is a time; zero when there is none.
func (s Notes) Moment(ctx context.Context, name string) (core.Moment, error) {
	text, err := s.Get(ctx, name)
	if err != nil || text == "" {
		return 0, err
	}
	us, err := strconv.ParseInt(text, 10, 64)
	return core.Moment(us), err
}

// SetMoment writes a remark that is a time.
func (s Notes) SetMoment(ctx context.Context, name string, at core.Moment) error {
	return s.Set(ctx, name, strconv.FormatInt(int64(at), 10))
}

// Members reads a remark that lists members.
func (s Notes) Members(ctx context.Context, name string) (ids []core.MemberID, err error) {
	text, err := s.Get(ctx, name)
	for id := range strings.FieldsSeq(text) {
		ids = append(ids, core.MemberID(id))
	}
	return ids, err
}

// SetMembers writes a remark that lists members; none takes it away.
func (s Notes) SetMembers(ctx context.Context, name string, ids []core.MemberID) error {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return s.Set(ctx, name, strings.Join(names, " "))
}

// Get reads a remark; empty when there is none.
func (s Notes) Get(ctx context.Context, name string) (string, error) {
	value, err := db.One(ctx, s.db, db.Text, `SELECT value FROM vault_note WHERE name = $1`, name)
	if errors.Is(err, db.ErrNoRow) {
		return "", nil
	}
	return value, err
}

// Set writes a remark; empty takes it away.
func (s Notes) Set(ctx context.Context, name, value string) error {
	if value == "" {
		_, err := db.Exec(ctx, s.db, `DELETE FROM vault_note WHERE name = $1`, name)
		return err
	}
	_, err := db.Exec(ctx, s.db, `INSERT INTO vault_note (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
