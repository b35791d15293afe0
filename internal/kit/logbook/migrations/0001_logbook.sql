-- +goose Up
CREATE TABLE logbook_member (
    id           TEXT PRIMARY KEY,
    url          TEXT NOT NULL,
    root         TEXT NOT NULL,      -- pinned root key
    keyset       BYTEA,              -- newest key set document, NULL = none met yet
    version      BIGINT NOT NULL,    -- of keyset, 0 = none
    forked_us    BIGINT NOT NULL,    -- when a fork was proved that still holds, 0 = never
    followed_us  BIGINT NOT NULL
);
CREATE TABLE logbook_log (
    origin       TEXT PRIMARY KEY,   -- of checkpoints: the member's id, or id/epoch
    name_hash    TEXT NOT NULL UNIQUE, -- hex SHA-256 of origin, as mirror paths have it
    member       TEXT NOT NULL,
    epoch        BIGINT NOT NULL,
    base         BIGINT NOT NULL,    -- index of its first entry in the member's whole history
    size         BIGINT NOT NULL,    -- entries held and verified
    tree         BYTEA NOT NULL,     -- root hash at size
    head         BYTEA,              -- signed checkpoint of size, NULL = none that counts
    signed_us    BIGINT NOT NULL,    -- author's own time stamp on head
    heard_us     BIGINT NOT NULL,    -- the same, but never later than when it came
    cosignature  TEXT NOT NULL,      -- our own line for head, '' = none
    bytes        BIGINT NOT NULL,    -- of all entries held, those in quarantine too
    seq          BIGINT NOT NULL,    -- order of changes on this node, the cursor of heads
    UNIQUE (member, epoch)
);
CREATE INDEX logbook_log_seq ON logbook_log (seq);
CREATE TABLE logbook_entry (
    log          TEXT NOT NULL,
    idx          BIGINT NOT NULL,    -- leaf index within the log
    typ          TEXT NOT NULL,      -- '' = bytes nobody can read
    data         BYTEA NOT NULL,
    received_us  BIGINT NOT NULL,
    PRIMARY KEY (log, idx)
);
CREATE TABLE logbook_tile (           -- c2sp.org/tlog-tiles, the last one of a level may be partial
    log          TEXT NOT NULL,
    level        BIGINT NOT NULL,
    n            BIGINT NOT NULL,
    data         BYTEA NOT NULL,
    PRIMARY KEY (log, level, n)
);
CREATE TABLE logbook_quarantine (     -- entries that no head vouches for any more
    log          TEXT NOT NULL,
    idx          BIGINT NOT NULL,
    moved_us     BIGINT NOT NULL,
    data         BYTEA NOT NULL,
    PRIMARY KEY (log, idx, moved_us)
);
CREATE TABLE logbook_fork (
    id           TEXT PRIMARY KEY,   -- hex SHA-256 of proof
    member       TEXT NOT NULL,
    proof        BYTEA NOT NULL,
    found_us     BIGINT NOT NULL,
    pardoned_us  BIGINT NOT NULL,    -- when people decided to go on, 0 = not
    told         BIGINT NOT NULL     -- 1 = stands in our own log
);
CREATE TABLE logbook_reader (
    name         TEXT PRIMARY KEY,
    seq          BIGINT NOT NULL     -- of logs, up to which everything was told
);
CREATE TABLE logbook_cursor (
    reader       TEXT NOT NULL,
    member       TEXT NOT NULL,
    next         BIGINT NOT NULL,    -- index in the member's whole history
    cut          BIGINT NOT NULL,    -- told entries from this index on were taken back, -1 = none
    PRIMARY KEY (reader, member)
);
CREATE TABLE logbook_contact (
    member       TEXT PRIMARY KEY,
    store        TEXT NOT NULL,      -- the numbering that cursor belongs to
    cursor       BIGINT NOT NULL,    -- their seq up to which we know their heads
    whole_us     BIGINT NOT NULL,    -- when we last read all of their heads
    told_size    BIGINT NOT NULL,    -- our whole history as far as they confirmed
    told_us      BIGINT NOT NULL,    -- time stamp of our head they confirmed
    told_version BIGINT NOT NULL,    -- of our key set
    failures     BIGINT NOT NULL,    -- in a row
    retry_us     BIGINT NOT NULL
);
CREATE TABLE logbook_cosignature (
    log          TEXT NOT NULL,
    witness      TEXT NOT NULL,
    size         BIGINT NOT NULL,
    line         TEXT NOT NULL,
    PRIMARY KEY (log, witness)
);
CREATE TABLE logbook_lease (          -- nodes that run on this database
    instance     TEXT PRIMARY KEY,
    beat_us      BIGINT NOT NULL,
    guarded      BIGINT NOT NULL,    -- 1 = it asked our mirrors: others may append beside it
    ask          TEXT NOT NULL       -- another process wants to know whether this one lives; it takes the question away
);
CREATE TABLE logbook_store (          -- one row: the name of our numbering of changes
    one          BIGINT PRIMARY KEY,
    id           TEXT NOT NULL
);
CREATE TABLE logbook_stop (           -- why nothing is appended, until people act
    reason       TEXT PRIMARY KEY,
    detail       TEXT NOT NULL,
    since_us     BIGINT NOT NULL
);
-- +goose Down
DROP TABLE logbook_stop;
DROP TABLE logbook_store;
DROP TABLE logbook_lease;
DROP TABLE logbook_cosignature;
DROP TABLE logbook_contact;
DROP TABLE logbook_cursor;
DROP TABLE logbook_reader;
DROP TABLE logbook_fork;
DROP TABLE logbook_quarantine;
DROP TABLE logbook_tile;
DROP TABLE logbook_entry;
DROP TABLE logbook_log;
DROP TABLE logbook_member;
