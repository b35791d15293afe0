-- +goose Up
CREATE TABLE watch_maintenance (
    id           TEXT NOT NULL PRIMARY KEY, -- leaf hash of the plan's entry
    owner        TEXT NOT NULL,
    idx          BIGINT NOT NULL,
    start_us     BIGINT NOT NULL,
    end_us       BIGINT NOT NULL,
    zone         TEXT NOT NULL,
    services     TEXT NOT NULL,             -- JSON; [] = all
    announced_us BIGINT NOT NULL,
    sha256       TEXT NOT NULL,             -- of its text; '' = none
    closed_us    BIGINT NOT NULL,           -- when it was ended early or cancelled; 0 = it was not
    closed_idx   BIGINT NOT NULL,
    cancelled    BOOLEAN NOT NULL
);
CREATE INDEX watch_maintenance_time ON watch_maintenance (owner, end_us);
CREATE INDEX watch_maintenance_sha256 ON watch_maintenance (sha256);
