-- +goose Up
CREATE TABLE logbook_log (
    origin      TEXT PRIMARY KEY,
    name_hash   TEXT NOT NULL UNIQUE,      -- hex SHA-256 of origin, as mirror paths name it
    url         TEXT NOT NULL,
    root        TEXT NOT NULL,             -- pinned root key
    keyset      BYTEA,                     -- newest key set document, NULL = not met yet
    version     BIGINT NOT NULL,           -- of keyset, 0 = none
    size        BIGINT NOT NULL,           -- entries held and verified
    tree        BYTEA NOT NULL,            -- root hash at size
    head        BYTEA,                     -- signed checkpoint of size, with cosignatures
    signed_us   BIGINT NOT NULL,           -- author's own time stamp on head
    seq         BIGINT NOT NULL,           -- order of changes on this node, the cursor of heads
    suspended_us BIGINT NOT NULL           -- fork proved, 0 = never
);
CREATE TABLE logbook_entry (
    origin      TEXT NOT NULL,
    idx         BIGINT NOT NULL,
    typ         TEXT NOT NULL,             -- '' = bytes we could not read
    data        BYTEA NOT NULL,
    received_us BIGINT NOT NULL,
    PRIMARY KEY (origin, idx)
);
CREATE TABLE logbook_hash (
    origin      TEXT NOT NULL,
    idx         BIGINT NOT NULL,           -- tlog.StoredHashIndex
    hash        BYTEA NOT NULL,
    PRIMARY KEY (origin, idx)
);
CREATE TABLE logbook_quarantine (          -- entries signed under a revoked key
    origin      TEXT NOT NULL,
    idx         BIGINT NOT NULL,
    data        BYTEA NOT NULL,
    moved_us    BIGINT NOT NULL,
    PRIMARY KEY (origin, idx, moved_us)
);
CREATE TABLE logbook_fork (
    origin      TEXT PRIMARY KEY,
    proof       BYTEA NOT NULL,
    found_us    BIGINT NOT NULL
);
CREATE TABLE logbook_cursor (
    reader      TEXT NOT NULL,
    origin      TEXT NOT NULL,
    next        BIGINT NOT NULL,
    PRIMARY KEY (reader, origin)
);
CREATE TABLE logbook_store (               -- one row: which database seq numbers belong to
    id          TEXT PRIMARY KEY
);
CREATE TABLE logbook_peer (
    origin      TEXT PRIMARY KEY,
    store       TEXT NOT NULL,             -- their database, 'after' counts in it
    after       BIGINT NOT NULL,           -- their seq up to which we know their heads
    confirmed   BIGINT NOT NULL,           -- size of our own log they cosigned
    failures    BIGINT NOT NULL,
    retry_us    BIGINT NOT NULL
);
CREATE TABLE logbook_cosignature (
    origin      TEXT NOT NULL,
    witness     TEXT NOT NULL,
    size        BIGINT NOT NULL,
    line        TEXT NOT NULL,
    PRIMARY KEY (origin, witness)
);
CREATE TABLE logbook_guard (
    boot        TEXT PRIMARY KEY,          -- machine boot and data place the check holds for
    beat_us     BIGINT NOT NULL
);
-- +goose Down
DROP TABLE logbook_guard;
DROP TABLE logbook_cosignature;
DROP TABLE logbook_peer;
DROP TABLE logbook_store;
DROP TABLE logbook_cursor;
DROP TABLE logbook_fork;
DROP TABLE logbook_quarantine;
DROP TABLE logbook_hash;
DROP TABLE logbook_entry;
DROP TABLE logbook_log;
