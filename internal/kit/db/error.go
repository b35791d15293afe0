package db

import (
	"database/sql"
	"errors"
	"fmt"
	"syscall"

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
)

func kindOf(err error) kind {
	if k := sqliteKind(err); k != other {
		return k
	}
	return postgresKind(err)
}

// IsDuplicate says that err comes from a primary key or unique index that is
// already taken. On PostgreSQL the transaction is lost then: end it.
func IsDuplicate(err error) bool { return err != nil && kindOf(err) == duplicate }

// IsFull says that err comes from a full disk below the database.
func IsFull(err error) bool {
	return err != nil && (kindOf(err) == full || errors.Is(err, syscall.ENOSPC))
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
	switch kindOf(err) {
	case busy, again:
		return core.Unsure("db.busy", err)
	case full:
		return core.Full("db.disk_full", err)
	case other, duplicate:
	}
	return err
}
