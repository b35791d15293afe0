-- +goose Up
-- A logbook that names another author's document has a line of its own: it keeps nobody from
-- fetching it for its author.
ALTER TABLE assembly_decision_want RENAME TO assembly_decision_want_old;
DROP INDEX assembly_decision_want_next;
CREATE TABLE assembly_decision_want (
  doc      TEXT NOT NULL,
  log      TEXT NOT NULL,
  kind     TEXT NOT NULL,
  proposal TEXT NOT NULL,
  iat_us   BIGINT NOT NULL,
  tries    BIGINT NOT NULL DEFAULT 0,
  next_us  BIGINT NOT NULL,
  PRIMARY KEY (doc, log)
);
INSERT INTO assembly_decision_want SELECT doc, log, kind, proposal, iat_us, tries, next_us FROM assembly_decision_want_old;
DROP TABLE assembly_decision_want_old;
CREATE INDEX assembly_decision_want_next ON assembly_decision_want (next_us);
CREATE INDEX assembly_decision_want_log ON assembly_decision_want (log, kind, proposal);
-- How much is kept of one author.
CREATE INDEX assembly_decision_document_author ON assembly_decision_document (author);
