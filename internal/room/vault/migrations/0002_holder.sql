-- What this member keeps for others. The shard files are the truth: these rows
-- are rebuilt from them, but for burials, which then are forgotten (files stay).
-- +goose Up
CREATE TABLE vault_tenant (
    owner TEXT   NOT NULL PRIMARY KEY,
    bytes BIGINT NOT NULL, -- of all its rows in vault_held, reserved and buried ones too
    shards BIGINT NOT NULL
);

CREATE TABLE vault_held (
    owner       TEXT   NOT NULL,
    object      TEXT   NOT NULL, -- hex
    idx         BIGINT NOT NULL,
    state       TEXT   NOT NULL, -- reserved, held, broken
    bytes       BIGINT NOT NULL, -- of the file: head and data
    length      BIGINT NOT NULL, -- of the data
    root        TEXT   NOT NULL, -- hex
    prune       TEXT   NOT NULL, -- base64url, empty = nobody may bury it
    head        BYTEA  NOT NULL, -- the signed lines, as in the file
    received_us BIGINT NOT NULL, -- when reserved, then when held; our clock
    keep_us     BIGINT NOT NULL, -- promised until; 0 = no end known
    checked_us  BIGINT NOT NULL, -- when the data was last read and compared with the root
    buried_us   BIGINT NOT NULL, -- 0 = alive; our clock
    tomb_us     BIGINT NOT NULL, -- newest tombstone seen; the owner's clock
    PRIMARY KEY (owner, object, idx)
);

CREATE INDEX vault_held_buried ON vault_held (buried_us) WHERE buried_us > 0;

CREATE INDEX vault_held_checked ON vault_held (state, checked_us);

CREATE INDEX vault_held_received ON vault_held (state, received_us);

CREATE TABLE vault_reader (
    owner   TEXT   NOT NULL PRIMARY KEY,
    made_us BIGINT NOT NULL, -- the owner's clock: an older list never replaces a newer one
    list    BYTEA  NOT NULL  -- the signed document
);

-- +goose Down
DROP TABLE vault_reader;
DROP TABLE vault_held;
DROP TABLE vault_tenant;
