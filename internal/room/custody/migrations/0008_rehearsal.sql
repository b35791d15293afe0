-- +goose Up
-- Rehearsals of opening a box: a dummy is dealt to the same holders, asked for, and opened.
CREATE TABLE custody_dummy (
  deal     TEXT PRIMARY KEY, -- of the dummy
  scope    TEXT NOT NULL, -- what is rehearsed
  k        BIGINT NOT NULL,
  n        BIGINT NOT NULL,
  content  TEXT NOT NULL, -- hex of the SHA-256 of what the dummy box holds
  ask      TEXT NOT NULL DEFAULT '',
  begun_us BIGINT NOT NULL,
  asked_us BIGINT NOT NULL DEFAULT 0,
  done_us  BIGINT NOT NULL DEFAULT 0, -- the box was opened and held what it had to
  released BIGINT NOT NULL DEFAULT 0, -- shares that were let go so far
  bad      BIGINT NOT NULL DEFAULT 0  -- shares that did not hold
);
