-- +goose Up
-- What each member says of itself as a home of people, from its logbook.
CREATE TABLE identity_home (
  member  TEXT PRIMARY KEY,
  issuer  TEXT NOT NULL,
  keys    TEXT NOT NULL, -- JWKS, public halves
  mail    TEXT NOT NULL, -- domains it claims, joined by spaces
  entry   BIGINT NOT NULL, -- index in its logbook
  said_us BIGINT NOT NULL
);

-- Homes that this hoster lets nobody in from, whatever was promised.
CREATE TABLE identity_home_shut (
  member  TEXT PRIMARY KEY,
  reason  TEXT NOT NULL,
  at_us   BIGINT NOT NULL
);

-- Mail domains that were proved to be a member's (DNS).
CREATE TABLE identity_home_domain (
  member    TEXT NOT NULL,
  domain    TEXT NOT NULL,
  proved_us BIGINT NOT NULL, -- 0 = never
  tried_us  BIGINT NOT NULL,
  PRIMARY KEY (member, domain)
);

-- Who a visitor is at home. A row never names another person; a move gives a person a
-- further row, and closes the one before.
CREATE TABLE identity_visitor (
  home    TEXT NOT NULL,
  sub     TEXT NOT NULL,
  person  TEXT NOT NULL,
  handle  TEXT NOT NULL, -- at home, when last seen
  state   TEXT NOT NULL, -- active, moved
  made_us BIGINT NOT NULL,
  seen_us BIGINT NOT NULL,
  PRIMARY KEY (home, sub)
);
CREATE INDEX identity_visitor_person ON identity_visitor (person);
CREATE INDEX identity_visitor_made ON identity_visitor (home, made_us);
