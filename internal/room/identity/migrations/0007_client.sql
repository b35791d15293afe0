-- +goose Up
-- The hoster's own services that sign people in here.
CREATE TABLE identity_client (
  id            TEXT PRIMARY KEY, -- its name, and its client_id
  template      TEXT NOT NULL,
  url           TEXT NOT NULL,
  secret        TEXT NOT NULL,   -- hex of the SHA-256
  old_secret    TEXT NOT NULL,   -- the one before, '' = none
  old_until_us  BIGINT NOT NULL,
  settings      TEXT NOT NULL,   -- JSON
  made_us       BIGINT NOT NULL
);

-- What a service was ever told of a person. Written once: services find accounts by it.
CREATE TABLE identity_subject (
  client   TEXT NOT NULL,
  person   TEXT NOT NULL,
  sub      TEXT NOT NULL,
  username TEXT NOT NULL,
  mail     TEXT NOT NULL, -- '' = none was told yet
  made_us  BIGINT NOT NULL,
  PRIMARY KEY (client, person)
);
CREATE UNIQUE INDEX identity_subject_sub ON identity_subject (client, sub);
CREATE UNIQUE INDEX identity_subject_username ON identity_subject (client, username);
CREATE UNIQUE INDEX identity_subject_mail ON identity_subject (client, mail) WHERE mail <> '';
CREATE INDEX identity_subject_person ON identity_subject (person);
