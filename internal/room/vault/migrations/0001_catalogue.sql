-- What this member saved and where it lies. Everything here can be made again
-- from the members' shards and the seed (entrechat vault recover).
-- +goose Up
CREATE TABLE vault_repo (
    name        TEXT   NOT NULL PRIMARY KEY,
    append_hash TEXT   NOT NULL, -- hex SHA-256 of the token; the tokens themselves are files
    read_hash   TEXT   NOT NULL,
    prune       TEXT   NOT NULL, -- base64url Ed25519 public key; its seed is the prune token
    made_us     BIGINT NOT NULL
);

CREATE TABLE vault_object (
    object    TEXT   NOT NULL PRIMARY KEY, -- hex BLAKE3 of the sealed file
    repo      TEXT   NOT NULL,
    kind      TEXT   NOT NULL, -- restic's type, or one of ours
    name      TEXT   NOT NULL, -- hex SHA-256 of the plain file; empty for config
    size      BIGINT NOT NULL, -- plain bytes
    sealed    BIGINT NOT NULL, -- bytes of the age file
    k         BIGINT NOT NULL, -- 0 = no code chosen yet
    n         BIGINT NOT NULL,
    seq       BIGINT NOT NULL, -- order of acceptance, for the commit rule
    file      TEXT   NOT NULL, -- name on our shelf; empty = only the members have it
    state     TEXT   NOT NULL, -- waiting, safe, placed
    tries     BIGINT NOT NULL, -- failed rounds since the last success
    next_us   BIGINT NOT NULL, -- not before; our clock
    made_us   BIGINT NOT NULL, -- accepted
    safe_us   BIGINT NOT NULL, -- off-site for the first time; 0 = not yet
    buried_us BIGINT NOT NULL  -- deleted; 0 = alive
);

-- A file lives once; its buried predecessors stay for the view as of a date.
CREATE UNIQUE INDEX vault_object_alive ON vault_object (repo, kind, name) WHERE buried_us = 0;

CREATE INDEX vault_object_named ON vault_object (repo, kind, name);

CREATE INDEX vault_object_seq ON vault_object (repo, seq);

CREATE INDEX vault_object_uncommitted ON vault_object (repo, seq) WHERE safe_us = 0 AND buried_us = 0;

CREATE INDEX vault_object_due ON vault_object (seq) WHERE state <> 'placed' AND buried_us = 0;

CREATE TABLE vault_placement (
    object   TEXT   NOT NULL,
    idx      BIGINT NOT NULL,
    member   TEXT   NOT NULL,
    site     TEXT   NOT NULL, -- the failure domain when it was placed
    admin    TEXT   NOT NULL,
    length   BIGINT NOT NULL, -- bytes of the shard's data
    root     TEXT   NOT NULL, -- hex BLAKE3 of the shard's data
    state    TEXT   NOT NULL, -- held, lost, wrong
    receipt  BYTEA  NOT NULL, -- the holder's signed document; empty after a recovery
    held_us  BIGINT NOT NULL, -- by the receipt, the holder's clock
    seen_us  BIGINT NOT NULL, -- last receipt, audit or list that showed it; our clock
    bury_us  BIGINT NOT NULL, -- a tombstone is not sent before; our clock
    grave_us BIGINT NOT NULL, -- when the member said it is buried; 0 = it has not
    PRIMARY KEY (object, idx, member)
);

CREATE INDEX vault_placement_member ON vault_placement (member, state);

CREATE TABLE vault_lender (
    member TEXT   NOT NULL PRIMARY KEY,
    good_us BIGINT NOT NULL, -- last time it did what we asked
    bad_us  BIGINT NOT NULL, -- failing since; 0 = fine
    next_us BIGINT NOT NULL  -- nothing new is sent before; our clock
);

CREATE TABLE vault_trouble (
    member   TEXT   NOT NULL,
    kind     TEXT   NOT NULL, -- wrong, lost, refused, unreachable, full
    object   TEXT   NOT NULL, -- empty where it is about the member
    idx      BIGINT NOT NULL,
    detail   TEXT   NOT NULL,
    count    BIGINT NOT NULL,
    first_us BIGINT NOT NULL,
    last_us  BIGINT NOT NULL,
    over_us  BIGINT NOT NULL, -- mended; 0 = not yet
    PRIMARY KEY (member, kind, object, idx)
);

CREATE TABLE vault_tombstone (
    object   TEXT   NOT NULL PRIMARY KEY,
    document BYTEA  NOT NULL, -- signed with the prune key, which is not here
    made_us  BIGINT NOT NULL
);

CREATE TABLE vault_note (
    name  TEXT NOT NULL PRIMARY KEY, -- recovering, kit_checked_us ...
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE vault_note;
DROP TABLE vault_tombstone;
DROP TABLE vault_trouble;
DROP TABLE vault_lender;
DROP TABLE vault_placement;
DROP TABLE vault_object;
DROP TABLE vault_repo;
