-- +goose Up
-- What logbooks say of who is named to take a service over.
CREATE TABLE succession_naming (
  owner    TEXT NOT NULL,
  idx      BIGINT NOT NULL, -- of the entry in the owner's logbook
  service  TEXT NOT NULL,
  body     TEXT NOT NULL, -- JSON, as the entry has it
  said_us  BIGINT NOT NULL, -- by the owner
  heard_us BIGINT NOT NULL, -- here, first
  PRIMARY KEY (owner, idx)
);
CREATE INDEX succession_naming_service ON succession_naming (owner, service, idx);
-- +goose Down
DROP TABLE succession_naming;
