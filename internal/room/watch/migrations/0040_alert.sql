-- +goose Up
-- Who is told, of ourselves and of the members we vote for. It holds tokens.
CREATE TABLE watch_plan (
    owner TEXT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    doc   TEXT NOT NULL -- JSON of contact.Plan
);
-- Which voter has which of our plans.
CREATE TABLE watch_plan_push (
    member  TEXT NOT NULL PRIMARY KEY,
    at_us   BIGINT NOT NULL, -- of the plan it has; 0 = none
    next_us BIGINT NOT NULL,
    tries   BIGINT NOT NULL
);
CREATE TABLE watch_notice (
    key      TEXT NOT NULL PRIMARY KEY, -- of owner, incident and kind
    owner    TEXT NOT NULL,
    incident TEXT NOT NULL,
    kind     TEXT NOT NULL,
    level    TEXT NOT NULL,
    weak     BOOLEAN NOT NULL,
    services TEXT NOT NULL,   -- JSON
    link     TEXT NOT NULL,
    at_us    BIGINT NOT NULL,
    over_us  BIGINT NOT NULL, -- 0 = it lasts
    acked_us BIGINT NOT NULL, -- 0 = nobody did
    acked_by TEXT NOT NULL,   -- a person's id
    step     BIGINT NOT NULL, -- how far it was escalated
    step_us  BIGINT NOT NULL, -- when it goes further
    person   TEXT NOT NULL    -- it is for this one only; empty = by the plan
);
CREATE INDEX watch_notice_incident ON watch_notice (owner, incident);
CREATE INDEX watch_notice_at ON watch_notice (at_us);
CREATE TABLE watch_delivery (
    key      TEXT NOT NULL,
    person   TEXT NOT NULL,
    step     TEXT NOT NULL,   -- oncall, second, team
    owner    TEXT NOT NULL,
    state    TEXT NOT NULL,   -- open, sent, digest, told, dropped, unsure, failed
    next_us  BIGINT NOT NULL, -- when it is tried; while somebody tries it, when that is over
    tries    TEXT NOT NULL,   -- JSON: for each channel how often it failed, and may have arrived
    rounds   BIGINT NOT NULL, -- how often every channel failed
    channel  TEXT NOT NULL,   -- the last one tried
    error    TEXT NOT NULL,
    done_us  BIGINT NOT NULL,
    PRIMARY KEY (key, person, step)
);
CREATE INDEX watch_delivery_next ON watch_delivery (state, next_us);
-- What other members that hold the plan say they sent.
CREATE TABLE watch_receipt (
    key    TEXT NOT NULL,
    person TEXT NOT NULL,
    step   TEXT NOT NULL,     -- as above, and ack
    owner  TEXT NOT NULL,
    state  TEXT NOT NULL,     -- sent, digest, ack
    by     TEXT NOT NULL,
    at_us  BIGINT NOT NULL,
    PRIMARY KEY (key, person, step)
);
