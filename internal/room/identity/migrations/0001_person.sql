-- +goose Up
CREATE TABLE identity_person (
  id       TEXT PRIMARY KEY,
  handle   TEXT NOT NULL UNIQUE,
  name     TEXT NOT NULL,
  lang     TEXT NOT NULL,
  kind     TEXT NOT NULL, -- local, visitor
  status   TEXT NOT NULL, -- waiting, active, suspended, closed
  mail     TEXT NOT NULL, -- verified; '' = none
  choice   TEXT NOT NULL, -- archive, handover, erase
  roles    TEXT NOT NULL, -- names, joined by spaces
  made_us  BIGINT NOT NULL,
  ended_us BIGINT NOT NULL -- 0 = open
);
CREATE UNIQUE INDEX identity_person_mail ON identity_person (mail) WHERE mail <> '';

-- Handles that were ever given. No row is ever removed.
CREATE TABLE identity_handle (
  handle   TEXT PRIMARY KEY,
  person   TEXT NOT NULL,
  since_us BIGINT NOT NULL
);
