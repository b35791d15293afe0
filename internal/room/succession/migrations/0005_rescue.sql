-- +goose Up
-- Services of others that are, or were, readable here.
CREATE TABLE succession_rescue (
  owner       TEXT NOT NULL,
  service     TEXT NOT NULL,
  state       TEXT NOT NULL, -- restoring, open, ended, erased
  since_us    BIGINT NOT NULL,
  until_us    BIGINT NOT NULL,
  snapshot    TEXT NOT NULL, -- restic's id
  as_of_us    BIGINT NOT NULL, -- when the snapshot was made
  bytes       BIGINT NOT NULL,
  files       BIGINT NOT NULL,
  people      BIGINT NOT NULL,
  hidden      BIGINT NOT NULL, -- parts that nobody is shown
  fetch_bytes BIGINT NOT NULL, -- of the repository, as it was inherited
  fetch_ms    BIGINT NOT NULL,
  restore_ms  BIGINT NOT NULL,
  pack        TEXT NOT NULL, -- id of the document
  ended_us    BIGINT NOT NULL,
  why         TEXT NOT NULL, -- asked, owner, until, or empty
  PRIMARY KEY (owner, service)
);
-- What signs people in: links of mails, sessions, passwords for programs. Who is a keyed hash.
CREATE TABLE succession_rescue_pass (
  hash     TEXT NOT NULL PRIMARY KEY,
  kind     TEXT NOT NULL, -- link, session, program
  owner    TEXT NOT NULL,
  who      TEXT NOT NULL,
  until_us BIGINT NOT NULL
);
CREATE INDEX succession_rescue_pass_who ON succession_rescue_pass (owner, who, kind);
-- How much was read, in numbers.
CREATE TABLE succession_rescue_count (
  owner TEXT NOT NULL,
  what  TEXT NOT NULL,
  n     BIGINT NOT NULL,
  PRIMARY KEY (owner, what)
);
-- Who came in, as a keyed hash: to count people, not visits.
CREATE TABLE succession_rescue_visitor (
  owner TEXT NOT NULL,
  who   TEXT NOT NULL,
  PRIMARY KEY (owner, who)
);
-- Whose data were erased on their word, so that no second restore brings them back.
CREATE TABLE succession_rescue_erased (
  owner TEXT NOT NULL,
  who   TEXT NOT NULL,
  at_us BIGINT NOT NULL,
  PRIMARY KEY (owner, who)
);
-- +goose Down
DROP TABLE succession_rescue_erased;
DROP TABLE succession_rescue_visitor;
DROP TABLE succession_rescue_count;
DROP TABLE succession_rescue_pass;
DROP TABLE succession_rescue;
