-- +goose Up
-- What logbooks said of vouches and of following a charter, all of it and not only what stands:
-- who may decide depends on what was so 90 days ago. One row per entry that changed something.
CREATE TABLE assembly_tie (
  log     TEXT NOT NULL,
  idx     BIGINT NOT NULL,
  hash    TEXT NOT NULL,   -- of the entry: another one in its place takes back what came from there on
  at_us   BIGINT NOT NULL, -- when its author says it wrote it
  kind    TEXT NOT NULL,   -- vouch, unvouch, join, leave
  member  TEXT NOT NULL,   -- of a vouch and an unvouch
  root    TEXT NOT NULL,   -- of a vouch
  charter TEXT NOT NULL,   -- of a join and a leave
  PRIMARY KEY (log, idx)
);
CREATE INDEX assembly_tie_charter ON assembly_tie (charter, log);

-- Under which root key a logbook was read: under another one it is somebody else's.
CREATE TABLE assembly_tie_log (
  log  TEXT PRIMARY KEY,
  root TEXT NOT NULL
);
-- +goose Down
DROP TABLE assembly_tie_log;
DROP TABLE assembly_tie;
