-- +goose Up
-- What was heard of each ping target, of our own and of the members we vote for.
CREATE TABLE watch_signal (
    owner      TEXT NOT NULL,
    target     TEXT NOT NULL,
    last_us    BIGINT NOT NULL, -- the newest success; 0 = none
    started_us BIGINT NOT NULL, -- the newest start
    failed_us  BIGINT NOT NULL, -- the newest failure
    ran_us     BIGINT NOT NULL, -- how long the last run took that told its start
    code       BIGINT NOT NULL, -- the exit code of the newest failure
    via        TEXT NOT NULL,   -- which member got the newest of them
    PRIMARY KEY (owner, target)
);

-- The newest pings, for people: at most a hundred of a target.
CREATE TABLE watch_ping (
    owner  TEXT NOT NULL,
    target TEXT NOT NULL,
    at_us  BIGINT NOT NULL,
    kind   TEXT NOT NULL,
    via    TEXT NOT NULL,
    code   BIGINT NOT NULL,
    bytes  BIGINT NOT NULL, -- of the body
    line   TEXT NOT NULL,   -- its first line; empty but for our own targets
    PRIMARY KEY (owner, target, at_us, kind, via)
);

-- Pings that a member is still to be told of, and how long we were away ("away").
CREATE TABLE watch_ping_out (
    member TEXT NOT NULL,
    owner  TEXT NOT NULL,
    target TEXT NOT NULL,
    at_us  BIGINT NOT NULL,
    kind   TEXT NOT NULL,
    code   BIGINT NOT NULL,
    bytes  BIGINT NOT NULL, -- for away: how long, in microseconds
    line   TEXT NOT NULL,
    PRIMARY KEY (member, owner, target, at_us, kind)
);

-- When a member, or we, could hear no ping.
CREATE TABLE watch_away (
    member  TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    to_us   BIGINT NOT NULL,
    PRIMARY KEY (member, from_us)
);

-- One row, renewed while we are up.
CREATE TABLE watch_heartbeat (
    id    BIGINT PRIMARY KEY,
    at_us BIGINT NOT NULL
);
