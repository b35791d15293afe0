-- +goose Up
CREATE TABLE directory_file (
    url      TEXT PRIMARY KEY,
    typed    BOOLEAN NOT NULL, -- a root
    class    TEXT NOT NULL,    -- of the body, '' = there never was a good one
    body     BYTEA NOT NULL,   -- the last good version, byte for byte
    sha256   TEXT NOT NULL,    -- of the body, lower-case hex
    etag     TEXT NOT NULL,    -- as the server gave them with the body
    modified TEXT NOT NULL,
    got_us   BIGINT NOT NULL,  -- when the body came
    heard_us BIGINT NOT NULL,  -- when the address last gave it, or said that it stands
    asked_us BIGINT NOT NULL,
    due_us   BIGINT NOT NULL,  -- when to ask again
    strikes  BIGINT NOT NULL,
    trouble  TEXT NOT NULL     -- of the last strike, JSON; '' = none
);

-- What the good versions lead to. A link that a newer version has no more is kept
-- for a while: lists are cut short by accident.
CREATE TABLE directory_link (
    parent  TEXT NOT NULL,
    slug    TEXT NOT NULL,
    child   TEXT NOT NULL,   -- '' = the value is no address
    line    BIGINT NOT NULL, -- in the parent
    gone_us BIGINT NOT NULL, -- 0 = it stands
    PRIMARY KEY (parent, slug)
);
CREATE INDEX directory_link_child ON directory_link (child);
