-- What was said of who votes, what was proved, and what we told: one row a fact, read into
-- memory at the start.
-- +goose Up
CREATE TABLE watch_fact (
    kind   TEXT NOT NULL,
    owner  TEXT NOT NULL,
    id     TEXT NOT NULL,
    at_us  BIGINT NOT NULL,
    log    TEXT NOT NULL,   -- whose logbook it came from; '' = it is our own
    idx    BIGINT NOT NULL, -- its place there
    body   TEXT NOT NULL,   -- JSON
    PRIMARY KEY (kind, owner, id)
);
CREATE INDEX watch_fact_at ON watch_fact (kind, at_us);
CREATE INDEX watch_fact_log ON watch_fact (log, idx);

-- +goose Down
DROP TABLE watch_fact;
