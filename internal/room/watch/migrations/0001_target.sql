-- +goose Up
CREATE TABLE watch_target (
    owner    TEXT NOT NULL,
    id       TEXT NOT NULL,
    service  TEXT NOT NULL,
    kind     TEXT NOT NULL,
    address  TEXT NOT NULL,
    every_s  BIGINT NOT NULL,
    expect   TEXT NOT NULL,   -- JSON
    local    BOOLEAN NOT NULL,
    paused   BOOLEAN NOT NULL,
    made_us  BIGINT NOT NULL,
    idx      BIGINT NOT NULL, -- of the owner's logbook entry; -1 = not published yet
    gone     BOOLEAN NOT NULL,-- the owner took it away; what was measured stays
    PRIMARY KEY (owner, id)
);

-- Which domains members proved to be theirs.
CREATE TABLE watch_proof (
    owner     TEXT NOT NULL,
    domain    TEXT NOT NULL,
    proved_us BIGINT NOT NULL, -- 0 = never
    tried_us  BIGINT NOT NULL,
    PRIMARY KEY (owner, domain)
);
