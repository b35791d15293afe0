-- +goose Up
-- What members' logbooks say of releases, by the SHA-256 of each: nothing of a person.
CREATE TABLE identity_move_entry (
  home   TEXT NOT NULL,
  id     TEXT NOT NULL,
  moved  BIGINT NOT NULL,  -- index of the entry that says it, -1 = none does
  back   BIGINT NOT NULL,  -- index of the entry that takes it back, -1 = none does
  let_in BOOLEAN NOT NULL, -- the home's people were let in here when it was heard
  PRIMARY KEY (home, id)
);

-- Visitors here whose home changed: a release counts once.
CREATE TABLE identity_move_taken (
  id     TEXT PRIMARY KEY,
  person TEXT NOT NULL,
  home   TEXT NOT NULL, -- the new one
  at_us  BIGINT NOT NULL
);
CREATE INDEX identity_move_taken_person ON identity_move_taken (person);

-- People of ours who go to another home.
CREATE TABLE identity_move_out (
  id         TEXT PRIMARY KEY, -- of the release
  person     TEXT NOT NULL,
  home       TEXT NOT NULL,    -- the new one
  state      TEXT NOT NULL,    -- open, moved, told (in our logbook)
  code       TEXT NOT NULL,    -- hash of what opens it at the new home; '' = the list does
  document   TEXT NOT NULL,    -- the release
  until_us   BIGINT NOT NULL
);
CREATE INDEX identity_move_out_person ON identity_move_out (person);
CREATE INDEX identity_move_out_home ON identity_move_out (home, state, id);
CREATE UNIQUE INDEX identity_move_out_code ON identity_move_out (code) WHERE code <> '';

-- People of ours who came from another home, and from where that one's came.
CREATE TABLE identity_move_in (
  person   TEXT NOT NULL,
  number   BIGINT NOT NULL,  -- the oldest first
  id       TEXT NOT NULL,    -- of the release
  home     TEXT NOT NULL,    -- the old one
  sub      TEXT NOT NULL,    -- there
  state    TEXT NOT NULL,    -- asked, done
  document TEXT NOT NULL,    -- signed by both
  until_us BIGINT NOT NULL,
  handle   TEXT NOT NULL,    -- the name that was set aside here; '' = none was
  way      TEXT NOT NULL,    -- new, visitor, own; '' = an earlier one of the chain
  PRIMARY KEY (person, number)
);
CREATE UNIQUE INDEX identity_move_in_id ON identity_move_in (id) WHERE way <> '';
