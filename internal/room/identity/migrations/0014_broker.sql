-- +goose Up
-- Sign-ins of people of other members that are under way: sent home, and not back yet.
CREATE TABLE identity_broker_away (
  state    TEXT PRIMARY KEY, -- SHA-256 of what the home gives back
  browser  TEXT NOT NULL,    -- SHA-256 of the browser's cookie
  home     TEXT NOT NULL,    -- the member
  issuer   TEXT NOT NULL,    -- its issuer when we asked
  nonce    TEXT NOT NULL,
  verifier TEXT NOT NULL,    -- of PKCE
  address  TEXT NOT NULL,    -- where the browser is sent
  flow     TEXT NOT NULL,    -- a service's request that waits here; '' = none does
  next     TEXT NOT NULL,    -- else the page to go on to
  fresh_us BIGINT NOT NULL,  -- the home's sign-in must not be older; 0 = may be
  until_us BIGINT NOT NULL
);
CREATE INDEX identity_broker_away_until ON identity_broker_away (until_us);

-- Which session here goes with which session at a home, so that a sign-out there ends it.
CREATE TABLE identity_broker_session (
  session TEXT PRIMARY KEY,
  person  TEXT NOT NULL,
  home    TEXT NOT NULL,
  sub     TEXT NOT NULL,
  sid     TEXT NOT NULL, -- '' = the home named none
  made_us BIGINT NOT NULL
);
CREATE INDEX identity_broker_session_sub ON identity_broker_session (home, sub);

-- Ids of logout tokens that were taken.
CREATE TABLE identity_broker_seen (
  id       TEXT PRIMARY KEY,
  until_us BIGINT NOT NULL
);

-- What our people agreed that another member is told of them.
CREATE TABLE identity_consent (
  person TEXT NOT NULL,
  member TEXT NOT NULL,
  mail   BOOLEAN NOT NULL, -- the mail address too
  at_us  BIGINT NOT NULL,
  PRIMARY KEY (person, member)
);
