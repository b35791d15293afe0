-- +goose Up
-- What each target said that it runs, and since when that is behind.
CREATE TABLE watch_software (
    owner     TEXT NOT NULL,
    target    TEXT NOT NULL,
    service   TEXT NOT NULL,
    software  TEXT NOT NULL,
    version   TEXT NOT NULL,
    seen_us   BIGINT NOT NULL, -- when this version was seen first
    behind_us BIGINT NOT NULL, -- when it was first known to be behind; 0 = it is not
    PRIMARY KEY (owner, target)
);

-- The tables of minimum safe versions that members published, each its newest.
CREATE TABLE watch_safe (
    member TEXT PRIMARY KEY,
    idx    BIGINT NOT NULL, -- of the entry in its logbook
    iat_us BIGINT NOT NULL,
    body   TEXT NOT NULL    -- JSON
);
