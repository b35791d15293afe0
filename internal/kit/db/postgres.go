package db

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"entrechat/internal/core"
)

const (
	postgresConns = 8
	postgresIdle  = 2
)

func openPostgres(url string) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, core.Invalid("db.bad_address", fmt.Errorf("read database URL: %w", err))
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "entrechat"
	}
	pool := sql.OpenDB(stdlib.GetConnector(*config))
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresIdle)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{pool: pool, engine: Postgres, guests: make(chan struct{}, postgresConns/2)}, nil
}

// postgresKind sorts SQLSTATE codes into the few that callers tell apart.
//
// Source: https://www.postgresql.org/docs/15/errcodes-appendix.html
func postgresKind(err error) kind {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return other
	}
	switch e.Code {
	case "23505": // unique_violation
		return duplicate
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return again
	case "53100": // disk_full
		return full
	case "53300", "57P03", "55P03": // too_many_connections, cannot_connect_now, lock_not_available
		return busy
	case "25006", "42501": // read_only_sql_transaction, insufficient_privilege
		return readOnly
	case "58030", "XX001", "XX002": // io_error, data_corrupted, index_corrupted
		return broken
	}
	return other
}
