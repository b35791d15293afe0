-- +goose Up
-- What proves that somebody is a person. Nothing here can be used as it lies: hashes, sealed
-- secrets, public keys.

CREATE TABLE identity_password (
  person  TEXT PRIMARY KEY,
  hash    TEXT NOT NULL, -- argon2id in PHC form; a foreign hash; {LDAP} and a name
  made_us BIGINT NOT NULL,
  used_us BIGINT NOT NULL -- 0 = never
);
CREATE INDEX identity_password_hash ON identity_password (hash) WHERE substr(hash, 1, 6) = '{LDAP}';

CREATE TABLE identity_totp (
  person    TEXT PRIMARY KEY,
  secret    BYTEA NOT NULL,   -- sealed
  confirmed BOOLEAN NOT NULL, -- the person typed a code of it once
  step      BIGINT NOT NULL,  -- the last time step that was used
  made_us   BIGINT NOT NULL
);

CREATE TABLE identity_recovery (
  person  TEXT NOT NULL,
  hash    TEXT NOT NULL,
  made_us BIGINT NOT NULL,
  PRIMARY KEY (person, hash)
);

CREATE TABLE identity_passkey (
  id         TEXT PRIMARY KEY, -- of the credential, base64url
  person     TEXT NOT NULL,
  name       TEXT NOT NULL,
  record     TEXT NOT NULL,    -- JSON: public key, flags, counter
  made_us    BIGINT NOT NULL,
  used_us    BIGINT NOT NULL,  -- 0 = never
  doubted_us BIGINT NOT NULL   -- when its counter went back; 0 = never
);
CREATE INDEX identity_passkey_person ON identity_passkey (person);

-- Questions to passkeys that were answered, until they would have ended.
CREATE TABLE identity_ceremony (
  id       TEXT PRIMARY KEY,
  until_us BIGINT NOT NULL
);
CREATE INDEX identity_ceremony_until ON identity_ceremony (until_us);
