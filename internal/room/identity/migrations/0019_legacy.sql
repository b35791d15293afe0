-- +goose Up
-- Releases of our people to the successors of our accounts, for the day we are gone.
CREATE TABLE identity_legacy (
  id       TEXT PRIMARY KEY, -- of the release
  person   TEXT NOT NULL,
  home     TEXT NOT NULL,    -- the successor
  ended    BOOLEAN NOT NULL, -- it counts no more; gone once our logbook says so
  document TEXT NOT NULL     -- signed by us alone
);
CREATE UNIQUE INDEX identity_legacy_person ON identity_legacy (person, home) WHERE NOT ended;

-- What members' logbooks say of such releases: Merkle roots over them, the newest 64 per successor.
CREATE TABLE identity_legacy_root (
  home    TEXT NOT NULL,
  entry   BIGINT NOT NULL,  -- index
  heir    TEXT NOT NULL,    -- the successor
  root    TEXT NOT NULL,    -- base64
  size    BIGINT NOT NULL,
  let_in  BOOLEAN NOT NULL, -- the home's people were let in here when it was heard
  PRIMARY KEY (home, entry)
);
CREATE INDEX identity_legacy_root_heir ON identity_legacy_root (home, heir, entry);

-- Which releases successors say in their logbooks that they took up.
CREATE TABLE identity_legacy_taken_up (
  heir  TEXT NOT NULL,
  id    TEXT NOT NULL,
  home  TEXT NOT NULL,
  ask   TEXT NOT NULL,
  entry BIGINT NOT NULL,
  PRIMARY KEY (heir, id)
);
CREATE INDEX identity_legacy_taken_up_home ON identity_legacy_taken_up (home);

-- Homes of which was shown that their custodians let their accounts go to a successor.
CREATE TABLE identity_legacy_estate (
  home     TEXT NOT NULL,
  heir     TEXT NOT NULL,
  ask      TEXT NOT NULL,
  asked_us BIGINT NOT NULL,
  evidence BYTEA NOT NULL, -- as it was shown; we show it where we are the successor
  PRIMARY KEY (home, heir)
);

-- Visitors here who came from a dead home to its successor: where from and where to, for an owner
-- who comes back.
CREATE TABLE identity_legacy_moved (
  id      TEXT PRIMARY KEY, -- of the release
  home    TEXT NOT NULL,
  sub     TEXT NOT NULL,
  heir    TEXT NOT NULL,
  heirsub TEXT NOT NULL,
  person  TEXT NOT NULL,
  at_us   BIGINT NOT NULL
);
CREATE INDEX identity_legacy_moved_home ON identity_legacy_moved (home, sub);
