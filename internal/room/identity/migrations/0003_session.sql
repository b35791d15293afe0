-- +goose Up
CREATE TABLE identity_session (
  id      TEXT PRIMARY KEY,     -- what services know it by (sid)
  hash    TEXT NOT NULL UNIQUE, -- SHA-256 of the cookie's token
  person  TEXT NOT NULL,
  home    TEXT NOT NULL,        -- where they proved who they are; '' = here
  amr     TEXT NOT NULL,        -- RFC 8176 names, joined by spaces
  made_us BIGINT NOT NULL,
  auth_us BIGINT NOT NULL,      -- when they last proved who they are
  seen_us BIGINT NOT NULL,
  network TEXT NOT NULL,        -- /24 or /48; '' = not known
  agent   TEXT NOT NULL         -- "Firefox, Linux"
);
CREATE INDEX identity_session_person ON identity_session (person);
CREATE INDEX identity_session_home ON identity_session (home);
CREATE INDEX identity_session_seen ON identity_session (seen_us);
