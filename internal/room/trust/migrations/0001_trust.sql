-- +goose Up
CREATE TABLE trust_member (
    id       TEXT PRIMARY KEY,
    root     TEXT NOT NULL,
    url      TEXT NOT NULL,
    standing TEXT NOT NULL CHECK (standing IN ('asked', 'met', 'added')),
    refused  BOOLEAN NOT NULL,
    code     TEXT NOT NULL, -- invitation still to redeem there, '' = none
    since_us BIGINT NOT NULL
);

CREATE TABLE trust_invite (
    hash     TEXT PRIMARY KEY, -- the code itself is not kept
    until_us BIGINT NOT NULL,
    used_by  TEXT NOT NULL     -- '' = not used
);

-- What logbooks say, one row per standing fact, with the entry it stands in.
-- trust_seen holds every entry taken in: one delivered twice changes nothing,
-- another one in its place (a revoked key's entries were cut off) takes back
-- what came from there on.
CREATE TABLE trust_seen (
    log  TEXT NOT NULL,
    idx  BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (log, idx)
);
CREATE TABLE trust_vouch (
    log      TEXT NOT NULL,
    member   TEXT NOT NULL,
    root     TEXT NOT NULL,
    url      TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    idx      BIGINT NOT NULL,
    PRIMARY KEY (log, member)
);
CREATE INDEX trust_vouch_member ON trust_vouch (member);
CREATE TABLE trust_join (
    log      TEXT NOT NULL,
    charter  TEXT NOT NULL,
    since_us BIGINT NOT NULL,
    idx      BIGINT NOT NULL,
    PRIMARY KEY (log, charter)
);
CREATE INDEX trust_join_charter ON trust_join (charter);

CREATE TABLE trust_charter (
    id       TEXT PRIMARY KEY,
    envelope BYTEA NOT NULL,
    since_us BIGINT NOT NULL
);

CREATE TABLE trust_pact (
    id         TEXT PRIMARY KEY,
    peer       TEXT NOT NULL,
    made_us    BIGINT NOT NULL,
    envelope   BYTEA NOT NULL, -- the proposal, then with both signatures
    acceptance BYTEA NOT NULL, -- empty until accepted
    signed_us  BIGINT NOT NULL,
    closed_us  BIGINT NOT NULL,
    closed_by  TEXT NOT NULL
);
CREATE INDEX trust_pact_peer ON trust_pact (peer);

-- What still has to be told or fetched, tried again until it worked.
CREATE TABLE trust_task (
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    peer    TEXT NOT NULL,
    made_us BIGINT NOT NULL,
    next_us BIGINT NOT NULL,
    tries   BIGINT NOT NULL,
    error   TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX trust_task_next ON trust_task (next_us);

-- +goose Down
DROP TABLE trust_task;
DROP TABLE trust_pact;
DROP TABLE trust_charter;
DROP TABLE trust_join;
DROP TABLE trust_vouch;
DROP TABLE trust_seen;
DROP TABLE trust_invite;
DROP TABLE trust_member;
