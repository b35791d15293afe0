-- +goose Up
-- A sign-in of which the password was right and the second factor is not there yet.
CREATE TABLE identity_step (
  hash       TEXT PRIMARY KEY, -- SHA-256 of the cookie's token
  person     TEXT NOT NULL,
  next       TEXT NOT NULL,    -- the page to go on to
  amr        TEXT NOT NULL,    -- what was proved so far, RFC 8176 names, joined by spaces
  tries      BIGINT NOT NULL,
  expires_us BIGINT NOT NULL
);
CREATE INDEX identity_step_expires ON identity_step (expires_us);

-- What a link that was sent or shown may do, once.
CREATE TABLE identity_token (
  hash       TEXT PRIMARY KEY, -- SHA-256 of the token in the link
  kind       TEXT NOT NULL,    -- sign_up, invite, recover, address
  person     TEXT NOT NULL,    -- '' = nobody yet
  address    TEXT NOT NULL,    -- the mail address it proves; '' = none
  made_us    BIGINT NOT NULL,
  expires_us BIGINT NOT NULL
);
CREATE INDEX identity_token_person ON identity_token (person);
CREATE INDEX identity_token_expires ON identity_token (expires_us);

-- Mails on their way. The token of a link is drawn when its mail goes out: none lies here.
CREATE TABLE identity_mail (
  id      TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  person  TEXT NOT NULL, -- '' = nobody
  address TEXT NOT NULL,
  lang    TEXT NOT NULL,
  state   TEXT NOT NULL, -- open, sent, dropped
  failed  BIGINT NOT NULL,
  made_us BIGINT NOT NULL,
  next_us BIGINT NOT NULL
);
CREATE INDEX identity_mail_next ON identity_mail (state, next_us);
CREATE INDEX identity_mail_address ON identity_mail (address, made_us);

-- What somebody wrote who asked for an account on a node where a person decides.
CREATE TABLE identity_request (
  person  TEXT PRIMARY KEY,
  text    TEXT NOT NULL,
  made_us BIGINT NOT NULL
);
