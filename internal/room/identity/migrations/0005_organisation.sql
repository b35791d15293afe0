-- +goose Up
CREATE TABLE identity_organisation (
  handle  TEXT PRIMARY KEY,
  name    TEXT NOT NULL,
  made_us BIGINT NOT NULL
);
CREATE TABLE identity_membership (
  organisation TEXT NOT NULL,
  person       TEXT NOT NULL,
  manager      BOOLEAN NOT NULL,
  since_us     BIGINT NOT NULL,
  PRIMARY KEY (organisation, person)
);
CREATE INDEX identity_membership_person ON identity_membership (person);
-- Which organisations may use a service; a service without a row is for everybody.
CREATE TABLE identity_access (
  client       TEXT NOT NULL,
  organisation TEXT NOT NULL,
  PRIMARY KEY (client, organisation)
);
