package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
)

// A node at rest must stay small: each SQLite connection keeps its own cache.
const (
	sqliteConns    = 4
	sqliteIdle     = 2
	sqliteCacheKiB = 1024
	sqliteWALBytes = 16 << 20 // the log file shrinks back to this after a burst
	lockPause      = 10 * time.Millisecond
)

func openSQLite(path string) (*DB, error) {
	if path == "" || path == ":memory:" {
		return nil, core.Invalid("db.bad_address", errors.New("sqlite needs a file"))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, core.Invalid("db.bad_address", err)
	}
	if err := private(path); err != nil {
		return nil, core.Unsure("db.unreachable", fmt.Errorf("open database file: %w", err))
	}
	options := url.Values{
		"_busy_timeout": {strconv.FormatInt(maxWait.Milliseconds(), 10)},
		"_foreign_keys": {"1"},
		"_journal_mode": {"WAL"},
		// NORMAL lost acknowledged rows in 37 of 60 simulated power cuts, FULL in none.
		"_synchronous": {"FULL"},
		// Without it a transaction that reads first fails when it comes to write.
		"_txlock": {"immediate"},
		"_pragma": {
			fmt.Sprintf("cache_size(-%d)", sqliteCacheKiB),
			fmt.Sprintf("journal_size_limit(%d)", sqliteWALBytes),
			// What people had deleted is overwritten, and not only forgotten.
			"secure_delete(1)",
		},
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, core.Invalid("db.bad_address", err)
	}
	pool := sql.OpenDB(keeping{connector})
	pool.SetMaxOpenConns(sqliteConns)
	pool.SetMaxIdleConns(sqliteIdle)
	pool.SetConnMaxIdleTime(10 * time.Minute)
	return &DB{pool: pool, engine: SQLite, path: path, write: make(chan struct{}, 1), guests: make(chan struct{}, sqliteConns/2)}, nil
}

// private makes the file, or narrows it, to what only our user may read; SQLite
// gives its -wal and -shm files the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return f.Chmod(0o600)
	}
	return nil
}

// alone keeps other processes out while this one turns a new file to WAL or
// migrates it: SQLite's busy timeout covers neither. PostgreSQL needs no such
// thing; there it does nothing.
func (d *DB) alone(ctx context.Context) (release func(), err error) {
	if d.path == "" {
		return func() {}, nil
	}
	f, err := os.OpenFile(d.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = disk.TryLock(f)
		if errors.Is(err, disk.ErrLocked) {
			err = pause(ctx, lockPause)
			if err == nil {
				continue
			}
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("wait for another process to set the database up: %w", err)
		}
		return func() { _ = f.Close() }, nil
	}
}

// emptyLog writes SQLite's log into the database file and cuts it to nothing. It waits
// for nobody: a log that another process uses stays for that process.
func (d *DB) emptyLog(ctx context.Context) error {
	if d.path == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return nil // closed before, or every connection is held by who did not end
	}
	defer conn.Close() //nolint:errcheck // the pool is closed next
	if _, err := conn.ExecContext(ctx, `PRAGMA busy_timeout(0)`); err != nil {
		return fmt.Errorf("empty the database's log: %w", err)
	}
	var busy, pages, done int64
	err = conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &done)
	if k := sqliteKind(err); err != nil && (k == other || k == broken) {
		return fmt.Errorf("empty the database's log: %w", err)
	}
	return nil
}

// Repair looks for damage that the engine can see, and makes indexes anew that no longer
// agree with their table; repaired says that it did. Damage to a row itself is not seen:
// who has rows that matter sums them up. It reads the whole database; for PostgreSQL,
// which looks after its own pages, it does nothing. Returns CodeInternal
// (db.broken) for a file that is beyond repair.
func (d *DB) Repair(ctx context.Context) (repaired bool, err error) {
	if d.path == "" {
		return false, nil
	}
	for {
		found, err := All(ctx, d, Text, `PRAGMA integrity_check(5)`)
		if err != nil {
			return repaired, err
		}
		if len(found) == 1 && found[0] == "ok" {
			return repaired, nil
		}
		if repaired {
			return repaired, core.Internal("db.broken", fmt.Errorf("integrity check: %q", found))
		}
		if _, err := Exec(ctx, d, `REINDEX`); err != nil {
			return false, core.Internal("db.broken", fmt.Errorf("integrity check: %q: %w", found, err))
		}
		repaired = true
	}
}

// sqliteKind sorts SQLite's result codes into the few that callers tell apart.
func sqliteKind(err error) kind {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return other
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return duplicate
	}
	switch e.Code() & 0xff { // the low byte is the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy
	case sqlite3.SQLITE_FULL:
		return full
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return readOnly
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR:
		return broken
	}
	return other
}
