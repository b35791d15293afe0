-- +goose Up
-- The newest box of each deal: ours, and the copies we keep for other members.
CREATE TABLE custody_box (
  deal      TEXT PRIMARY KEY,
  owner     TEXT NOT NULL,
  version   BIGINT NOT NULL,
  sealed_us BIGINT NOT NULL,
  holds     TEXT NOT NULL, -- JSON list: what our own box holds, in words
  document  BYTEA NOT NULL -- DSSE
);
