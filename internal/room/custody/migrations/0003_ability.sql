-- +goose Up
-- What a service needs somebody to be able to do. An empty service: all of them need it.
CREATE TABLE custody_ability (
  id      TEXT PRIMARY KEY, -- 16 signs of hex, random
  service TEXT NOT NULL,
  kind    TEXT NOT NULL, -- dns, registrar, root...
  subject TEXT NOT NULL, -- the domain, the host, the address; empty where there is one only
  made_us BIGINT NOT NULL,
  UNIQUE (service, kind, subject)
);

-- Who proved it last, when, and how. Of who left the rows go a year later.
CREATE TABLE custody_holding (
  ability   TEXT NOT NULL,
  person    TEXT NOT NULL,
  proof     TEXT NOT NULL, -- dns, root, canary, mail, rdap, witness
  witness   TEXT NOT NULL, -- a person; empty = the node itself saw it
  evidence  TEXT NOT NULL, -- SHA-256 in hex of what was seen
  proved_us BIGINT NOT NULL,
  PRIMARY KEY (ability, person)
);

-- A proof that was begun: what the person has to sign, and what has to be seen.
CREATE TABLE custody_challenge (
  id         TEXT PRIMARY KEY, -- 32 signs of hex, random: the nonce
  ability    TEXT NOT NULL,
  person     TEXT NOT NULL,
  before     TEXT NOT NULL, -- what the registrar said before; else empty
  token      TEXT NOT NULL, -- hash of what was mailed; else empty
  expires_us BIGINT NOT NULL
);

-- What registrars said last.
CREATE TABLE custody_domain (
  domain     TEXT PRIMARY KEY,
  expires_us BIGINT NOT NULL, -- 0 = it did not say
  asked_us   BIGINT NOT NULL
);

-- What the hoster decided about its figures.
CREATE TABLE custody_setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
