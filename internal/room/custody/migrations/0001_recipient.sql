-- +goose Up
-- The age recipient each member last published: what is meant for its node is encrypted to it.
CREATE TABLE custody_recipient (
  member    TEXT PRIMARY KEY,
  recipient TEXT NOT NULL, -- age1...
  entry     BIGINT NOT NULL, -- index in its logbook
  said_us   BIGINT NOT NULL
);
