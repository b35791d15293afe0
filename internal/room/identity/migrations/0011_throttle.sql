-- +goose Up
-- Guesses at passwords and codes. A key is a MAC of whose and from where: nothing is to be read
-- from it.
CREATE TABLE identity_throttle (
  key      TEXT PRIMARY KEY,
  guesses  BIGINT NOT NULL,
  last_us  BIGINT NOT NULL,
  until_us BIGINT NOT NULL
);
CREATE INDEX identity_throttle_last ON identity_throttle (last_us);

-- Proofs of work that were used, until they would have ended.
CREATE TABLE identity_captcha (
  id       TEXT PRIMARY KEY,
  until_us BIGINT NOT NULL
);
CREATE INDEX identity_captcha_until ON identity_captcha (until_us);
