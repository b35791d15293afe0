-- +goose Up
-- "I know what I answer for": the last time each of our own admins signed it. person is the
-- id of a card.
CREATE TABLE custody_duty (
  person    TEXT PRIMARY KEY,
  version   BIGINT NOT NULL, -- of the text
  way       TEXT NOT NULL, -- account, key
  hash      TEXT NOT NULL, -- SHA-256 of the text as it was signed, hex
  signature TEXT NOT NULL, -- what ssh-keygen -Y sign wrote; empty for an account
  signed_us BIGINT NOT NULL
);

-- What a member says it cannot do, as it stands in a pact, and when one of us read it.
CREATE TABLE custody_limits_read (
  pact    TEXT PRIMARY KEY,
  hash    TEXT NOT NULL, -- SHA-256 of that text, hex
  read_us BIGINT NOT NULL
);
