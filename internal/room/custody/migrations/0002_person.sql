-- +goose Up
-- Our own admins as custody knows them: a name, keys, and what is sealed.
CREATE TABLE custody_person (
  id        TEXT PRIMARY KEY, -- 32 signs of hex, random
  name      TEXT NOT NULL, -- empty once it was forgotten
  sign_key  TEXT NOT NULL, -- ssh-ed25519 AAAA...
  recipient TEXT NOT NULL, -- age1... or ssh-ed25519 AAAA...
  account   TEXT NOT NULL, -- handle of the account here; empty = none
  household TEXT NOT NULL, -- who is lost together with others; empty = alone
  mail      BYTEA NOT NULL, -- sealed with the room's box; empty = none
  contacts     BYTEA NOT NULL, -- an age file: how the person is reached; empty = none
  made_us   BIGINT NOT NULL,
  left_us   BIGINT NOT NULL -- 0 = is still here
);

-- Who does what for a service: responsible, backup, told.
CREATE TABLE custody_role (
  service TEXT NOT NULL,
  person  TEXT NOT NULL,
  role    TEXT NOT NULL,
  PRIMARY KEY (service, person)
);
