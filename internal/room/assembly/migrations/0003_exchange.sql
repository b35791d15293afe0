-- +goose Up
-- Who passed a need on to us, under which id of theirs; empty = it was told here.
ALTER TABLE assembly_need ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE assembly_need ADD COLUMN referral TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX assembly_need_referral ON assembly_need (origin, referral) WHERE origin <> '';

-- What we passed on: the author pressed the button. The link is the author's, at the member.
CREATE TABLE assembly_need_passed (
  need   TEXT NOT NULL,
  member TEXT NOT NULL,
  id     TEXT NOT NULL, -- of the referral
  link   BYTEA NOT NULL, -- sealed; empty until the member answered
  at_us  BIGINT NOT NULL,
  PRIMARY KEY (need, member)
);

-- What other members export, as last read.
CREATE TABLE assembly_need_theirs (
  member   TEXT NOT NULL,
  id       TEXT NOT NULL,
  goal     TEXT NOT NULL,
  state    TEXT NOT NULL,
  offered  TEXT NOT NULL, -- the member that does it, where the state is elsewhere
  read_us  BIGINT NOT NULL,
  PRIMARY KEY (member, id)
);

-- What people of ours say is the same need.
CREATE TABLE assembly_need_same (
  need   TEXT NOT NULL,
  member TEXT NOT NULL,
  their  TEXT NOT NULL,
  PRIMARY KEY (need, member, their)
);
