-- +goose Up
-- Our own deals.
CREATE TABLE custody_deal (
  id       TEXT PRIMARY KEY,
  scope    TEXT NOT NULL,
  state    TEXT NOT NULL, -- pending, standing, superseded, burnt, cancelled
  forced   BOOLEAN NOT NULL, -- somebody decided that it stands without all of its holders
  made_us  BIGINT NOT NULL,
  stood_us BIGINT NOT NULL, -- 0 = not yet
  ended_us BIGINT NOT NULL, -- 0 = it goes on
  log_from BIGINT NOT NULL, -- size of our logbook when it was made
  document BYTEA NOT NULL -- DSSE
);
CREATE UNIQUE INDEX custody_deal_pending ON custody_deal (scope) WHERE state = 'pending';
CREATE UNIQUE INDEX custody_deal_standing ON custody_deal (scope) WHERE state = 'standing';

-- The shares of our deals, without the share once its holder has it.
CREATE TABLE custody_deal_part (
  deal        TEXT NOT NULL,
  number      BIGINT NOT NULL,
  kind        TEXT NOT NULL, -- node, page, paper
  who         TEXT NOT NULL, -- a member's origin, or an opaque id
  label       TEXT NOT NULL,
  sealed      BYTEA NOT NULL, -- to be brought or printed; empty once it was acknowledged
  mac         BYTEA NOT NULL, -- of the last six signs of a share for a person
  acked_us    BIGINT NOT NULL, -- 0 = not yet
  box_version BIGINT NOT NULL, -- of the box the holder keeps; 0 = none
  tried_us    BIGINT NOT NULL,
  trouble     TEXT NOT NULL, -- words key
  PRIMARY KEY (deal, number)
);

-- Deals of others of which we keep a share.
CREATE TABLE custody_held (
  id          TEXT PRIMARY KEY,
  owner       TEXT NOT NULL,
  scope       TEXT NOT NULL,
  number      BIGINT NOT NULL,
  received_us BIGINT NOT NULL,
  until_us    BIGINT NOT NULL,
  ended_us    BIGINT NOT NULL, -- 0 = it goes on
  ended_as    TEXT NOT NULL, -- superseded, burnt; empty = it goes on
  sealed      BYTEA NOT NULL, -- the share, an age file to our node
  contacts    BYTEA NOT NULL, -- whom to call back, an age file to our node; empty = not told
  document    BYTEA NOT NULL -- DSSE
);
CREATE INDEX custody_held_owner ON custody_held (owner, scope);

-- Which deals stand, by the logbooks.
CREATE TABLE custody_deal_entry (
  owner TEXT NOT NULL,
  deal  TEXT NOT NULL,
  entry BIGINT NOT NULL,
  at_us BIGINT NOT NULL,
  PRIMARY KEY (owner, deal)
);
