package db

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"entrechat/internal/core"
)

// ErrNoRow is what [One] returns, wrapped, when the query has no row.
var ErrNoRow = errors.New("no such row")

// kind is what an engine's error means to the code above.
type kind int

const (
	other     kind = iota
	duplicate      // a unique key is taken
	again          // the transaction lost a race and may simply be run again
	busy           // the engine is occupied beyond our patience
	full           // no space left
	readOnly       // the file, its folder or the account may only be read
	broken         // the file is damaged, or its disk reports errors
)

func kindOf(err error) kind {
	if k := sqliteKind(err); k != other {
		return k
	}
	return postgresKind(err)
}

// fileKind is kindOf for a database that is being opened: what the system says about
// its file counts too.
func fileKind(err error) kind {
	if k := kindOf(err); k != other {
		return k
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return full
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return readOnly
	case errors.Is(err, syscall.EIO):
		return broken
	}
	return other
}

// engineError is what an engine said. It may hold SQL, names of tables and values: it
// is for the log, never for people.
type engineError struct{ error }

func (e engineError) Unwrap() error { return e.error }

// Private implements what words.Printer asks for.
func (engineError) Private() bool { return true }

// fromEngine says whether an engine itself refused something, and not code of ours in
// the middle of a transaction.
func fromEngine(err error) bool {
	_, lite := errors.AsType[*sqlite.Error](err)
	_, post := errors.AsType[*pgconn.PgError](err)
	return lite || post
}

// IsDuplicate says that err comes from a primary key or unique index that is
// already taken. On PostgreSQL the transaction is lost then: end it.
func IsDuplicate(err error) bool { return err != nil && kindOf(err) == duplicate }

// IsFull says that err comes from a full disk below the database.
func IsFull(err error) bool {
	return err != nil && fileKind(err) == full
}

// edge gives the errors a person can do something about their sentence and
// leaves the rest as they are.
func edge(err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*core.Error](err); known {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %w", ErrNoRow, err)
	}
	if e := sorted(kindOf(err), err); e != nil {
		return e
	}
	if fromEngine(err) {
		return core.Internal("db.failed", engineError{err})
	}
	return err
}

// opening is edge for an error of opening a database: where nothing better is known it
// does not answer.
func opening(err error) error {
	if e := sorted(fileKind(err), err); e != nil {
		return e
	}
	return core.Unsure("db.unreachable", engineError{err})
}

// sorted is an error that a person can do something about, nil for the other kinds.
func sorted(k kind, err error) error {
	switch k {
	case busy, again:
		return core.Unsure("db.busy", engineError{err})
	case full:
		return core.Full("db.disk_full", engineError{err})
	case readOnly:
		return core.Unsure("db.read_only", engineError{err})
	case broken:
		return core.Internal("db.broken", engineError{err})
	case other, duplicate:
	}
	return nil
}
