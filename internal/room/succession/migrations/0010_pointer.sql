-- +goose Up
-- Pointers that owners gave us, sealed to our node: the last of each backup.
CREATE TABLE succession_pointer (
  owner    TEXT NOT NULL,
  backup   TEXT NOT NULL,
  sealed   TEXT NOT NULL, -- base64 of an age file
  given_us BIGINT NOT NULL,
  PRIMARY KEY (owner, backup)
);
-- +goose Down
DROP TABLE succession_pointer;
