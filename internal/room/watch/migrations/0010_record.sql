-- +goose Up
-- What was found of each target. A look lies in a block with those of the same seconds,
-- then for thirteen months in the chunk of its hour, for ever in the sums of its day.

CREATE TABLE watch_series (
    id     BIGINT PRIMARY KEY,
    owner  TEXT NOT NULL,
    target TEXT NOT NULL,
    UNIQUE (owner, target)
);

CREATE TABLE watch_look (
    made_us BIGINT NOT NULL, -- when the block was begun
    writer  BIGINT NOT NULL, -- which process
    from_us BIGINT NOT NULL, -- its earliest look
    to_us   BIGINT NOT NULL, -- its latest look
    looks   BYTEA NOT NULL,
    PRIMARY KEY (made_us, writer)
);

-- Hours and days are counted from 1970 UTC; vantage 0 is ourselves.
CREATE TABLE watch_chunk (
    series  BIGINT NOT NULL,
    hour    BIGINT NOT NULL,
    vantage BIGINT NOT NULL,
    looks   BYTEA NOT NULL,
    PRIMARY KEY (series, hour, vantage)
);

CREATE TABLE watch_hour (
    series  BIGINT NOT NULL,
    hour    BIGINT NOT NULL,
    vantage BIGINT NOT NULL,
    ms50    BIGINT NOT NULL, -- of looks that were well
    ms95    BIGINT NOT NULL,
    classes BYTEA NOT NULL,  -- how many looks of each class
    PRIMARY KEY (series, hour, vantage)
);

CREATE TABLE watch_day (
    series  BIGINT NOT NULL,
    day     BIGINT NOT NULL,
    vantage BIGINT NOT NULL,
    ms50    BIGINT NOT NULL,
    ms95    BIGINT NOT NULL,
    classes BYTEA NOT NULL,
    PRIMARY KEY (series, day, vantage)
);

-- The hours whose chunks and sums are made.
CREATE TABLE watch_archived (
    hour BIGINT PRIMARY KEY
);

-- When a process of ours ran, and whether it was fit to look.
CREATE TABLE watch_presence (
    from_us BIGINT NOT NULL,
    writer  BIGINT NOT NULL,
    to_us   BIGINT NOT NULL,
    fit     BOOLEAN NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (from_us, writer)
);
