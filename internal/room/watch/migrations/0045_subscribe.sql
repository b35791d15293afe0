-- +goose Up
-- Who wants to be written to of a hoster's incidents. No token stands here: links carry a
-- signature of this node.
CREATE TABLE watch_subscriber (
    id           TEXT NOT NULL PRIMARY KEY, -- 32 hex digits, drawn
    hoster       TEXT NOT NULL,
    service      TEXT NOT NULL,             -- empty = all of them
    address      TEXT NOT NULL,
    lang         TEXT NOT NULL,
    made_us      BIGINT NOT NULL,
    confirmed_us BIGINT NOT NULL,           -- 0 = not yet
    UNIQUE (hoster, service, address)
);
CREATE INDEX watch_subscriber_address ON watch_subscriber (address);
CREATE TABLE watch_event (
    id       TEXT NOT NULL PRIMARY KEY,
    hoster   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    services TEXT NOT NULL, -- JSON
    note     TEXT NOT NULL,
    link     TEXT NOT NULL,
    at_us    BIGINT NOT NULL
);
CREATE TABLE watch_subscriber_mail (
    subscriber TEXT NOT NULL,   -- its id, or topic/N
    event      TEXT NOT NULL,   -- its id; confirm/DAY-N and known/DAY are our own mails
    address    TEXT NOT NULL,   -- for counting; empty for topics
    state      TEXT NOT NULL,   -- open, sent, unsure, failed
    made_us    BIGINT NOT NULL,
    next_us    BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    unsure     BIGINT NOT NULL,
    PRIMARY KEY (subscriber, event)
);
CREATE INDEX watch_subscriber_mail_next ON watch_subscriber_mail (state, next_us);
CREATE INDEX watch_subscriber_mail_address ON watch_subscriber_mail (address, made_us);
