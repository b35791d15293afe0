-- +goose Up
-- A sign-in that a service asked for and that is not through yet.
CREATE TABLE identity_oidc_flow (
  id       TEXT PRIMARY KEY,
  client   TEXT NOT NULL,
  pushed   TEXT NOT NULL, -- hash of the request_uri of RFC 9126, '' = it was not pushed
  body     TEXT NOT NULL, -- JSON
  until_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX identity_oidc_flow_pushed ON identity_oidc_flow (pushed) WHERE pushed <> '';
CREATE INDEX identity_oidc_flow_until ON identity_oidc_flow (until_us);

-- What a person let a service have, by one sign-in.
CREATE TABLE identity_oidc_grant (
  id           TEXT PRIMARY KEY,
  client       TEXT NOT NULL,
  person       TEXT NOT NULL,
  session      TEXT NOT NULL,  -- of the browser it was given in
  offline      BOOLEAN NOT NULL, -- lives on when that session ends
  code         TEXT NOT NULL,  -- hash of its authorization code
  code_used_us BIGINT NOT NULL, -- 0 = it was not
  revoked_us   BIGINT NOT NULL, -- 0 = it holds
  body         TEXT NOT NULL,  -- JSON, without code and tokens
  until_us     BIGINT NOT NULL -- dropped then
);
CREATE UNIQUE INDEX identity_oidc_grant_code ON identity_oidc_grant (code);
CREATE INDEX identity_oidc_grant_session ON identity_oidc_grant (session);
CREATE INDEX identity_oidc_grant_person ON identity_oidc_grant (person);
CREATE INDEX identity_oidc_grant_until ON identity_oidc_grant (until_us);

-- Tokens, as hashes.
CREATE TABLE identity_oidc_token (
  hash       TEXT PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  client     TEXT NOT NULL,
  scopes     TEXT NOT NULL,
  made_us    BIGINT NOT NULL,
  until_us   BIGINT NOT NULL,
  revoked_us BIGINT NOT NULL
);
CREATE INDEX identity_oidc_token_until ON identity_oidc_token (until_us);

CREATE TABLE identity_oidc_refresh (
  hash     TEXT PRIMARY KEY,
  grant_id TEXT NOT NULL,
  made_us  BIGINT NOT NULL,
  until_us BIGINT NOT NULL,
  used_us  BIGINT NOT NULL -- 0 = it was not
);
CREATE INDEX identity_oidc_refresh_until ON identity_oidc_refresh (until_us);

-- Ids of signed requests that were taken once.
CREATE TABLE identity_oidc_seen (
  id       TEXT PRIMARY KEY,
  until_us BIGINT NOT NULL
);
CREATE INDEX identity_oidc_seen_until ON identity_oidc_seen (until_us);

-- Which services a browser's session has signed in at.
CREATE TABLE identity_oidc_session (
  session  TEXT NOT NULL,
  client   TEXT NOT NULL,
  person   TEXT NOT NULL,
  sub      TEXT NOT NULL,
  sid      TEXT NOT NULL,
  since_us BIGINT NOT NULL,
  PRIMARY KEY (session, client)
);
CREATE INDEX identity_oidc_session_person ON identity_oidc_session (person);

-- Logout tokens that still have to reach a service.
CREATE TABLE identity_oidc_logout (
  id      TEXT PRIMARY KEY,
  client  TEXT NOT NULL,
  sub     TEXT NOT NULL,
  sid     TEXT NOT NULL,
  made_us BIGINT NOT NULL,
  next_us BIGINT NOT NULL,
  tries   BIGINT NOT NULL
);
CREATE INDEX identity_oidc_logout_next ON identity_oidc_logout (next_us);
