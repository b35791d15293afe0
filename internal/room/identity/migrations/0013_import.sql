-- +goose Up
-- Who came from another directory, and what they were called there.
CREATE TABLE identity_import (
  source  TEXT NOT NULL,
  uid     TEXT NOT NULL, -- lower case
  person  TEXT NOT NULL,
  made_us BIGINT NOT NULL,
  PRIMARY KEY (source, uid)
);
CREATE INDEX identity_import_person ON identity_import (person);
