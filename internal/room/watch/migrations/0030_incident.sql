-- Incidents: what is told of verdicts. Everything here but the texts can be made again from
-- the logbooks.
-- +goose Up

-- What the verdicts said, one row for each change of one target.
CREATE TABLE watch_incident_step (
    owner    TEXT NOT NULL,
    key      TEXT NOT NULL,   -- leaf hash of the certificate, else a hash of the row
    target   TEXT NOT NULL,
    service  TEXT NOT NULL,
    state    TEXT NOT NULL,   -- up, partial, down, '' = unknown, withdrawn
    weak     BOOLEAN NOT NULL,
    at_us    BIGINT NOT NULL,
    failing  BIGINT NOT NULL,
    voters   BIGINT NOT NULL,
    incident TEXT NOT NULL,   -- '' = of none
    PRIMARY KEY (owner, key)
);
CREATE INDEX watch_incident_step_at ON watch_incident_step (owner, at_us);
CREATE INDEX watch_incident_step_incident ON watch_incident_step (incident);

CREATE TABLE watch_incident (
    id        TEXT NOT NULL PRIMARY KEY, -- key of its first step, or leaf hash of the owner's entry
    owner     TEXT NOT NULL,
    manual    BOOLEAN NOT NULL,
    opened_us BIGINT NOT NULL,
    closed_us BIGINT NOT NULL,           -- 0 = open
    listing   TEXT NOT NULL              -- the rest, JSON
);
CREATE INDEX watch_incident_opened ON watch_incident (owner, opened_us);

-- What is still to be told to the rest of the room.
CREATE TABLE watch_incident_event (
    id    TEXT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    event TEXT NOT NULL -- JSON
);

-- Entries of logbooks that name a text.
CREATE TABLE watch_note (
    hash     TEXT NOT NULL PRIMARY KEY, -- leaf hash
    owner    TEXT NOT NULL,
    idx      BIGINT NOT NULL,           -- in the owner's logbook
    incident TEXT NOT NULL,
    kind     TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    at_us    BIGINT NOT NULL,
    said_us  BIGINT NOT NULL,
    services TEXT NOT NULL              -- JSON
);
CREATE INDEX watch_note_incident ON watch_note (incident);
CREATE INDEX watch_note_owner ON watch_note (owner, said_us);
CREATE INDEX watch_note_sha256 ON watch_note (sha256);

-- The texts, beside.
CREATE TABLE watch_note_text (
    sha256  TEXT NOT NULL,
    owner   TEXT NOT NULL,   -- whose entry names it; '' = this node took it down
    body    BYTEA NOT NULL,
    state   TEXT NOT NULL,   -- '' = wanted, held, withdrawn, broken
    tries   BIGINT NOT NULL,
    next_us BIGINT NOT NULL, -- when to ask for it again
    made_us BIGINT NOT NULL,
    PRIMARY KEY (sha256, owner)
);
CREATE INDEX watch_note_text_due ON watch_note_text (state, next_us);
CREATE INDEX watch_note_text_owner ON watch_note_text (owner);
