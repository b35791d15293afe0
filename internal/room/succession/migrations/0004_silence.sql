-- +goose Up
-- Who called a silent member's people. Of persons: it leaves this node nowhere, and is forgotten.
CREATE TABLE succession_call (
  member  TEXT NOT NULL,
  at_us   BIGINT NOT NULL,
  by_name TEXT NOT NULL,
  reached BIGINT NOT NULL, -- 1 = somebody of the member was reached
  note    TEXT NOT NULL,
  PRIMARY KEY (member, at_us)
);
-- Which mails went out.
CREATE TABLE succession_told (
  member TEXT NOT NULL,
  what   TEXT NOT NULL, -- day/7/0 ..., naming/INDEX/0 ...
  at_us  BIGINT NOT NULL,
  PRIMARY KEY (member, what)
);
-- Which asks we made of custodians.
CREATE TABLE succession_ask (
  ask     TEXT PRIMARY KEY,
  owner   TEXT NOT NULL,
  service TEXT NOT NULL,
  scope   TEXT NOT NULL,
  at_us   BIGINT NOT NULL
);
-- +goose Down
DROP TABLE succession_ask;
DROP TABLE succession_told;
DROP TABLE succession_call;
