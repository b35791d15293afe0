-- +goose Up
-- What proofs of shares showed, of our deals and of those we keep a share of.
CREATE TABLE custody_proof (
  deal    TEXT NOT NULL,
  number  BIGINT NOT NULL,
  period  TEXT NOT NULL, -- 2026-11
  verdict TEXT NOT NULL, -- good, false, lost
  at_us   BIGINT NOT NULL,
  PRIMARY KEY (deal, number, period)
);

-- Who has our own proof of a month.
CREATE TABLE custody_proof_sent (
  deal   TEXT NOT NULL,
  period TEXT NOT NULL,
  member TEXT NOT NULL,
  PRIMARY KEY (deal, period, member)
);

-- What our logbook last said of each deal.
CREATE TABLE custody_proof_said (
  deal   TEXT PRIMARY KEY,
  period TEXT NOT NULL,
  proved BIGINT NOT NULL
);
