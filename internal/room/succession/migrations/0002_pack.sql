-- +goose Up
-- Packs: our own, and those that owners sent us.
CREATE TABLE succession_pack (
  owner    TEXT NOT NULL,
  service  TEXT NOT NULL,
  number   BIGINT NOT NULL,
  id       TEXT NOT NULL, -- SHA-256 of the payload
  document TEXT NOT NULL, -- DSSE
  content  TEXT NOT NULL, -- our own: SHA-256 of what says whether something changed
  made_us  BIGINT NOT NULL,
  kept_us  BIGINT NOT NULL, -- since when the sealed file is here; 0 = it is not, or is damaged
  PRIMARY KEY (owner, service, number)
);
-- When an item of ours was proved last.
CREATE TABLE succession_pack_proof (
  service   TEXT NOT NULL,
  item      TEXT NOT NULL,
  sha256    TEXT NOT NULL, -- of its files then
  proved_us BIGINT NOT NULL,
  took_s    BIGINT NOT NULL,
  how       TEXT NOT NULL,
  note      TEXT NOT NULL,
  PRIMARY KEY (service, item)
);
-- How far each successor is.
CREATE TABLE succession_pack_sent (
  service    TEXT NOT NULL,
  member     TEXT NOT NULL,
  number     BIGINT NOT NULL, -- the last it signed for; 0 = none
  receipt_us BIGINT NOT NULL,
  failed     BIGINT NOT NULL, -- tries in a row
  next_us    BIGINT NOT NULL, -- not tried before
  trouble    TEXT NOT NULL, -- words key of the last error
  PRIMARY KEY (service, member)
);
-- Restores that successors signed: the newest of each kind.
CREATE TABLE succession_pack_restored (
  owner    TEXT NOT NULL,
  service  TEXT NOT NULL,
  member   TEXT NOT NULL, -- who restored it
  running  BIGINT NOT NULL, -- 1 = a copy runs there
  at_us    BIGINT NOT NULL,
  document TEXT NOT NULL, -- DSSE
  said_us  BIGINT NOT NULL, -- when its owner took it; 0 = not yet
  next_us  BIGINT NOT NULL,
  PRIMARY KEY (owner, service, member, running)
);
-- +goose Down
DROP TABLE succession_pack_restored;
DROP TABLE succession_pack_sent;
DROP TABLE succession_pack_proof;
DROP TABLE succession_pack;
