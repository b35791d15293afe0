-- What changed at this hoster, for the feeds; the newest few hundred.
-- +goose Up
CREATE TABLE directory_change (
    seq   BIGINT NOT NULL PRIMARY KEY, -- counts up, never used twice
    at_us BIGINT NOT NULL,
    what  TEXT   NOT NULL, -- new, ended, full, open, level, state
    slug  TEXT   NOT NULL, -- of the service; '' = the hoster
    name  TEXT   NOT NULL,
    value TEXT   NOT NULL  -- the level or the state
);
